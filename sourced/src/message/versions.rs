//! Old names and old shapes: how a message stored years ago is read as what it is today.

use serde::de::{Deserializer, Visitor};

use super::{Kind, MessageType, Payload, PayloadError};

/// A message type that took the place of an older one. Every type with a `From<Old>` is one.
#[diagnostic::on_unimplemented(
    message = "nothing turns a stored `{Old}` into `{Self}`",
    label = "`{Self}` cannot be made from it",
    note = "add `impl From<{Old}> for {Self}`, which says what the fields of the old one mean today"
)]
pub trait Since<Old> {
    /// Today's shape of an old message.
    fn since(old: Old) -> Self;
}

#[diagnostic::do_not_recommend]
impl<Old, New: From<Old>> Since<Old> for New {
    fn since(old: Old) -> Self {
        old.into()
    }
}

/// Checks that `New` may take the place of `Old`. Generated code calls this where it is compiled.
///
/// # Panics
/// When both have one stored name or alias, so that nobody could tell which of them a stored message is; or when one is a
/// command and the other an event.
#[doc(hidden)]
pub const fn check_was<New: MessageType + Since<Old>, Old: MessageType>() {
    assert!(New::N_OLDER > Old::N_OLDER, "written by hand");
    assert!(
        !has(New::NAME, New::ALIASES, Old::NAME) && !has_any(New::NAME, New::ALIASES, Old::ALIASES),
        "the type after `was` is stored under the same name or alias\n\nhelp: give the newer type a name of its own, such as `\"cart.item_added.v2\"`"
    );
    assert!(
        matches!(
            (New::KIND, Old::KIND),
            (Kind::Command, Kind::Command) | (Kind::Event, Kind::Event)
        ),
        "a command cannot take the place of an event, nor an event that of a command\n\nhelp: name an older type of the same kind after `was`"
    );
}

const fn has_any(name: &str, aliases: &[&str], others: &[&str]) -> bool {
    let mut at = 0;
    while at < others.len() {
        if has(name, aliases, others[at]) {
            return true;
        }
        at += 1;
    }
    false
}

const fn has(name: &str, aliases: &[&str], other: &str) -> bool {
    let mut at = 0;
    while at < aliases.len() {
        if is_same(aliases[at], other) {
            return true;
        }
        at += 1;
    }
    is_same(name, other)
}

// `==` of `str` is not `const` yet.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The type's own name and its aliases.
pub(super) fn own_names<M: MessageType>() -> Vec<&'static str> {
    let mut names = vec![M::NAME];
    names.extend(M::ALIASES);
    names
}

/// The names of a type and of those it was before.
#[doc(hidden)]
pub fn names_with<New: MessageType, Old: MessageType>() -> Vec<&'static str> {
    let mut names = own_names::<New>();
    names.extend(Old::names());
    names
}

/// Reads a payload that may have been stored as the older type.
///
/// # Errors
/// [`PayloadError::Decode`] when the payload is not of the type that its name says.
#[doc(hidden)]
pub fn read_since<New: MessageType + Since<Old>, Old: MessageType>(
    type_name: &str,
    payload: &Payload,
) -> Result<New, PayloadError> {
    if !own_names::<New>().contains(&type_name) && Old::names().contains(&type_name) {
        return Old::read(type_name, payload).map(New::since);
    }
    read_today(payload)
}

/// Reads a payload as the type is today, whose fields may all have come later, or gone: what has none is stored as `null`.
///
/// # Errors
/// [`PayloadError::Decode`] when the payload is not of this type.
pub(super) fn read_today<M: MessageType>(payload: &Payload) -> Result<M, PayloadError> {
    payload.decode().or_else(|error| {
        let without_fields = match payload.as_str().as_bytes() {
            b"null" => serde_json::from_str("{}").ok(),
            [b'{', ..] => M::deserialize(NoFields).ok(),
            _ => None,
        };
        without_fields.ok_or(error)
    })
}

/// Reads types without fields, and no other.
struct NoFields;

impl<'de> Deserializer<'de> for NoFields {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("it has fields"))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}
