//! What the macros write, kept as files to be read; and that a user's item comes out whatever is wrong with it.
//!
//! `UPDATE_EXPANSIONS=1 cargo test -p sourced-macros` writes the files anew.

use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::check::Kind;
use crate::entry;
use crate::names;
use crate::parse::member::Role;

#[test]
fn an_actor_is_a_table_and_an_impl_per_handler() {
    same_as_kept("cart", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
}

#[test]
fn an_actor_with_snapshots_says_how_and_who_cannot_use_them() {
    let args = "snapshot_every = 100, snapshot_version = 2";
    let args = args.parse::<TokenStream>().unwrap();
    let out = same_as_kept("snapshots", |item| {
        entry::block(Kind::Actor, args.clone(), item)
    });
    assert_eq!(out.matches("reads_history").count(), 2, "{out}");
}

/// The hash that the table is given.
#[test]
fn the_hash_is_that_of_what_makes_the_state() {
    let hash = |item: &str| {
        let args = "snapshot_every = 1".parse().unwrap();
        let out = entry::block(Kind::Actor, args, &item.parse().unwrap()).to_string();
        let (_, rest) = out.split_once("of_code (").unwrap();
        rest.split_once(',').unwrap().0.to_owned()
    };
    let item = kept("snapshots.input.rs");
    let same = [
        item.replace("#[event]", "/// Told to people.\n #[event]"),
        item.replace("Added { price }", "Added { price: price + 1 }"),
        item.replace("== 3", "== 4"),
    ];
    for same in same {
        assert_eq!(hash(&item), hash(&same), "{same}");
    }
    let other = [
        item.replace("self.total += price", "self.total += price + 1"),
        item.replace("total: 0", "total: 1"),
        item.replace("#[event]", "#[event(\"cart.more\")]"),
        item.replace("price: u64) {", "price: u32) {"),
        item.replace(
            "#[state]",
            "#[before_evolve] fn first(&mut self) {} #[state]",
        ),
    ];
    for other in other {
        assert_ne!(hash(&item), hash(&other), "{other}");
    }
}

#[test]
fn a_projector_is_a_table_and_its_syncs() {
    same_as_kept("listing", |item| {
        entry::block(Kind::Projector, TokenStream::new(), item)
    });
}

#[test]
fn a_stored_projector_loads_and_tells_what_it_saved() {
    let args: TokenStream = "stored".parse().unwrap();
    let out = same_as_kept("stored", |item| {
        entry::block(Kind::Projector, args.clone(), item)
    });
    assert!(out.contains("if !cx.is_replaying()"), "{out}");
}

#[test]
fn a_row_is_a_line_per_column() {
    let out = same_as_kept("todo", |item| entry::row(item.clone()));
    assert!(
        out.contains(r#"columns.json::<Vec<String>>("labels");"#),
        "{out}"
    );
}

#[test]
fn a_projector_of_a_table_is_an_impl_per_event() {
    same_as_kept("todo_rows", |item| {
        entry::block(Kind::Projector, TokenStream::new(), item)
    });
}

#[test]
fn a_table_in_global_order_says_so() {
    let out = same_as_kept("global_order", |item| {
        let args = "global_order".parse().unwrap();
        entry::block(Kind::Projector, args, item)
    });
    assert!(out.contains("GroupOrder::Global"), "{out}");
}

#[test]
fn the_key_of_an_event_is_read_from_its_fields() {
    let key = |input: &str| entry::key(input.parse().unwrap()).to_string();
    let one = key("(id) (message.payload) Added");
    let spaced = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(
        spaced(&one),
        "::core::clone::Clone::clone(&message.payload.id)"
    );
    let two = key("(id r#type) (message.payload) todo::Added");
    assert!(two.starts_with('(') && two.contains("r#type"), "{two}");
}

#[test]
fn a_message_is_its_derives_and_its_name() {
    let name = r#""cart.item_added""#.parse::<TokenStream>().unwrap();
    same_as_kept("message", |item| {
        entry::message(Role::Event, name.clone(), item)
    });
}

#[test]
fn a_message_with_a_past_says_what_it_was() {
    let options = r#""cart.item_added.v2", alias = "cart.added", was = v1::ItemAdded"#;
    let options = options.parse::<TokenStream>().unwrap();
    same_as_kept("renamed", |item| {
        entry::message(Role::Event, options.clone(), item)
    });
}

#[test]
fn a_renamed_actor_reads_its_old_names_and_keeps_its_group() {
    let options = r#""shop.cart", alias = "basket.cart", alias = "cart""#;
    let options = options.parse::<TokenStream>().unwrap();
    let out = same_as_kept("renamed_actor", |item| {
        entry::block(Kind::Actor, options.clone(), item)
    });
    for line in [
        r#"const GROUP: &'static str = "cart";"#,
        r#"&["basket.cart.open", "cart.open"]"#,
        r#"&["cart.was_opened", "basket.cart.opened", "cart.opened""#,
    ] {
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert!(squeezed(&out).contains(&squeezed(line)), "{line}: {out}");
    }
}

#[test]
fn the_docs_of_an_actor_show_its_flow() {
    let out = same_as_kept("flow", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    let rows: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("/// | `"))
        .collect();
    assert_eq!(
        rows,
        [
            "/// | `Place` | `CartError` | `Placed`, `Discounted` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Discounted`: `rest` |",
            "/// | `Clear` |  | `Removed` | `rest` |",
            "/// | `send::Mail` |  |  |  |",
            "/// | `Give` | `Full` | `Removed`, `Placed` elsewhere | `Removed`: `rest`<br>`Placed`: `pay` → `Charge`, `note::Write` |",
            "/// | `Lend` |  | `Removed` elsewhere | `rest` |",
            "/// | `Fill` |  | `Placed`, `Removed` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Removed`: `rest` |",
            "/// | `Empty` | `PaymentFailure` | `CartEvent` |  |",
        ]
    );
    assert!(
        out.contains("/// | | | `stock::Gone` | `tell` → `Charge` |"),
        "{out}"
    );
}

#[test]
fn a_method_without_a_body_comes_out() {
    let out = same_as_kept("missing_body", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("pub fn add_item (& self , product_id : String) -> Opened"),
        "{out}"
    );
    assert!(out.contains("pub fn opened (& mut self) { }"), "{out}");
}

#[test]
fn a_half_typed_handler_comes_out() {
    let out = same_as_kept("half_typed_handler", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("pub fn add_item (& self , product_id :) { self . }"),
        "{out}"
    );
    assert!(
        out.contains("struct Opened"),
        "the other handlers are generated: {out}"
    );
}

#[test]
fn options_that_are_not_there_yet_lose_nothing() {
    let out = same_as_kept("empty_options", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("fn broken(&self) {}") && out.contains("struct Open;"),
        "{out}"
    );
}

#[test]
fn a_half_typed_option_loses_nothing() {
    let args: TokenStream = "crate =".parse().unwrap();
    let out = same_as_kept("half_typed_option", |item| {
        entry::block(Kind::Actor, args.clone(), item)
    });
    assert!(
        out.contains("pub fn opened(&mut self) {}") && out.contains("struct Opened;"),
        "{out}"
    );
}

#[test]
fn a_broken_signature_keeps_what_its_calls_need() {
    let out = same_as_kept("broken_signatures", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    for kept in [
        "pub struct AddItem {",
        "pub product: String,",
        "pub labels: Vec<Cart>,",
        "pub price: std::sync::Arc<u32>,",
        "Decides<Clear> for Cart",
        "Evolves<ItemAdded> for Cart",
        "Evolves<ItemRemoved> for Cart",
        "pub async fn send_mail(",
    ] {
        assert!(out.contains(kept), "{kept}: {out}");
    }
    assert!(!out.contains("Reacts"), "nobody calls a reaction: {out}");
}

#[test]
fn an_actor_that_borrows_is_one_of_owned_parts_to_others() {
    let out = same_as_kept("borrowed_actor", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(out.contains("Actor for Cart<'static>"), "{out}");
}

#[test]
fn a_broken_row_is_a_row_to_others() {
    let out = same_as_kept("broken_row", |item| entry::row(item.clone()));
    assert!(out.contains("Row for Line<'static>"), "{out}");
}

#[test]
fn a_field_that_no_message_can_hold_is_mended() {
    let out = same_as_kept("mended_message", |item| {
        entry::message(Role::Event, TokenStream::new(), item)
    });
    for field in [
        "pub product: std::sync::Arc<str>",
        "pub label: Option<String>",
        "pub price: u32",
    ] {
        assert!(out.contains(field), "{field}: {out}");
    }
}

/// What is half typed lacks a token, or has one too many.
#[test]
fn no_input_panics() {
    let block = |kind| move |item: &TokenStream| entry::block(kind, TokenStream::new(), item);
    for (name, expand) in [
        (
            "cart",
            &block(Kind::Actor) as &dyn Fn(&TokenStream) -> TokenStream,
        ),
        ("broken_signatures", &block(Kind::Actor)),
        ("stored", &block(Kind::Projector)),
        ("todo_rows", &block(Kind::Projector)),
        ("todo", &|item| entry::row(item.clone())),
        ("broken_row", &|item| entry::row(item.clone())),
        ("message", &|item| {
            entry::message(Role::Event, TokenStream::new(), item)
        }),
        ("mended_message", &|item| {
            entry::message(Role::Command, TokenStream::new(), item)
        }),
    ] {
        let item: TokenStream = kept(&format!("{name}.input.rs")).parse().unwrap();
        let n_tokens = count(&item);
        for at in 0..n_tokens {
            let change = [Change::Gone, Change::Twice, Change::Raw][at % 3];
            expand(&changed(&item, &mut at.clone(), change));
        }
    }
}

#[test]
fn options_that_lack_a_token_are_told() {
    let item: TokenStream = "impl Cart { #[event] fn opened(&mut self) {} }"
        .parse()
        .unwrap();
    let args = r#""shop.cart", alias = "cart", derive(Eq, Hash), snapshot_every = 2, crate = a::b"#;
    let args: TokenStream = args.parse().unwrap();
    for at in 0..count(&args) {
        let without = changed(&args, &mut at.clone(), Change::Gone);
        let out = entry::block(Kind::Actor, without.clone(), &item).to_string();
        // Whatever is left is either said to be wrong, or there.
        let is_whole = |left: &str| {
            !without.to_string().contains(left)
                || out.contains("compile_error")
                || out.contains(left.trim_matches('"'))
        };
        for left in ["\"shop.cart\"", "\"cart\"", "Hash", "Eq"] {
            assert!(is_whole(left), "{without}: {left}");
        }
    }
}

/// What is done to a token.
#[derive(Clone, Copy)]
enum Change {
    Gone,
    Twice,
    Raw,
}

fn count(tokens: &TokenStream) -> usize {
    let of = |token: TokenTree| match token {
        TokenTree::Group(group) => 1 + count(&group.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(of).sum()
}

/// The same tokens, with the one at this place changed.
fn changed(tokens: &TokenStream, left: &mut usize, change: Change) -> TokenStream {
    let mut out = Vec::new();
    for token in tokens.clone() {
        let is_here = *left == 0;
        *left = left.wrapping_sub(1);
        out.push(match token {
            _ if is_here && matches!(change, Change::Gone) => continue,
            TokenTree::Ident(word) if is_here && matches!(change, Change::Raw) => {
                let word = word.to_string();
                let is_free = syn::parse_str::<syn::Ident>(&format!("r#{word}")).is_ok();
                let word = if is_free { format!("r#{word}") } else { word };
                out.extend(word.parse::<TokenStream>().unwrap());
                continue;
            }
            TokenTree::Group(group) => {
                let inner = changed(&group.stream(), left, change);
                TokenTree::from(Group::new(group.delimiter(), inner))
            }
            token => token,
        });
        if is_here && matches!(change, Change::Twice) {
            out.extend(out.last().cloned());
        }
    }
    out.into_iter().collect()
}

#[test]
fn the_same_input_gives_the_same_output() {
    let item: TokenStream = kept("cart.input.rs").parse().unwrap();
    let once = || entry::block(Kind::Actor, TokenStream::new(), &item).to_string();
    assert_eq!(once(), once());
}

#[test]
fn names_change_case() {
    for (camel, snake) in [
        ("AddItem", "add_item"),
        ("Cart", "cart"),
        ("HTTPRequest", "http_request"),
        ("V2Cart", "v2_cart"),
    ] {
        assert_eq!(names::snake(camel), snake);
    }
    assert_eq!(names::camel("add_item"), "AddItem");
    assert_eq!(names::camel("add_2_items"), "Add2Items");
}

#[test]
fn type_names_are_words_joined_by_dots() {
    for name in ["cart", "shop.cart", "shop.cart_2.item"] {
        assert!(names::is_type_name(name), "{name}");
    }
    for name in [
        "",
        ".",
        "cart.",
        ".cart",
        "a..b",
        "a b",
        "a-b",
        "é",
        &"a".repeat(256),
    ] {
        assert!(!names::is_type_name(name), "{name}");
    }
}

#[test]
fn only_what_is_near_is_suggested() {
    assert_eq!(names::nearest("crte", &["crate"]), Some("crate"));
    assert_eq!(names::nearest("snapshot", &["crate"]), None);
}

/// Expands `name.input.rs`, compares with `name.expanded.rs`, and gives the expansion.
fn same_as_kept(name: &str, expand: impl Fn(&TokenStream) -> TokenStream) -> String {
    let input: TokenStream = kept(&format!("{name}.input.rs")).parse().unwrap();
    let expanded = pretty(&expand(&input));
    let file = format!("{name}.expanded.rs");
    if env::var_os("UPDATE_EXPANSIONS").is_some() {
        fs::write(path(&file), &expanded).unwrap();
    }
    assert_eq!(
        expanded,
        kept(&file),
        "`{file}` is not what the macro writes"
    );
    expanded
}

/// As rustfmt might write it, or as bare tokens where it is not Rust yet.
fn pretty(tokens: &TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => tokens.to_string() + "\n",
    }
}

fn kept(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_default()
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/tests")
        .join(file)
}
