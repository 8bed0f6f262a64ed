//! Data about a message, handed on to every message that follows from it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Who asked, from which request: data about a message that is not part of what happened.
///
/// A message stored because of another carries the other's metadata, with its own entries laid over them. Cloning is
/// cheap: the entries are shared until they are changed.
///
/// ```
/// use sourced::Metadata;
///
/// let request = Metadata::new().with("user_id", "u-7").with("request_id", 12);
/// let next = request.merged(Metadata::new().with("request_id", 13));
/// assert_eq!(next.get("user_id").unwrap(), "u-7");
/// assert_eq!(next.get("request_id").unwrap(), 13);
/// ```
#[doc(alias = "headers")]
#[derive(Clone, Default)]
pub struct Metadata(Option<Arc<Entries>>); // most messages have none, and need no memory for that

type Entries = BTreeMap<String, Value>;

impl Metadata {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more entry; an entry of that name is replaced.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.entries_mut().insert(key.into(), value.into());
        self
    }

    /// These entries with `over` laid over them.
    #[must_use]
    pub fn merged(&self, over: Self) -> Self {
        if over.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return over;
        }
        let mut merged = self.clone();
        let over = over.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        merged.entries_mut().extend(over);
        merged
    }

    /// These entries without those that belong to the library, such as the principal: for handing metadata of a stored
    /// message on to another conversation.
    #[must_use]
    pub fn without_reserved(mut self) -> Self {
        let is_reserved = |key: &str| key.starts_with(super::principal::RESERVED);
        if self.entries().keys().any(|key| is_reserved(key)) {
            self.entries_mut().retain(|key, _| !is_reserved(key));
        }
        self
    }

    /// The value of an entry.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries().get(key)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries()
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    fn entries(&self) -> &Entries {
        static NONE: Entries = Entries::new();
        self.0.as_deref().unwrap_or(&NONE)
    }

    fn entries_mut(&mut self) -> &mut Entries {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}
impl Eq for Metadata {}
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metadata").field(self.entries()).finish()
    }
}
impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries().serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entries::deserialize(deserializer).map(|entries| Self(Some(Arc::new(entries))))
    }
}
