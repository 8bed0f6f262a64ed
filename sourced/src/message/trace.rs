//! W3C trace context: which distributed trace a message belongs to.

use std::fmt;
use std::str::FromStr;

use super::Metadata;

/// The trace that a message belongs to, and the span that led to it: the `traceparent` of the
/// [W3C recommendation](https://www.w3.org/TR/trace-context/), as HTTP headers carry it.
///
/// In the metadata of a command it is handed on to all that follows from it, like other metadata.
///
/// ```
/// use sourced::Metadata;
/// use sourced::message::Traceparent;
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let traceparent: Traceparent = header.parse()?;
/// assert!(traceparent.is_sampled());
///
/// let request = Metadata::new().with_traceparent(traceparent);
/// assert_eq!(request.traceparent().unwrap().to_string(), header);
/// assert!("00-0-0-01".parse::<Traceparent>().is_err());
/// # Ok::<(), sourced::message::InvalidTraceparent>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// A text that is no `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no W3C `traceparent`: it must be version, trace id, parent id and flags in lower-case hex, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`, and neither id may be zero"
)]
pub struct InvalidTraceparent;

impl Traceparent {
    /// From its parts; `None` when an id is zero.
    pub const fn new(trace_id: u128, parent_id: u64, flags: u8) -> Option<Self> {
        if trace_id == 0 || parent_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            parent_id,
            flags,
        })
    }

    /// The id of the trace.
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of the span that led here.
    pub const fn parent_id(self) -> u64 {
        self.parent_id
    }

    /// All flags.
    pub const fn flags(self) -> u8 {
        self.flags
    }

    /// Whether whoever began the trace records it.
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

impl FromStr for Traceparent {
    type Err = InvalidTraceparent;

    /// Reads the header. Of a version that is not known yet, the parts that are known are taken, as the recommendation
    /// asks for.
    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let mut parts = text.split('-');
        let mut next = |len| hex(parts.next()?, len);
        let mut read = || Some((next(2)?, next(32)?, next(16)?, next(2)?));
        let (version, trace_id, parent_id, flags) = read().ok_or(InvalidTraceparent)?;
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) {
            return Err(InvalidTraceparent);
        }
        let (Ok(parent_id), Ok(flags)) = (parent_id.try_into(), flags.try_into()) else {
            return Err(InvalidTraceparent);
        };
        Self::new(trace_id, parent_id, flags).ok_or(InvalidTraceparent)
    }
}

/// Reads so many lower-case hex digits.
fn hex(text: &str, len: usize) -> Option<u128> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_fit = text.len() == len && text.bytes().all(is_digit);
    is_fit
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.parent_id, self.flags
        )
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// What the recommendation asks everybody to hand on at least.
const MAX_TRACESTATE: usize = 512;

impl Metadata {
    /// The same in this trace, in the entry `traceparent`.
    #[must_use]
    pub fn with_traceparent(self, traceparent: Traceparent) -> Self {
        self.with(TRACEPARENT, traceparent.to_string())
    }

    /// The trace it belongs to; `None` when there is none, or the entry `traceparent` is something else.
    pub fn traceparent(&self) -> Option<Traceparent> {
        self.get(TRACEPARENT)?.as_str()?.parse().ok()
    }

    /// The same with what the systems on the way say about the trace, in the entry `tracestate`. What is longer than 512
    /// bytes, or not printable ASCII, is left out: the trace goes on without it.
    #[must_use]
    pub fn with_tracestate(self, tracestate: &str) -> Self {
        let is_fit = !tracestate.is_empty()
            && tracestate.len() <= MAX_TRACESTATE
            && tracestate.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_fit {
            self.with(TRACESTATE, tracestate)
        } else {
            self
        }
    }

    /// What the systems on the way say about the trace.
    pub fn tracestate(&self) -> Option<&str> {
        self.get(TRACESTATE)?.as_str()
    }

    /// The same in the trace of these HTTP headers. A header that is malformed counts as none, as the recommendation asks
    /// for, and without a `traceparent` there is no `tracestate`.
    #[must_use]
    pub fn with_trace_headers(self, traceparent: Option<&str>, tracestate: Option<&str>) -> Self {
        match traceparent.and_then(|text| text.trim().parse().ok()) {
            Some(traceparent) => self
                .with_traceparent(traceparent)
                .with_tracestate(tracestate.unwrap_or_default().trim()),
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_back() {
        let read: Traceparent = GOOD.parse().unwrap();
        assert_eq!(read.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((read.parent_id(), read.flags()), (0x00f0_67aa_0ba9_02b7, 1));
        assert_eq!(read.to_string(), GOOD);
        assert!(
            !GOOD
                .replace("-01", "-00")
                .parse::<Traceparent>()
                .unwrap()
                .is_sampled()
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = GOOD.replacen("00", "cc", 1) + "-what-comes-later";
        assert_eq!(later.parse::<Traceparent>().unwrap().to_string(), GOOD);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        let bad = [
            String::new(),
            "00".into(),
            GOOD.to_uppercase(),
            GOOD.replacen("00", "ff", 1),
            format!("{GOOD}-more"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("-01", "-+1"),
            GOOD.replace("4bf9", "4bf"),
            GOOD.replace("4bf9", "ä99"),
        ];
        for text in bad {
            assert!(text.parse::<Traceparent>().is_err(), "{text}");
        }
    }

    #[test]
    fn malformed_headers_count_as_none() {
        let none = Metadata::new().with_trace_headers(Some("nonsense"), Some("a=1"));
        assert!(none.is_empty());
        let without_state = Metadata::new().with_trace_headers(Some(GOOD), Some("a=\u{7}"));
        assert!(without_state.traceparent().is_some() && without_state.tracestate().is_none());
        let both = Metadata::new().with_trace_headers(Some(GOOD), Some("a=1"));
        assert_eq!(both.tracestate(), Some("a=1"));
    }
}
