//! Payloads as they are stored: JSON text, byte for byte.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::unstorable::{Unsaid, Why, difference, place_at};
use super::{MessageType, Unstorable, strict};

/// One JSON value as text, kept exactly as it was written (unicode, `-0.0`, key order).
///
/// It is checked once, when it comes in: well-formed, and nested no deeper than 64 levels, so that whatever was stored
/// can be read again. What a program stores is also read back before: see [`Payload::encode`]. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload(Arc<str>);

/// The deepest nesting of arrays and objects in a payload; `serde_json` itself stops reading at 128.
pub const MAX_PAYLOAD_DEPTH: usize = 64;

/// A key that `serde_json` keeps for itself: what stands behind it is read as something else, where anything may stand.
const RESERVED_KEY: &str = r#""$serde_json::private::RawValue":"#;

impl Payload {
    /// Writes a value as JSON, and reads it back. All that is stored is written here.
    ///
    /// ```
    /// use sourced::Payload;
    ///
    /// assert_eq!(Payload::encode(&(1, "tea".to_owned()))?.as_str(), r#"[1,"tea"]"#);
    ///
    /// let error = Payload::encode(&vec![0.5, f64::NAN]).unwrap_err();
    /// assert_eq!(error.to_string(), "`alloc::vec::Vec<f64>` is not stored: `[1]` is NaN, which JSON cannot tell");
    /// # Ok::<(), sourced::PayloadError>(())
    /// ```
    ///
    /// # Errors
    /// [`PayloadError::Encode`] when the value cannot be told in JSON (a map whose keys are not text, a number that is not
    /// finite), cannot be read back, or is written otherwise when it was read; [`PayloadError::TooDeep`].
    pub fn encode<T: Serialize + DeserializeOwned>(value: &T) -> Result<Self, PayloadError> {
        let (payload, _) = Self::read_back(value, type_name::<T>())?;
        Ok(payload)
    }

    /// Writes a message, as [`Payload::encode`].
    pub(crate) fn of<M: MessageType>(message: &M) -> Result<Written, PayloadError> {
        let (payload, back) = Self::read_back(message, M::NAME)?;
        Ok(Written {
            payload,
            is_same: message.is_same(&back),
        })
    }

    fn read_back<T: Serialize + DeserializeOwned>(
        value: &T,
        name: &'static str,
    ) -> Result<(Self, T), PayloadError> {
        let unstorable = |path, why, written| {
            let written = Unsaid(written);
            PayloadError::Encode(Unstorable {
                name,
                path,
                why,
                written,
            })
        };
        let write = |value: &T| {
            strict::write(value).map_err(|unwritten| {
                let why = match unwritten.number {
                    Some(number) => Why::NotFinite(number),
                    None => Why::Unwritable(unwritten.error),
                };
                unstorable(unwritten.path, why, None)
            })
        };
        let json = write(value)?;
        check_depth(&json)?;
        if let Some(at) = json.find(RESERVED_KEY) {
            let path = place_at(&json, at + RESERVED_KEY.len());
            return Err(unstorable(path, Why::Reserved, Some(json)));
        }
        let back: T = match serde_json::from_str(&json) {
            Ok(back) => back,
            Err(error) => {
                let path = place_at(&json, error.column());
                return Err(unstorable(path, Why::Unreadable(error), Some(json)));
            }
        };
        let again = write(&back)?;
        // The text of a hash map is another one each time.
        if again != json {
            let value = |json: &str| serde_json::from_str(json).map_err(PayloadError::Decode);
            if let Some(path) = difference(&value(&json)?, &value(&again)?) {
                return Err(unstorable(path, Why::Altered, Some(json)));
            }
        }
        Ok((Self(json.into()), back))
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

/// A message as it is stored.
pub(crate) struct Written {
    pub(crate) payload: Payload,
    /// Whether what is read back equals it, where its type can tell.
    pub(crate) is_same: bool,
}

/// As the JSON value that it is, where JSON is written.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        value.serialize(serializer)
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
    /// The value cannot be written as JSON that is read back as it was.
    #[error(transparent)]
    Encode(Unstorable),
    /// The text is not JSON, or not of this type. Said without the values that it found, which may be secrets.
    #[error("the payload cannot be read: {}", without_values(&_0.to_string()))]
    Decode(serde_json::Error),
    /// Nested deeper than [`MAX_PAYLOAD_DEPTH`].
    #[error("the payload is nested deeper than {MAX_PAYLOAD_DEPTH} levels")]
    TooDeep,
}

/// What serde says, without what it quotes from its input: the text may end up in a log.
pub(super) fn without_values(text: &str) -> String {
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
    if depth(json) > MAX_PAYLOAD_DEPTH {
        return Err(PayloadError::TooDeep);
    }
    Ok(())
}

/// How deeply arrays and objects are nested in a text; 0 where it is too short to be nested too deeply.
pub(crate) fn depth(json: &str) -> usize {
    if json.len() <= 2 * MAX_PAYLOAD_DEPTH {
        // Each level has two brackets.
        return 0;
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut in_string = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => _ = bytes.next(),
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
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
