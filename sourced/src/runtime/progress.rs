//! How far a group is, and how fast.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::GroupRef;
use crate::backend::{Backend, BackendError, GroupStatus};
use crate::env::Clock;
use crate::stream::{GroupId, Position};
use crate::time::Timestamp;

/// Over how many pauses between two looks the speed is taken.
const WINDOW: usize = 8;

/// How far a group is in the log. Made by [`GroupRef::progress`].
///
/// It counts positions of the log, and not all of them need be for the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupProgress {
    /// Everything up to here is handled, in all streams but the parked ones.
    pub handled_upto: Position,
    /// Where the log ends.
    pub log_end: Position,
    /// Whether it goes through what it has handled before.
    pub is_replaying: bool,
}

impl GroupProgress {
    /// How many positions are left to the end of the log.
    pub fn left(&self) -> u64 {
        self.log_end.get().saturating_sub(self.handled_upto.get())
    }
}

/// How far a group is, and how fast. Made by [`GroupRef::watch_progress`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// How far it is.
    pub progress: GroupProgress,
    /// How many positions it has handled per second lately; `None` at the first look and after the group was set back.
    pub per_second: Option<f64>,
    /// When it will have come to the end of the log if it and the log go on as lately; `None` when it does not come
    /// nearer.
    pub time_left: Option<Duration>,
}

impl<R> GroupRef<R> {
    /// How far it is, and whether it replays.
    ///
    /// # Errors
    /// [`BackendError::UnknownGroup`] when it was removed; another one when the storage does not answer.
    pub async fn progress(&self) -> Result<GroupProgress, BackendError> {
        progress(&*self.backend, &self.id).await
    }

    /// How far it is, now and after each pause by the clock of the app, for as long as anybody asks. An error does not
    /// end it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_util::StreamExt as _;
    /// use sourced::prelude::*;
    ///
    /// #[event("todo.added")]
    /// pub struct TodoAdded {
    ///     pub todo_id: u64,
    /// }
    ///
    /// #[derive(Debug, Projection)]
    /// pub struct Todo {
    ///     #[key]
    ///     todo_id: u64,
    /// }
    ///
    /// #[projector]
    /// impl Todo {
    ///     #[event]
    ///     fn added(event: &TodoAdded) -> Self {
    ///         Self { todo_id: event.todo_id }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<Todo>().build().await?;
    /// let running = app.start();
    /// let todos = app.group::<Todo>();
    /// todos.rebuild().await?;
    /// let mut paces = todos.watch_progress(Duration::from_millis(200));
    /// while let Some(pace) = paces.next().await.transpose()? {
    ///     println!("{} of {}", pace.progress.handled_upto, pace.progress.log_end);
    ///     if pace.progress.left() == 0 {
    ///         break;
    ///     }
    /// }
    /// # running.stop().await;
    /// # Ok(()) }
    /// ```
    pub fn watch_progress(
        &self,
        pause: Duration,
    ) -> BoxStream<'static, Result<Pace, BackendError>> {
        let (backend, clock) = (Arc::clone(&self.backend), Arc::clone(&self.clock));
        let samples = Samples::default();
        let start = (backend, clock, self.id.clone(), samples, Duration::ZERO);
        let next = move |(backend, clock, id, mut samples, before): Watching| async move {
            clock.sleep(before).await;
            let progress = progress(&*backend, &id).await;
            let pace = progress.map(|progress| samples.pace(clock.now(), progress));
            Some((pace, (backend, clock, id, samples, pause)))
        };
        stream::unfold(start, next).boxed()
    }
}

type Watching = (Arc<dyn Backend>, Arc<dyn Clock>, GroupId, Samples, Duration);

pub(super) async fn progress(
    backend: &dyn Backend,
    id: &GroupId,
) -> Result<GroupProgress, BackendError> {
    let groups = backend.groups().await?;
    let of_group = |status: &GroupStatus| GroupProgress {
        handled_upto: status.handled_upto(),
        log_end: status.log_end,
        is_replaying: status.is_replaying,
    };
    let found = groups.iter().find(|status| status.id == *id).map(of_group);
    found.ok_or_else(|| BackendError::UnknownGroup(id.clone()))
}

/// The last looks, oldest first.
#[derive(Debug, Default)]
struct Samples(VecDeque<(Timestamp, GroupProgress)>);

impl Samples {
    fn pace(&mut self, now: Timestamp, progress: GroupProgress) -> Pace {
        let last = self.0.back();
        if last.is_some_and(|(_, last)| progress.handled_upto < last.handled_upto) {
            self.0.clear();
        }
        if self.0.len() > WINDOW {
            self.0.pop_front();
        }
        let first = self.0.front().copied();
        self.0.push_back((now, progress));
        let since = |(at, first): (Timestamp, GroupProgress)| {
            let seconds = now.saturating_since(at).as_secs_f64();
            (seconds > 0.0).then_some((seconds, first))
        };
        let Some((seconds, first)) = first.and_then(since) else {
            return Pace {
                progress,
                per_second: None,
                time_left: (progress.left() == 0).then_some(Duration::ZERO),
            };
        };
        let handled = progress.handled_upto.get() - first.handled_upto.get();
        let nearer = first.left().saturating_sub(progress.left());
        let time_left = match (progress.left(), nearer) {
            (0, _) => Some(Duration::ZERO),
            (_, 0) => None,
            (left, nearer) => {
                Duration::try_from_secs_f64(as_f64(left) * seconds / as_f64(nearer)).ok()
            }
        };
        Pace {
            progress,
            per_second: Some(as_f64(handled) / seconds),
            time_left,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is about how fast")]
fn as_f64(positions: u64) -> f64 {
    positions as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn handled(handled_upto: u64, log_end: u64) -> GroupProgress {
        GroupProgress {
            handled_upto: Position::new(handled_upto),
            log_end: Position::new(log_end),
            is_replaying: true,
        }
    }

    #[test]
    fn the_speed_is_that_of_the_last_looks() {
        let mut samples = Samples::default();
        let first = samples.pace(at(0), handled(100, 1_000));
        assert_eq!((first.per_second, first.time_left), (None, None));
        let second = samples.pace(at(1), handled(300, 1_000));
        let left = Some(Duration::from_millis(3_500));
        assert_eq!((second.per_second, second.time_left), (Some(200.0), left));
        for second in 2..=20 {
            samples.pace(at(second), handled(300, 1_000));
        }
        let stands = samples.pace(at(21), handled(300, 1_000));
        assert_eq!((stands.per_second, stands.time_left), (Some(0.0), None));
    }

    #[test]
    fn a_log_that_grows_as_fast_is_never_caught_up_with() {
        let mut samples = Samples::default();
        samples.pace(at(0), handled(100, 1_000));
        let pace = samples.pace(at(1), handled(200, 1_100));
        assert_eq!((pace.per_second, pace.time_left), (Some(100.0), None));
        let through = samples.pace(at(2), handled(1_100, 1_100));
        assert_eq!(through.time_left, Some(Duration::ZERO));
    }

    #[test]
    fn a_reset_begins_the_measure_anew() {
        let mut samples = Samples::default();
        samples.pace(at(0), handled(900, 1_000));
        let reset = samples.pace(at(1), handled(0, 1_000));
        assert_eq!(reset.per_second, None);
        let later = samples.pace(at(2), handled(10, 1_000));
        assert_eq!(later.per_second, Some(10.0));
    }
}
