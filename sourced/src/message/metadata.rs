//! Data about a message, handed on to every message that follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
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
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub struct Metadata(Option<Arc<BTreeMap<String, Value>>>);

static NONE: BTreeMap<String, Value> = BTreeMap::new();

impl Metadata {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more entry; an entry of that name is replaced.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.to_mut().insert(key.into(), value.into());
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
        merged
            .to_mut()
            .extend(Arc::unwrap_or_clone(over.0.unwrap_or_default()));
        merged
    }

    /// These entries without those that belong to the library, such as the principal: for handing metadata of a stored
    /// message on to another conversation.
    #[must_use]
    pub fn without_reserved(mut self) -> Self {
        let is_reserved = |key: &str| key.starts_with(super::principal::RESERVED);
        if self.entries().keys().any(|key| is_reserved(key)) {
            self.to_mut().retain(|key, _| !is_reserved(key));
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

    /// How many bytes it has as JSON; none where there are no entries, which take no room.
    pub(crate) fn n_bytes(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        serde_json::to_string(self).map_or(0, |json| json.len())
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.entries().iter();
        entries.map(|(key, value)| (key.as_str(), value))
    }

    fn entries(&self) -> &BTreeMap<String, Value> {
        self.0.as_deref().unwrap_or(&NONE)
    }

    fn to_mut(&mut self) -> &mut BTreeMap<String, Value> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl From<BTreeMap<String, Value>> for Metadata {
    fn from(entries: BTreeMap<String, Value>) -> Self {
        Self((!entries.is_empty()).then(|| Arc::new(entries)))
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries().serialize(serializer)
    }
}

impl Eq for Metadata {}
impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}
