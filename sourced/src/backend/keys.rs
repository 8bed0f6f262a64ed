//! Keys: what the key of a document or a row may be, the same on every backend.

use super::BackendError;
use super::tables::Value;

/// Bytes that a key may have: the collection and the key of a document together, all values of a row's key together, and each
/// value that is unique or searched by. It is what the index of every backend can hold.
pub const MAX_KEY_BYTES: usize = 2_048;

/// A key that no backend keeps. It is refused before anything is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No index can hold it.
    #[error(
        "{key} has {bytes} bytes, and {limit} is the limit: keep the long text beside the key, and an id or a hash of it in the key"
    )]
    TooLong {
        /// Which key.
        key: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be: [`MAX_KEY_BYTES`].
        limit: usize,
    },
    /// PostgreSQL keeps no text with a NUL.
    #[error("{key} has a NUL, which no key may have")]
    HasNul {
        /// Which key.
        key: String,
    },
}

impl From<KeyError> for BackendError {
    fn from(error: KeyError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// Whether there can be a document of this key. For backends, which ask before they read; [`Tx`](super::Tx) asks before it
/// reads and writes.
///
/// # Errors
/// [`KeyError`] names the collection and how the key begins.
pub fn check_document_key(collection: &str, key: &str) -> Result<(), KeyError> {
    let named = || {
        let (collection, key) = (beginning_of(collection), beginning_of(key));
        format!("the key {key} of the collection {collection}")
    };
    if collection.contains('\0') || key.contains('\0') {
        return Err(KeyError::HasNul { key: named() });
    }
    check_bytes(collection.len() + key.len(), named)
}

/// Whether an index can hold these values together.
pub(super) fn check_indexed<'v>(
    values: impl Iterator<Item = &'v Value>,
    named: impl FnOnce() -> String,
) -> Result<(), KeyError> {
    check_bytes(values.map(bytes_of).sum(), named)
}

fn check_bytes(bytes: usize, named: impl FnOnce() -> String) -> Result<(), KeyError> {
    if bytes <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(KeyError::TooLong {
        key: named(),
        bytes,
        limit: MAX_KEY_BYTES,
    })
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        // None of the others needs more.
        _ => 16,
    }
}

/// Enough of a name to find it by, in quotes.
fn beginning_of(name: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown = name.chars();
    let beginning: String = shown.by_ref().take(SHOWN).collect();
    let dots = if shown.next().is_some() { "…" } else { "" };
    format!("{beginning:?}{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_refused_is_named_with_its_limit() {
        let key = "x".repeat(12_000);
        let error = check_document_key("books", &key).unwrap_err().to_string();
        assert!(error.starts_with("the key \"xxxx"), "{error}");
        assert!(error.contains("\"… of the collection \"books\" has 12005 bytes, and 2048"));
        let error = check_document_key("books", "a\0b").unwrap_err();
        let expected =
            "the key \"a\\0b\" of the collection \"books\" has a NUL, which no key may have";
        assert_eq!(error.to_string(), expected);
        assert_eq!(check_document_key("books", &key[..2_043]), Ok(()));
    }
}
