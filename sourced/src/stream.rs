//! Streams: their names, and the two ways to say where a message is.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of one stream: everything that ever happened to one cart, one booking, one account.
///
/// A name has 1 to 512 bytes and no control characters.
///
/// ```
/// use sourced::StreamId;
///
/// let id = StreamId::new("cart-1")?;
/// assert_eq!(id.as_str(), "cart-1");
/// assert!(StreamId::new("").is_err());
/// # Ok::<(), sourced::InvalidName>(())
/// ```
#[doc(alias = "aggregate id")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(Arc<str>);

impl StreamId {
    /// Takes a name that keeps the rules.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
        check_name("stream id", name.as_ref()).map(Self)
    }

    /// The name of the whole log: `*`. It names the one lane of a group in
    /// [global order](crate::backend::GroupOrder::Global), and nothing can be appended to it.
    pub fn log() -> Self {
        Self(Arc::from(WHOLE_LOG))
    }

    /// Whether it names the whole log.
    pub fn is_log(&self) -> bool {
        self.as_str() == WHOLE_LOG
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name under which a reactor keeps its progress; one reactor, one consumer group.
///
/// The same rules as for a [`StreamId`]: 1 to 512 bytes, no control characters.
#[doc(alias = "subscription")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(Arc<str>);

impl GroupId {
    /// Takes a name that keeps the rules.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
        check_name("group id", name.as_ref()).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of something that recurs, such as a daily report; all processes on a database mean the same by it.
///
/// The same rules as for a [`StreamId`]: 1 to 512 bytes, no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecurrenceId(Arc<str>);

impl RecurrenceId {
    /// Takes a name that keeps the rules.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule the name breaks.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidName> {
        check_name("recurrence id", name.as_ref()).map(Self)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }
    )*};
}
text_like!(StreamId, GroupId, RecurrenceId);

/// What can name a stream: text, or a [`StreamId`] that is already checked.
pub trait IntoStreamId {
    /// Checks the name.
    ///
    /// # Errors
    /// [`InvalidName`] when the text breaks the rules of a [`StreamId`].
    fn into_stream_id(self) -> Result<StreamId, InvalidName>;
}

impl IntoStreamId for StreamId {
    fn into_stream_id(self) -> Result<StreamId, InvalidName> {
        Ok(self)
    }
}
impl IntoStreamId for &StreamId {
    fn into_stream_id(self) -> Result<StreamId, InvalidName> {
        Ok(self.clone())
    }
}
impl IntoStreamId for &str {
    fn into_stream_id(self) -> Result<StreamId, InvalidName> {
        StreamId::new(self)
    }
}
impl IntoStreamId for String {
    fn into_stream_id(self) -> Result<StreamId, InvalidName> {
        StreamId::new(self)
    }
}
impl IntoStreamId for &String {
    fn into_stream_id(self) -> Result<StreamId, InvalidName> {
        StreamId::new(self)
    }
}

const MAX_NAME_BYTES: usize = 512;

const WHOLE_LOG: &str = "*";

fn check_name(what: &'static str, name: &str) -> Result<Arc<str>, InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty { what });
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(InvalidName::TooLong {
            what,
            bytes: name.len(),
        });
    }
    if let Some(found) = name.chars().find(|c| c.is_control()) {
        return Err(InvalidName::ControlCharacter { what, found });
    }
    Ok(Arc::from(name))
}

/// A name that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// There is no text in it.
    #[error("a {what} cannot be empty")]
    Empty {
        /// What was to be named.
        what: &'static str,
    },
    /// More than 512 bytes.
    #[error("a {what} has at most {MAX_NAME_BYTES} bytes, this one has {bytes}")]
    TooLong {
        /// What was to be named.
        what: &'static str,
        /// The length found.
        bytes: usize,
    },
    /// Control characters break logs and terminals, and Postgres refuses NUL.
    #[error("a {what} cannot contain the control character {found:?}")]
    ControlCharacter {
        /// What was to be named.
        what: &'static str,
        /// The first such character.
        found: char,
    },
}

/// Where a message sits inside its own stream; the first one is 1, and there are no holes.
///
/// Commands and events share the numbers. "The last seq of a stream that may be empty" is an `Option<Seq>`.
#[doc(alias = "version")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The seq of a stream's first message.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// `None` for 0, which is no message's seq.
    pub const fn new(seq: u64) -> Option<Self> {
        match NonZeroU64::new(seq) {
            Some(seq) => Some(Self(seq)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The seq after `last`, which is [`Seq::FIRST`] in an empty stream.
    #[must_use]
    pub const fn after(last: Option<Self>) -> Self {
        match last {
            Some(Self(seq)) => Self(seq.saturating_add(1)),
            None => Self::FIRST,
        }
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a message sits in the whole log: it grows, is unique, and may leave gaps.
///
/// Inside one stream positions have the order of the seqs. [`Position::START`] stands before the first message.
#[doc(alias = "global_position")]
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first message.
    pub const START: Self = Self(0);

    /// The position with this number.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one. Nothing comes after the largest one, which it is itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The position before this one. Nothing comes before [`Position::START`], which it is itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_rules() {
        assert!(StreamId::new("Straße-1 🛒").is_ok());
        assert_eq!(
            StreamId::new(""),
            Err(InvalidName::Empty { what: "stream id" })
        );
        assert!(StreamId::new("x".repeat(512)).is_ok());
        assert!(matches!(
            StreamId::new("x".repeat(513)),
            Err(InvalidName::TooLong { bytes: 513, .. })
        ));
        assert!(matches!(
            GroupId::new("a\0b"),
            Err(InvalidName::ControlCharacter { found: '\0', .. })
        ));
    }

    #[test]
    fn the_seq_after_nothing_is_the_first() {
        assert_eq!(Seq::after(None), Seq::FIRST);
        assert_eq!(Seq::after(Seq::new(7)).get(), 8);
    }
}
