//! Data about a message, handed on to every message that follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(Arc<BTreeMap<String, Value>>);

impl Metadata {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more entry; an entry of that name is replaced.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        Arc::make_mut(&mut self.0).insert(key.into(), value.into());
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
        Arc::make_mut(&mut merged.0).extend(Arc::unwrap_or_clone(over.0));
        merged
    }

    /// These entries without those that belong to the library, such as the principal: for handing metadata of a stored
    /// message on to another conversation.
    #[must_use]
    pub fn without_reserved(mut self) -> Self {
        let is_reserved = |key: &str| key.starts_with(super::principal::RESERVED);
        if self.0.keys().any(|key| is_reserved(key)) {
            Arc::make_mut(&mut self.0).retain(|key, _| !is_reserved(key));
        }
        self
    }

    /// The value of an entry.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}
