//! Messages as one would write them in Rust, for a person to read.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use sourced::Payload;

/// A message of this Rust type, written nearly as in the program.
pub(super) fn told(rust_path: &str, payload: &Payload) -> String {
    let name = rust_path.rsplit("::").next().unwrap_or(rust_path);
    match payload.decode::<Told>() {
        Ok(Told::Nothing) => name.to_owned(),
        Ok(Told::Fields(text)) => format!("{name} {text}"),
        Ok(Told::Value(text)) => format!("{name}({text})"),
        Err(_) => format!("{name} from {}", payload.as_str()),
    }
}

/// A JSON value as text, its fields in the order in which they are written.
enum Told {
    Nothing,
    Value(String),
    Fields(String),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("None"),
            Self::Value(text) | Self::Fields(text) => f.write_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Teller)
    }
}

struct Teller;

macro_rules! values {
    ($($method:ident: $value:ty,)*) => {$(
        fn $method<E>(self, value: $value) -> Result<Told, E> {
            Ok(Told::Value(format!("{value:?}")))
        }
    )*};
}

impl<'de> Visitor<'de> for Teller {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    values!(visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str,);

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Told, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = values.next_element::<Told>()? {
            all.push(value.to_string());
        }
        Ok(Told::Value(format!("[{}]", all.join(", "))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Told, A::Error> {
        let mut all = String::new();
        while let Some((name, value)) = fields.next_entry::<String, Told>()? {
            all.push_str(if all.is_empty() { "{ " } else { ", " });
            let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            // Writing to a `String` does not fail.
            _ = if is_word && !name.is_empty() {
                write!(all, "{name}: {value}")
            } else {
                write!(all, "{name:?}: {value}")
            };
        }
        all.push_str(if all.is_empty() { "{}" } else { " }" });
        Ok(Told::Fields(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_look_as_in_the_program() {
        let told = |json: &str| told("shop::cart::ItemAdded", &Payload::parse(json).unwrap());
        assert_eq!(
            told(r#"{"id":"a\u0000\"","price":-0.0,"note":null,"lines":[1,2],"m":{"a b":{}}}"#),
            r#"ItemAdded { id: "a\0\"", price: -0.0, note: None, lines: [1, 2], m: { "a b": {} } }"#
        );
        assert_eq!(told("null"), "ItemAdded");
        assert_eq!(told("3"), "ItemAdded(3)");
    }
}
