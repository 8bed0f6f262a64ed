//! Commands from outside: what is read, and everything that is said about what is not.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sourced::Registry;
use sourced::prelude::*;
use sourced::registry::{CommandType, Problem, Violation, form_value};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    sku: String,
    price: u64,
    #[serde(default)]
    gift: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shipping {
    Pickup,
    Post { street: String, number: NonZeroU32 },
    Courier(u8),
}

#[command("shop.order")]
#[serde(rename_all = "camelCase")]
struct Order {
    customer_id: Uuid,
    items: Vec<Item>,
    shipping: Shipping,
    note: Option<String>,
    #[serde(rename = "voucher", alias = "coupon", default)]
    code: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<u32, String>,
}

#[command("shop.close", alias = "shop.shut")]
struct Close;

#[command("shop.search")]
#[derive(Default)]
#[serde(default)]
struct Search {
    words: String,
}

#[command("shop.measure")]
struct Measure {
    a: u8,
    b: i16,
    c: f64,
    d: bool,
    e: char,
    f: (u8, String),
}

fn order() -> Value {
    json!({
        "customerId": "6f1c1f0e-8f0c-4b53-9a4e-3b0f6d1c2a10",
        "items": [{"sku": "tea", "price": 5}],
        "shipping": {"post": {"street": "Long Lane", "number": 7}},
    })
}

fn read<C: sourced::Command>(value: &Value) -> Result<C, Vec<Violation>> {
    let payload = CommandType::of::<C>().read(value)?;
    Ok(payload.decode().unwrap())
}

fn read_form<C: sourced::Command>(pairs: &[(&str, &str)]) -> Result<C, Vec<Violation>> {
    let form = form_value(pairs.iter().copied());
    let payload = CommandType::of::<C>().read_form(&form)?;
    Ok(payload.decode().unwrap())
}

