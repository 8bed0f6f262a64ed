//! Payloads as they are stored: JSON text, byte for byte.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// One JSON value as text, kept exactly as it was written (unicode, `-0.0`, key order).
///
/// It is checked once, when it comes in: well-formed, and nested no deeper than 64 levels, so that whatever was stored
/// can be read again. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<str>);

/// The deepest nesting of arrays and objects in a payload; `serde_json` itself stops reading at 128.
pub const MAX_PAYLOAD_DEPTH: usize = 64;

impl Payload {
    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`PayloadError`] when the value cannot be told in JSON (a map whose keys are not text), or is nested too deeply.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let text = serde_json::to_string(value).map_err(PayloadError::Encode)?;
        check_depth(&text)?;
        Ok(Self(text.into()))
    }

    /// Takes JSON text from outside.
    ///
    /// # Errors
    /// [`PayloadError`] when it is not one well-formed JSON value, or is nested too deeply.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, PayloadError> {
        let text = text.as_ref();
        check_depth(text)?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(PayloadError::Decode)?;
        Ok(Self(text.into()))
    }

    /// Takes text that a backend stored before, unchecked: what cannot be read shows when it is decoded.
    pub fn from_storage(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Reads the value.
    ///
    /// # Errors
    /// [`PayloadError::Decode`] when the text is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_str(&self.0).map_err(PayloadError::Decode)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Payload {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A payload that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The value cannot be told in JSON.
    #[error("the payload cannot be written as JSON: {0}")]
    Encode(#[source] serde_json::Error),
    /// The text is not JSON, or not of this type. Said without the values that it found, which may be secrets.
    #[error("the payload cannot be read: {}", without_values(&_0.to_string()))]
    Decode(serde_json::Error),
    /// Nested deeper than [`MAX_PAYLOAD_DEPTH`].
    #[error("the payload is nested deeper than {MAX_PAYLOAD_DEPTH} levels")]
    TooDeep,
}

/// What serde says, without what it quotes from its input: the text may end up in a log.
fn without_values(text: &str) -> String {
    for opening in [
        "invalid type: ",
        "invalid value: ",
        "unknown variant ",
        "unknown field ",
    ] {
        if let Some(rest) = text.strip_prefix(opening) {
            // What is expected is in the program's words; what is before it may be anything.
            let end = rest.rfind(", expected").unwrap_or(rest.len());
            let (found, expected) = rest.split_at(end);
            let kind = found.split(['`', '"']).next().unwrap_or_default();
            return format!("{}{expected}", format!("{opening}{kind}").trim_end());
        }
    }
    text.to_owned()
}

fn check_depth(json: &str) -> Result<(), PayloadError> {
    if json.len() <= 2 * MAX_PAYLOAD_DEPTH {
        // Each level has two brackets.
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => _ = bytes.next(),
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth > MAX_PAYLOAD_DEPTH {
            return Err(PayloadError::TooDeep);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        "[".repeat(levels) + &"]".repeat(levels)
    }

    #[test]
    fn depth_is_limited_where_it_is_written_and_where_it_comes_in() {
        assert!(Payload::parse(nested(MAX_PAYLOAD_DEPTH)).is_ok());
        assert!(matches!(
            Payload::parse(nested(MAX_PAYLOAD_DEPTH + 1)),
            Err(PayloadError::TooDeep)
        ));
        let value: serde_json::Value =
            serde_json::from_str(&nested(MAX_PAYLOAD_DEPTH + 1)).unwrap();
        assert!(matches!(
            Payload::encode(&value),
            Err(PayloadError::TooDeep)
        ));
    }

    #[test]
    fn brackets_in_text_are_not_nesting() {
        let text = serde_json::to_string(&format!("\\\"{}", "[{".repeat(100))).unwrap();
        assert!(Payload::parse(text).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_told_without_quoting_it() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only read")]
        enum Means {
            Cash,
            Card { digits: u8 },
        }
        fn told<T: DeserializeOwned + fmt::Debug>(json: &str) -> String {
            let payload = Payload::parse(json).unwrap();
            payload.decode::<T>().unwrap_err().to_string()
        }
        let secret = r#""s3cret`, expected s3cret""#;
        assert_eq!(
            told::<u32>(secret),
            "the payload cannot be read: invalid type: string, expected u32 at line 1 column 26"
        );
        for (told, says) in [
            (
                told::<Means>(secret),
                "unknown variant, expected `Cash` or `Card`",
            ),
            (
                told::<Means>(r#"{"Card": {"digits": 4711}}"#),
                "invalid value: integer, expected u8",
            ),
            (told::<Means>(r#"{"Card": {}}"#), "missing field `digits`"),
            (
                told::<(u8, u8)>("[4711.5]"),
                "invalid type: floating point, expected u8",
            ),
        ] {
            assert!(told.contains(says), "{told}");
            assert!(!told.contains("s3cret") && !told.contains("4711"), "{told}");
        }
    }

    #[test]
    fn only_well_formed_json_comes_in() {
        for bad in ["", "{", "{} {}", "nope", "\"\u{0}\""] {
            assert!(
                matches!(Payload::parse(bad), Err(PayloadError::Decode(_))),
                "{bad:?}"
            );
        }
    }
}
