//! Recurrences: at which times something recurs, and what becomes of the times that nobody was there for.
//!
//! A [`Recurrence`] is a rule, [`Every`] or `Cron` or your own [`Ticks`], and how to [`CatchUp`].
//! [`AppBuilder::recurring`](crate::AppBuilder::recurring) says what is sent at each tick.

#[cfg(feature = "cron")]
mod cron;
mod due;
mod every;
#[cfg(test)]
mod tests;

#[cfg(feature = "cron")]
pub use cron::{Cron, CronError};
pub(crate) use due::{Due, count, due};
pub use every::Every;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;

/// A rule that says when something recurs.
///
/// Any number of processes ask it independently, and must get the same answers: it depends on nothing but what it is
/// asked, and on no clock.
///
/// ```
/// use std::time::Duration;
/// use sourced::recurrence::{Every, Ticks};
/// use sourced::Timestamp;
///
/// /// The full moon, or as good as.
/// #[derive(Debug)]
/// struct FullMoon;
///
/// impl Ticks for FullMoon {
///     fn after(&self, time: Timestamp) -> Option<Timestamp> {
///         Every(Duration::from_secs(2_551_443)).after(time)
///     }
///     fn rule(&self) -> String {
///         "full moon".to_owned()
///     }
/// }
/// ```
pub trait Ticks: fmt::Debug + Send + Sync + 'static {
    /// The first tick after this time and not at it. `None` when there is none.
    fn after(&self, time: Timestamp) -> Option<Timestamp>;

    /// The rule as text. It is stored beside the progress: with another text the rule is another one, and counts from
    /// the moment it is first seen.
    fn rule(&self) -> String;

    /// The rule, and what becomes of ticks that nobody was there for.
    fn catch_up(self, catch_up: CatchUp) -> Recurrence
    where
        Self: Sized,
    {
        Recurrence {
            catch_up,
            ..Recurrence::from(self)
        }
    }
}

/// What becomes of ticks whose time has come and gone while no process was there for them.
#[doc(alias = "misfire")]
#[doc(alias = "backfill")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatchUp {
    /// Only the newest of them is made up for, however late.
    #[default]
    Newest,
    /// Each of them is made up for, oldest first, but no more than the newest so many.
    Each {
        /// How many: from 1 to 1000.
        at_most: u32,
    },
    /// None that is later than this is made up for, and of those that are not, the newest.
    Skip {
        /// How late a tick may be. With zero, ticks are lost whenever a process is the least bit late.
        later_than: Duration,
    },
}

/// When something recurs: a rule, and what becomes of ticks that nobody was there for.
///
/// Made from a rule, such as [`Every`], and by [`Ticks::catch_up`].
#[derive(Debug, Clone)]
pub struct Recurrence {
    ticks: Arc<dyn Ticks>,
    catch_up: CatchUp,
}

impl<T: Ticks> From<T> for Recurrence {
    fn from(ticks: T) -> Self {
        Self {
            ticks: Arc::new(ticks),
            catch_up: CatchUp::default(),
        }
    }
}

impl Recurrence {
    /// The rule as text.
    pub fn rule(&self) -> String {
        self.ticks.rule()
    }

    /// The first tick after this time. A rule that does not go forward ends.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        self.ticks.after(time).filter(|next| *next > time)
    }
}
