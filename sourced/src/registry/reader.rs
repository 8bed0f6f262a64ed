//! Readers: a JSON value from outside as the type that is asked for, told leniently or strictly.
//!
//! The type says what it wants (serde's `Deserialize`), so nothing has to be known about it beforehand: unknown fields
//! are those that the type does not name, and the text of a form becomes a number where the type asks for one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::access::{Entries, Items, Variant};
use super::complaint::{Complaint, child};
use super::filler::Filler;
use super::violation::Violation;

static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// How values are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As JSON: a number is a number.
    Json,
    /// As a form: everything is text.
    Form,
}

/// A field whose value is made up, because it is wrong or missing.
pub(super) struct Fill {
    /// The path of what it is a field of.
    pub(super) parent: String,
    /// Its name.
    pub(super) name: String,
    /// Which made-up value is tried.
    pub(super) guess: usize,
}

/// One reading of a value, from the top.
pub(super) struct Pass<'p> {
    pub(super) manner: Manner,
    /// By path.
    pub(super) fills: &'p BTreeMap<String, Fill>,
    /// Fields that no type named.
    pub(super) unknown: RefCell<BTreeMap<String, Violation>>,
}

/// A value at its place.
pub(super) struct Reader<'p> {
    pub(super) value: &'p Value,
    pub(super) place: String,
    pub(super) pass: &'p Pass<'p>,
}

impl<'p> Reader<'p> {
    fn is_form(&self) -> bool {
        self.pass.manner == Manner::Form
    }

    /// The text of a form, without the blanks around it.
    fn text(&self) -> Option<&'p str> {
        self.value
            .as_str()
            .filter(|_| self.is_form())
            .map(str::trim)
    }

    /// Says where an error was.
    fn located<T>(self, read: impl FnOnce(Self) -> Result<T, Complaint>) -> Result<T, Complaint> {
        let place = self.place.clone();
        read(self).map_err(|complaint| complaint.at(&place))
    }

    fn expected<T>(&self, what: &dyn serde::de::Expected) -> Result<T, Complaint> {
        Err(Complaint::expected(&spoken(self.value), what))
    }

    fn entries<'de, V: Visitor<'de>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        let entries = match self.value {
            Value::Object(entries) => entries,
            // Who sends no body gives no field.
            Value::Null if self.place.is_empty() && known.is_some() => &NOTHING,
            _ => return self.expected(&visitor),
        };
        if let Some(known) = known {
            let mut unknown = self.pass.unknown.borrow_mut();
            for name in entries
                .keys()
                .filter(|name| !known.contains(&name.as_str()))
            {
                let path = child(&self.place, name);
                unknown.insert(path.clone(), Violation::unknown(path, name, known));
            }
        }
        visitor.visit_map(Entries::new(entries, known, self.place, self.pass))
    }

    fn items<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let items: Vec<&Value> = match self.value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(entries) if self.is_form() => match numbered(entries) {
                Some(items) => items,
                None => return self.expected(&visitor),
            },
            // One box that is ticked, of many that are not.
            value @ Value::String(_) if self.is_form() => vec![value],
            _ => return self.expected(&visitor),
        };
        let mut items = Items::new(items, self.place, self.pass);
        let read = visitor.visit_seq(&mut items)?;
        match items.n_left() {
            0 => Ok(read),
            n => Err(Complaint::custom(format_args!("{n} elements too many"))),
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        if let Value::Number(number) = self.value {
            return if let Some(number) = number.as_u64() {
                visitor.visit_u64(number)
            } else if let Some(number) = number.as_i64() {
                visitor.visit_i64(number)
            } else {
                visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
            };
        }
        let Some(text) = self.text() else {
            return self.expected(&visitor);
        };
        if let Ok(number) = text.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let Ok(number) = text.parse::<i64>() {
            visitor.visit_i64(number)
        } else {
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => visitor.visit_f64(number),
                _ => self.expected(&visitor),
            }
        }
    }

    fn words<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.value {
            Value::String(text) => visitor.visit_str(text),
            _ => self.expected(&visitor),
        }
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => self.number(visitor),
            Value::String(text) => visitor.visit_str(text),
            Value::Array(_) => self.items(visitor),
            Value::Object(_) => self.entries(None, visitor),
        }
    }

    fn truth<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match (self.value, self.text()) {
            (Value::Bool(value), _) => visitor.visit_bool(*value),
            (_, Some("true" | "on" | "yes" | "1")) => visitor.visit_bool(true),
            (_, Some("false" | "off" | "no" | "0" | "")) => visitor.visit_bool(false),
            _ => self.expected(&visitor),
        }
    }

    fn nothing<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            _ if self.text() == Some("") => visitor.visit_unit(),
            _ => self.expected(&visitor),
        }
    }

    /// A type without fields: nothing, or an object without any.
    fn unit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        let Value::Object(entries) = self.value else {
            return self.nothing(visitor);
        };
        let mut unknown = self.pass.unknown.borrow_mut();
        for name in entries.keys() {
            let path = child(&self.place, name);
            unknown.insert(path.clone(), Violation::unknown(path, name, &[]));
        }
        visitor.visit_unit()
    }

    fn variant<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        match self.value {
            Value::String(name) => {
                let name: StrDeserializer<'_, Complaint> = name.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            Value::Object(entries) if entries.len() == 1 => {
                let (name, value) = entries.iter().next().unwrap_or((&self.place, self.value));
                visitor.visit_enum(Variant {
                    name,
                    content: Reader {
                        value,
                        place: child(&self.place, name),
                        pass: self.pass,
                    },
                })
            }
            _ => self.expected(&visitor),
        }
    }
}

