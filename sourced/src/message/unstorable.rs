//! Why a value is not stored: it could not be read back as it was.

use std::fmt;

use serde_json::Value;

use super::payload::without_values;

/// A value that is not stored, since nobody could read it back as it was.
#[derive(Debug)]
pub struct Unstorable {
    pub(super) name: &'static str,
    pub(super) path: String,
    pub(super) why: Why,
    pub(super) written: Unsaid,
}

/// What was written, if it was, for tests to tell. Nobody else says it: it may be secret.
pub(super) struct Unsaid(pub(super) Option<String>);

#[derive(Debug)]
pub(super) enum Why {
    NotFinite(f64),
    Unwritable(serde_json::Error),
    Unreadable(serde_json::Error),
    Reserved,
    Altered,
}

impl Unstorable {
    /// A message that is another one when it is read back, although both are written alike.
    pub(super) fn altered(name: &'static str, json: &str) -> Self {
        Self {
            name,
            path: String::new(),
            why: Why::Altered,
            written: Unsaid(Some(json.to_owned())),
        }
    }

    /// The stored name of the message's type; of a value that is no message, its Rust type.
    pub fn type_name(&self) -> &'static str {
        self.name
    }

    /// Where in the value it is, such as `lines[2].price`; empty where that is the value itself, or nobody can tell.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// As what it was written, if it was.
    #[doc(hidden)]
    pub fn written(&self) -> Option<&str> {
        self.written.0.as_deref()
    }

    /// What is wrong there, in words that go on after the path.
    pub(crate) fn reason(&self) -> String {
        match &self.why {
            Why::NotFinite(number) if number.is_nan() => "is NaN, which JSON cannot tell".to_owned(),
            Why::NotFinite(_) => "is infinite, or too large for its type, which JSON cannot tell".to_owned(),
            Why::Unwritable(error) => format!("cannot be written as JSON: {error}"),
            Why::Unreadable(error) => format!(
                "could not be read back: {}; what `Serialize` leaves out or writes in another shape, `Deserialize` has to take: by `#[serde(default)]` for a field that may be left out",
                without_values(&error.to_string())
            ),
            Why::Reserved => "is a key that `serde_json` keeps for itself".to_owned(),
            Why::Altered => {
                "would come back as something else: what `Serialize` writes, `Deserialize` reads otherwise; look at the `#[serde(..)]` attributes there".to_owned()
            }
        }
    }
}

impl fmt::Display for Unstorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not stored: ", self.name)?;
        match self.path.as_str() {
            "" => write!(f, "it {}", self.reason()),
            path => write!(f, "`{path}` {}", self.reason()),
        }
    }
}

impl std::error::Error for Unstorable {}

impl fmt::Debug for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where in a JSON text this byte is: the value that it belongs to, or that ends there.
pub(super) fn place_at(json: &str, upto: usize) -> String {
    enum Inside<'a> {
        Object(Option<&'a str>),
        Array(usize),
    }
    let mut inside: Vec<Inside<'_>> = Vec::new();
    let mut at = 0;
    while at < upto.min(json.len()) {
        match json.as_bytes()[at] {
            b'"' => {
                let end = end_of_text(json, at);
                // The first text after the bracket or the comma is the key.
                if let Some(Inside::Object(key @ None)) = inside.last_mut() {
                    *key = Some(&json[at + 1..end]);
                }
                at = end;
            }
            b'{' => inside.push(Inside::Object(None)),
            b'[' => inside.push(Inside::Array(0)),
            b'}' | b']' => _ = inside.pop(),
            b',' => match inside.last_mut() {
                Some(Inside::Object(key)) => *key = None,
                Some(Inside::Array(index)) => *index += 1,
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for step in inside {
        match step {
            Inside::Object(Some(key)) if path.is_empty() => path.push_str(key),
            Inside::Object(Some(key)) => path = format!("{path}.{key}"),
            Inside::Object(None) => {}
            Inside::Array(index) => path = format!("{path}[{index}]"),
        }
    }
    path
}

/// The place of the quote that ends the text which begins here.
fn end_of_text(json: &str, start: usize) -> usize {
    let mut at = start + 1;
    while at < json.len() {
        match json.as_bytes()[at] {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Where two values differ first; `None` when they are alike. A set is written in any order, so the order of a list that
/// came back is not compared where its elements are the same.
pub(super) fn difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let mut pairs = ones.iter().zip(others).enumerate();
            let (index, inner) =
                pairs.find_map(|(index, (one, other))| Some((index, difference(one, other)?)))?;
            if sorted(ones) == sorted(others) {
                return None;
            }
            Some(join(&format!("[{index}]"), &inner))
        }
        (Value::Object(ones), Value::Object(others)) => {
            let lacks = ones.keys().find(|key| !others.contains_key(*key));
            let lacks = lacks.or_else(|| others.keys().find(|key| !ones.contains_key(*key)));
            if let Some(key) = lacks {
                return Some(key.clone());
            }
            ones.iter().find_map(|(key, one)| {
                let inner = difference(one, others.get(key)?)?;
                Some(join(key, &inner))
            })
        }
        _ => (one != other).then(String::new),
    }
}

fn join(step: &str, inner: &str) -> String {
    if inner.is_empty() || inner.starts_with('[') {
        format!("{step}{inner}")
    } else {
        format!("{step}.{inner}")
    }
}

/// As texts in an order that does not depend on how they came, at any depth.
fn sorted(values: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = values.iter().map(unordered).collect();
    texts.sort_unstable();
    texts
}

fn unordered(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", sorted(values).join(",")),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", unordered(value)))
                .collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(","))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_byte_of_a_text_is_at_the_value_that_it_belongs_to() {
        let json = r#"{"a":{"b\"c":[1,{"d":null}]},"e":"x,{"}"#;
        for (text, path) in [
            ("1,", r#"a.b\"c[0]"#),
            ("null", r#"a.b\"c[1].d"#),
            ("null}", r#"a.b\"c[1]"#),
            ("]}", "a"),
            (r#""x,{"#, "e"),
        ] {
            let at = json.find(text).unwrap() + text.len();
            let upto = if text == "1," { at - 1 } else { at };
            assert_eq!(place_at(json, upto), path, "{text}");
        }
    }

    #[test]
    fn the_first_difference_is_told_and_sets_have_no_order() {
        let one = json!({"a": [1, {"b": [3, 1, 2]}], "c": 1.0});
        for (other, path) in [
            (json!({"a": [{"b": [2, 3, 1]}, 1], "c": 1.0}), None),
            (json!({"a": [1, {"b": [3, 1, 2]}], "c": 1}), Some("c")),
            (
                json!({"a": [1, {"b": [3, 1, 1]}], "c": 1.0}),
                Some("a[1].b[2]"),
            ),
            (json!({"a": [1], "c": 1.0}), Some("a")),
            (json!({"a": [1, {"b": [3, 1, 2]}]}), Some("c")),
        ] {
            assert_eq!(difference(&one, &other).as_deref(), path, "{other}");
        }
    }
}