fn said<C: sourced::Command + std::fmt::Debug>(value: &Value) -> Vec<String> {
    let violations = read::<C>(value).unwrap_err();
    violations.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_right_is_read_with_its_defaults() {
    let mut value = order();
    value["coupon"] = json!(12);
    value["tags"] = json!({"7": "seven"});
    let order: Order = read(&value).unwrap();
    assert_eq!(order.items[0].price, 5);
    assert!(!order.items[0].gift);
    assert_eq!(order.code, Some(12));
    assert_eq!(order.tags[&7], "seven");
    assert_eq!(order.note, None);
    let number = NonZeroU32::new(7).unwrap();
    let street = "Long Lane".to_owned();
    assert_eq!(order.shipping, Shipping::Post { street, number });
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let value = json!({
        "customer_id": 1,
        "items": [{"sku": 5, "price": -1, "prize": 1}, {"price": "x", "gift": "yes"}, 3],
        "shipping": {"post": {"number": 0}},
        "note": [],
        "voucher": 1.5,
        "secret": true,
    });
    assert_eq!(
        said::<Order>(&value),
        [
            "`customerId` is missing",
            "`customer_id` is not a field; did you mean `customerId`?",
            "`items[0].price` is integer `-1`, and has to be u64",
            "`items[0].prize` is not a field; did you mean `price`?",
            "`items[0].sku` is the number 5, and has to be a string",
            "`items[1].gift` is the text \"yes\", and has to be a boolean",
            "`items[1].price` is the text \"x\", and has to be u64",
            "`items[1].sku` is missing",
            "`items[2]` is the number 3, and has to be struct Item",
            "`note` is a list, and has to be a string",
            "`secret` is not a field; there are `customerId`, `items`, `shipping`, `note`, `coupon`, `voucher`, `tags`",
            "`shipping.post.number` is integer `0`, and has to be a nonzero u32",
            "`shipping.post.street` is missing",
            "`voucher` is floating point `1.5`, and has to be u32",
        ]
    );
}

#[test]
fn an_empty_command_misses_all_it_needs() {
    assert_eq!(
        said::<Order>(&json!({})),
        [
            "`customerId` is missing",
            "`items` is missing",
            "`shipping` is missing"
        ]
    );
    let violations = read::<Measure>(&json!({})).unwrap_err();
    assert!(
        violations
            .iter()
            .all(|violation| violation.problem == Problem::Missing)
    );
    let paths: Vec<&str> = violations
        .iter()
        .map(|violation| &*violation.path)
        .collect();
    assert_eq!(paths, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn what_is_no_object_is_one_thing_that_is_wrong() {
    for value in [json!([1]), json!("x"), json!(1)] {
        let said = said::<Order>(&value);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].ends_with("has to be struct Order"), "{said:?}");
    }
}

#[test]
fn who_sends_nothing_gives_no_field() {
    let missing = said::<Order>(&json!({}));
    assert!(missing.len() > 1, "{missing:?}");
    assert_eq!(said::<Order>(&json!(null)), missing);
    assert_eq!(read::<Search>(&json!(null)).unwrap(), Search::default());
}

#[test]
fn a_command_without_fields_takes_nothing_or_an_empty_object() {
    assert_eq!(read::<Close>(&json!(null)).unwrap(), Close);
    assert_eq!(read::<Close>(&json!({})).unwrap(), Close);
    assert_eq!(
        said::<Close>(&json!({"id": 1})),
        ["`id` is not a field; there are none"]
    );
}

#[test]
fn numbers_stay_within_their_types() {
    let value = json!({"a": 256, "b": -32769, "c": 1, "d": true, "e": "ab", "f": [1, "x", 3]});
    assert_eq!(
        said::<Measure>(&value),
        [
            "`a` is integer `256`, and has to be u8",
            "`b` is integer `-32769`, and has to be i16",
            "`e` is string \"ab\", and has to be a character",
            "`f` cannot be read: 1 elements too many",
        ]
    );
}

#[test]
fn the_texts_of_a_form_become_what_the_type_asks_for() {
    let measure: Measure = read_form(&[
        ("a", " 12 "),
        ("b", "-3"),
        ("c", "0.5"),
        ("d", "on"),
        ("e", "x"),
        ("f[]", "7"),
        ("f[]", "8"),
    ])
    .unwrap();
    assert_eq!(
        measure,
        Measure {
            a: 12,
            b: -3,
            c: 0.5,
            d: true,
            e: 'x',
            f: (7, "8".into())
        }
    );
    let order: Order = read_form(&[
        ("customerId", "6f1c1f0e-8f0c-4b53-9a4e-3b0f6d1c2a10"),
        ("items[1][sku]", "milk"),
        ("items[1][price]", "2"),
        ("items[0][sku]", "007"),
        ("items[0][price]", "5"),
        ("items[0][gift]", "on"),
        ("shipping", "pickup"),
        ("note", ""),
        ("voucher", ""),
    ])
    .unwrap();
    assert_eq!(order.items[0].sku, "007", "a text is left alone");
    assert!(order.items[0].gift);
    assert_eq!(order.items[1].price, 2);
    assert_eq!((order.note, order.code), (None, None));
}

#[test]
fn a_form_is_lenient_in_texts_and_in_nothing_else() {
    let violations = read_form::<Measure>(&[
        ("a", "twelve"),
        ("b", ""),
        ("c", "NaN"),
        ("d", "maybe"),
        ("e", "x"),
        ("f", "1"),
        ("g", "1"),
    ])
    .unwrap_err();
    let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`a` is the text \"twelve\", and has to be u8",
            "`b` is the text \"\", and has to be i16",
            "`c` is the text \"NaN\", and has to be f64",
            "`d` is the text \"maybe\", and has to be a boolean",
            "`f` cannot be read: invalid length 1, expected a tuple of size 2",
            "`g` is not a field; did you mean `a`?",
        ]
    );
    let strict =
        read::<Measure>(&json!({"a": "12", "b": 1, "c": 1.0, "d": "on", "e": "x", "f": [1, "x"]}));
    assert_eq!(strict.unwrap_err().len(), 2, "JSON is not a form");
}