/// The values of an object whose fields are numbers, in their order: `items[0]=..&items[1]=..`
fn numbered(entries: &Map<String, Value>) -> Option<Vec<&Value>> {
    let number = |(name, value): (&String, _)| Some((name.parse::<u32>().ok()?, value));
    let mut items: Vec<(u32, &Value)> = entries.iter().map(number).collect::<Option<_>>()?;
    items.sort_by_key(|(number, _)| *number);
    Some(items.into_iter().map(|(_, value)| value).collect())
}

/// A value as it is spoken of in an error.
fn spoken(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(text) if text.chars().count() > 40 => "a text".to_owned(),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

macro_rules! read_as {
    ($($how:ident: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            self.located(|reader| reader.$how(visitor))
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Complaint;

    read_as! {
        any: deserialize_any;
        truth: deserialize_bool;
        number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
            deserialize_f32 deserialize_f64;
        nothing: deserialize_unit;
        items: deserialize_seq;
        words: deserialize_char deserialize_str deserialize_string deserialize_identifier;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        if self.value.is_null() || self.text() == Some("") {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.located(|reader| reader.unit(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        // serde_json's `RawValue` asks by this name for what only serde_json can give.
        if name.starts_with("$serde_json::private") {
            let read = self.value.clone().deserialize_newtype_struct(name, visitor);
            return read.map_err(|error| Complaint::custom(error).at(&self.place));
        }
        self.located(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.located(|reader| reader.entries(None, visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.located(|reader| reader.entries(Some(fields), visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.located(|reader| reader.variant(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any!(bytes byte_buf);
}

/// Reads the value at a place, or makes one up where the pass says so.
pub(super) fn read_at<'de, S: DeserializeSeed<'de>>(
    seed: S,
    value: Option<&Value>,
    place: String,
    pass: &Pass<'_>,
) -> Result<S::Value, Complaint> {
    // Types that are read through another complain when that one is read already, outside of any reader.
    let here = place.clone();
    let read = match (pass.fills.get(&place), value) {
        (None, Some(value)) => seed.deserialize(Reader { value, place, pass }),
        (Some(fill), _) => seed.deserialize(Filler::new(fill.guess)),
        (None, None) => Err(Complaint::custom("there is no value")),
    };
    read.map_err(|complaint| complaint.at(&here))
}
