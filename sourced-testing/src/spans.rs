//! Spans of time as tests write them.

use std::time::Duration;

/// Spans of time by number: `20.days()`.
///
/// ```
/// use std::time::Duration;
/// use sourced_testing::Spans as _;
///
/// assert_eq!(2.days() + 1.hours(), Duration::from_hours(49));
/// ```
pub trait Spans {
    /// So many days of 24 hours.
    fn days(self) -> Duration;
    /// So many hours.
    fn hours(self) -> Duration;
    /// So many minutes.
    fn minutes(self) -> Duration;
    /// So many seconds.
    fn seconds(self) -> Duration;
}

impl Spans for u32 {
    fn days(self) -> Duration {
        Duration::from_hours(24) * self
    }
    fn hours(self) -> Duration {
        Duration::from_hours(self.into())
    }
    fn minutes(self) -> Duration {
        Duration::from_mins(self.into())
    }
    fn seconds(self) -> Duration {
        Duration::from_secs(self.into())
    }
}
