//! Intervals.

use std::time::Duration;

use super::Ticks;
use crate::time::Timestamp;

/// Ticks at equal distances: at the multiples of this duration since 1970-01-01T00:00:00Z.
///
/// So a quarter of an hour ticks at the full hour and 15, 30 and 45 minutes past, and every process knows when without
/// asking another. A week ticks on Thursdays; for days of the week there are cron expressions. Whole microseconds count;
/// less than one never ticks, and is refused when the app is built.
///
/// ```
/// use std::time::Duration;
/// use sourced::recurrence::{Every, Ticks as _};
/// use sourced::Timestamp;
///
/// let noon = Timestamp::from_micros(1_700_049_600_000_000);
/// let next = Every(Duration::from_mins(15)).after(noon).unwrap();
/// assert_eq!(next.saturating_since(noon), Duration::from_mins(15));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(pub Duration);

impl Ticks for Every {
    fn after(&self, time: Timestamp) -> Option<Timestamp> {
        let micros = i64::try_from(self.0.as_micros()).ok()?;
        let passed = time.as_micros().checked_div_euclid(micros)?;
        let next = passed.checked_add(1)?.checked_mul(micros)?;
        Some(Timestamp::from_micros(next))
    }

    fn rule(&self) -> String {
        format!("every {:?}", self.0)
    }
}
