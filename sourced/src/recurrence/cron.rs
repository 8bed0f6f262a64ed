//! Cron expressions.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Ticks;
use crate::time::Timestamp;

/// Ticks by a cron expression, on the clocks of a time zone.
///
/// The five fields are minute, hour, day of the month, month and day of the week (0 or 7 is Sunday); a sixth one before
/// them has seconds. Besides lists, ranges and steps there are names (`MON`, `JAN`), `L`, `#` and `W`, and `@daily` and
/// the like; see the crate `croner`. The time zone is one of the IANA database, such as `Europe/Zurich` or `UTC`.
///
/// ```
/// use sourced::Cron;
///
/// let workdays_at_six = Cron::new("0 6 * * MON-FRI", "Europe/Zurich")?;
/// assert!(Cron::new("0 25 * * *", "Europe/Zurich").is_err());
/// assert!(Cron::new("0 6 * * *", "Europe/Zürich").is_err());
/// # Ok::<(), sourced::CronError>(())
/// ```
///
/// # When clocks are changed
///
/// An expression with one number each for minute and hour, such as `30 2 * * *`, ticks once on every day it is for: when
/// that hour is left out, at its end (03:00), and when it comes twice, the first time. Any other, such as
/// `*/15 * * * *`, follows what the clocks show: it has no ticks in an hour that is left out, and ticks both times in one
/// that comes twice.
#[derive(Debug, Clone)]
pub struct Cron {
    cron: croner::Cron,
    zone: Tz,
}

/// Why a cron expression or its time zone cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// It is no cron expression.
    #[error("`{expression}` is not a cron expression: {reason}")]
    Expression {
        /// What was given.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no time zone of this name.
    #[error(
        "there is no time zone `{0}`: say one of the IANA database, such as `Europe/Zurich` or `UTC`"
    )]
    Zone(String),
}

impl Cron {
    /// Takes an expression, and the time zone of the clocks it is about.
    ///
    /// # Errors
    /// [`CronError`] says which of the two cannot be used, and why.
    pub fn new(expression: &str, zone: &str) -> Result<Self, CronError> {
        let cron = croner::Cron::from_str(expression).map_err(|error| CronError::Expression {
            expression: expression.to_owned(),
            reason: error.to_string(),
        })?;
        let zone = zone.parse().map_err(|_| CronError::Zone(zone.to_owned()))?;
        Ok(Self { cron, zone })
    }
}

impl Ticks for Cron {
    fn after(&self, time: Timestamp) -> Option<Timestamp> {
        let time = DateTime::<Utc>::from(time).with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&time, false).ok()?;
        Some(next.with_timezone(&Utc).into())
    }

    fn rule(&self) -> String {
        format!("cron {} {}", self.cron.as_str(), self.zone)
    }
}
