//! Identifiers of messages and of their types.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one message for ever; appending the same id again changes nothing.
///
/// New ids are UUIDv7 and come from [`Ids`](crate::env::Ids), so that they sort by the time of their making. The text of
/// a UUID is parsed to one, and any other text makes one with [`MessageId::from_name`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(Uuid);

/// Shared by all messages of one conversation: a root message's own id, handed on to all that follows from it.
#[doc(alias = "trace id")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CorrelationId(Uuid);

macro_rules! uuid_like {
    ($($name:ident),*) => {$(
        impl $name {
            /// The id with this UUID.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }
            /// The UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
uuid_like!(MessageId, CorrelationId);

/// Of all ids that are made of names, those that a program has made.
const NAMESPACE: Uuid = Uuid::from_u128(0x2a86_31c5_07d4_4b0e_8f19_e65b_90a2_7c3d);

impl MessageId {
    /// The id with this name: the same one each time, in every process and for ever, a UUID of version 5.
    ///
    /// For a command that a client may send twice, and that has a name of the client's own. Ids are shared by all streams
    /// and types of messages, so the name says all that tells the command from others: whose it is, and what it does.
    ///
    /// ```
    /// use sourced::MessageId;
    ///
    /// let id = MessageId::from_name("webshop/place-order/17");
    /// assert_eq!(id, MessageId::from_name("webshop/place-order/17"));
    /// assert_ne!(id, MessageId::from_name("webshop/place-order/18"));
    /// ```
    pub fn from_name(name: impl AsRef<str>) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, name.as_ref().as_bytes()))
    }
}

/// ```
/// use sourced::MessageId;
///
/// let id: MessageId = "01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
/// # Ok::<(), sourced::message::InvalidMessageId>(())
/// ```
impl FromStr for MessageId {
    type Err = InvalidMessageId;
    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        match Uuid::try_parse(text) {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(InvalidMessageId(text.chars().take(80).collect())),
        }
    }
}

/// ```
/// use sourced::message::CorrelationId;
///
/// let id: CorrelationId = "01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057");
/// # Ok::<(), sourced::message::InvalidMessageId>(())
/// ```
impl FromStr for CorrelationId {
    type Err = InvalidMessageId;
    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        text.parse().map(|MessageId(id)| Self(id))
    }
}

/// A text that is not the UUID of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a message id: it must be a UUID; `MessageId::from_name` makes one of any other text"
)]
pub struct InvalidMessageId(String);

impl From<MessageId> for CorrelationId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

/// The stable name of a message type in storage: `cart.item_added`.
///
/// It outlives the Rust name, so types can be renamed and moved. It has 1 to 255 bytes: words of ASCII letters, digits
/// and `_`, joined by dots.
#[doc(alias = "event type")]
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypeName(Text);

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl TypeName {
    /// The name of a type known to the program.
    pub const fn of<M: super::MessageType>() -> Self {
        Self(Text::Static(M::NAME))
    }

    /// All names under which messages of this type are read; its own is the first.
    pub fn all_of<M: super::MessageType>() -> impl Iterator<Item = Self> {
        M::names().into_iter().map(Self::known)
    }

    /// A name that a macro checked.
    pub(crate) const fn known(name: &'static str) -> Self {
        Self(Text::Static(name))
    }

    /// Checks a name read from outside.
    ///
    /// # Errors
    /// [`InvalidTypeName`] when it is not words joined by dots.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidTypeName> {
        let name = name.as_ref();
        if Self::is_valid(name) {
            Ok(Self(Text::Shared(Arc::from(name))))
        } else {
            Err(InvalidTypeName(name.chars().take(80).collect()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(name) => name,
            Text::Shared(name) => name,
        }
    }

    fn is_valid(name: &str) -> bool {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        name.len() <= 255 && name.split('.').all(is_word)
    }
}

/// A type name that is not words joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a type name: it must be words of ASCII letters, digits and `_` joined by dots, 255 bytes at most"
)]
pub struct InvalidTypeName(String);

impl TryFrom<String> for TypeName {
    type Error = InvalidTypeName;
    fn try_from(name: String) -> Result<Self, InvalidTypeName> {
        Self::new(name)
    }
}
impl From<TypeName> for String {
    fn from(name: TypeName) -> Self {
        name.as_str().to_owned()
    }
}
impl AsRef<str> for TypeName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl Eq for TypeName {}
impl PartialEq for TypeName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl PartialOrd for TypeName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for TypeName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}
impl std::hash::Hash for TypeName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl std::borrow::Borrow<str> for TypeName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_the_same_message_id_for_ever() {
        let id = MessageId::from_name("order-17");
        assert_eq!(id.to_string(), "8f494f0d-2c8d-559a-9937-3a5a402382f8");
        assert_ne!(id, MessageId::from_name("order-18"));
    }

    #[test]
    fn a_message_id_is_parsed_from_what_it_is_displayed_as() {
        let id = MessageId::from_name("order-17");
        assert_eq!(id.to_string().parse(), Ok(id));
        let error = "order-17".parse::<MessageId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`order-17` is not a message id: it must be a UUID; `MessageId::from_name` makes one of any other text"
        );
    }

    #[test]
    fn type_names_are_dotted_words() {
        for good in ["cart.item_added", "a", "shop.cart.v2"] {
            assert_eq!(TypeName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "a..b", "a b", "cart.", "ä.b", "a\0"] {
            assert!(TypeName::new(bad).is_err(), "{bad:?}");
        }
    }
}
