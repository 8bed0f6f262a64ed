//! Time stamps.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A moment in UTC, to the microsecond: what every backend can store and give back unchanged.
///
/// ```
/// use sourced::Timestamp;
///
/// let t = Timestamp::from_micros(1_700_000_000_000_000);
/// assert_eq!(t.to_string(), "2023-11-14T22:13:20.000000Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `duration` later, or the last one that can be told.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The moment `duration` earlier, or the first one that can be told.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sourced::Timestamp;
    ///
    /// let noon: Timestamp = "2026-03-01T12:00:00Z".parse()?;
    /// assert_eq!(noon.saturating_sub(Duration::from_hours(12)).to_string(), "2026-03-01T00:00:00.000000Z");
    /// # Ok::<(), sourced::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |m| -m),
        })
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        DateTime::from_timestamp_micros(timestamp.0).unwrap_or(if timestamp.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from(*self);
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// Reads what [`Display`](fmt::Display) writes, and any other time of RFC 3339, in any zone.
///
/// ```
/// use sourced::Timestamp;
///
/// let t: Timestamp = "2023-11-14T23:13:20+01:00".parse()?;
/// assert_eq!(t, Timestamp::from_micros(1_700_000_000_000_000));
/// assert!("yesterday".parse::<Timestamp>().is_err());
/// # Ok::<(), sourced::InvalidTimestamp>(())
/// ```
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = DateTime::parse_from_rfc3339(text);
        let time = time.map_err(|_| InvalidTimestamp(text.chars().take(80).collect()))?;
        Ok(time.to_utc().into())
    }
}

/// A text that is no time of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time: write one as RFC 3339 does, with its zone: `2026-03-01T12:00:00Z`")]
pub struct InvalidTimestamp(String);

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