#[test]
fn violations_can_be_sent_to_a_client() {
    let violations = read::<Close>(&json!({"id": 1})).unwrap_err();
    assert_eq!(
        serde_json::to_value(violations).unwrap(),
        json!([{"path": "id", "problem": "unknown", "text": "is not a field; there are none"}])
    );
}

#[test]
fn a_registry_knows_its_commands_by_name_and_alias_only() {
    let registry = Registry::new().command::<Close>().command::<Order>();
    let names: Vec<&str> = registry
        .iter()
        .map(|command| command.name().as_str())
        .collect();
    assert_eq!(names, ["shop.close", "shop.order"]);
    assert_eq!(
        registry.get("shop.shut").unwrap().name().as_str(),
        "shop.close"
    );
    assert!(registry.get("shop.measure").is_none());
    let less = registry.without::<Close>();
    assert!(less.get("shop.close").is_none() && less.get("shop.shut").is_none());
}

/// A type of which nothing can be made up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Iban(String);

impl TryFrom<String> for Iban {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_iban = text.starts_with("DE") && text.len() == 22;
        is_iban.then_some(Self(text)).ok_or("it is no IBAN")
    }
}

#[command("shop.pay")]
struct Pay {
    from: Iban,
    cents: u64,
    to: Iban,
}

#[test]
fn what_stands_behind_a_type_nobody_can_make_up_is_said_later_and_nothing_false_is() {
    assert_eq!(
        said::<Pay>(&json!({"from": "x", "cents": -1, "to": "y"})),
        [
            "`cents` is integer `-1`, and has to be u64",
            "`from` cannot be read: it is no IBAN",
        ]
    );
    assert_eq!(said::<Pay>(&json!({"cents": 1})), ["`from` is missing"]);
}

#[command("shop.span")]
#[serde(try_from = "RawSpan")]
struct Span {
    from: u32,
    to: u32,
}

#[derive(Deserialize)]
struct RawSpan {
    from: u32,
    to: u32,
}

impl TryFrom<RawSpan> for Span {
    type Error = &'static str;
    fn try_from(raw: RawSpan) -> Result<Self, &'static str> {
        let RawSpan { from, to } = raw;
        (from < to)
            .then_some(Self { from, to })
            .ok_or("`from` has to be before `to`")
    }
}

#[test]
fn a_rule_across_fields_is_said_of_real_values_only() {
    assert_eq!(
        said::<Span>(&json!({"from": 3, "to": 2})),
        ["cannot be read: `from` has to be before `to`"]
    );
    // The made-up `to` breaks the rule, which says nothing about what was sent.
    assert_eq!(said::<Span>(&json!({"from": 3})), ["`to` is missing"]);
}

/// Everything inside a value, as pointers.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                pointers(value, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

#[test]
fn json_is_read_as_serde_json_reads_it_but_for_unknown_fields() {
    let mut whole = order();
    whole["note"] = json!("x");
    whole["voucher"] = json!(1);
    whole["tags"] = json!({"1": "one"});
    whole["items"][0]["gift"] = json!(true);
    let mut places = Vec::new();
    pointers(&whole, "", &mut places);
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("pickup"),
        json!([]),
        json!([1]),
        json!({}),
        json!({"courier": 1}),
        json!({"courier": 256}),
        json!({"x": 1, "y": 2}),
    ];
    let mut n_right = 0;
    for place in &places {
        for other in &others {
            let mut value = whole.clone();
            *value.pointer_mut(place).unwrap() = other.clone();
            let by_serde = serde_json::from_value::<Order>(value.clone());
            match (by_serde, read::<Order>(&value)) {
                (Ok(expected), Ok(order)) => {
                    assert_eq!(order, expected);
                    n_right += 1;
                }
                (Err(_), Err(violations)) => assert!(!violations.is_empty()),
                (by_serde, ours) => panic!("{place} = {other}: {by_serde:?}, {ours:?}"),
            }
        }
    }
    assert!(n_right > 15, "only {n_right} were right");
}
