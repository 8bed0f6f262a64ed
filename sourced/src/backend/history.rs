//! What a process knows of the log, so that it notices when the log is set back under it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::message::MessageId;
use crate::stream::Position;

/// What a process has seen of its database: for backends, which look again when they connect.
///
/// A database that is restored, fails over to a replica that lacks the last writes, or is replaced by another one, goes on
/// from an earlier point. Whatever was made of what came after it is worth nothing then.
#[derive(Debug, Default)]
pub struct KnownHistory {
    known: Mutex<Known>,
    setbacks: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    place: Option<String>,
    mark: Option<Mark>,
}

/// A message of the log that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it is.
    pub position: Position,
    /// Which one it is.
    pub id: MessageId,
}

/// What a look at the database has shown.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    /// How often something was missing when the look began, before it was said what to look for.
    pub setbacks: u64,
    /// What tells the database from another one that takes its place; `None` when that was not to be found out.
    pub place: Option<String>,
    /// The mark that was looked for, and whether it is there.
    pub looked_for: Option<(Mark, bool)>,
    /// The newest message.
    pub newest: Option<Mark>,
}

impl KnownHistory {
    /// How often something was missing.
    pub fn setbacks(&self) -> u64 {
        self.setbacks.load(Ordering::Acquire)
    }

    /// What to look for.
    pub fn mark(&self) -> Option<Mark> {
        self.lock().mark
    }

    /// Notes what is certainly in the log, as something that was stored or read: it is looked for where it is the newest.
    pub fn saw(&self, seen: Mark) {
        let mut known = self.lock();
        known.mark = newer(known.mark, Some(seen));
    }

    /// Compares what was seen with what is known, which it becomes. Whether the log was set back is said once.
    pub fn compare(&self, seen: Sighting) {
        let mut known = self.lock();
        let is_elsewhere = match (&known.place, &seen.place) {
            (Some(known), Some(seen)) => known != seen,
            _ => false,
        };
        let lost = match seen.looked_for {
            // Somebody else may have looked meanwhile, and have said so.
            Some((mark, false)) if self.setbacks() == seen.setbacks => Some(mark),
            _ => None,
        };
        known.place = seen.place.or(known.place.take());
        if !is_elsewhere && lost.is_none() {
            known.mark = newer(known.mark, seen.newest);
            return;
        }
        known.mark = seen.newest;
        self.setbacks.fetch_add(1, Ordering::AcqRel);
        drop(known);
        tracing::warn!(
            is_another_database = is_elsewhere,
            lost_position = lost.map(|mark| mark.position.get()),
            "the log is not the one that this process knew: what was kept in memory is dropped"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn newer(one: Option<Mark>, other: Option<Mark>) -> Option<Mark> {
    one.into_iter()
        .chain(other)
        .max_by_key(|mark| mark.position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(position: u64) -> Mark {
        Mark {
            position: Position::new(position),
            id: MessageId::from_uuid(uuid::Uuid::from_u128(position.into())),
        }
    }

    fn seen(place: &str, looked_for: Option<(u64, bool)>, newest: u64) -> Sighting {
        Sighting {
            setbacks: 0,
            place: Some(place.to_owned()),
            looked_for: looked_for.map(|(position, is_there)| (mark(position), is_there)),
            newest: Some(mark(newest)),
        }
    }

    #[test]
    fn what_grows_is_no_setback() {
        let history = KnownHistory::default();
        history.compare(seen("a", None, 5));
        history.compare(seen("a", Some((5, true)), 9));
        let unknown = Sighting {
            place: None,
            ..seen("a", Some((9, true)), 9)
        };
        history.compare(unknown);
        assert_eq!((history.setbacks(), history.mark()), (0, Some(mark(9))));
    }

    #[test]
    fn what_was_stored_meanwhile_is_looked_for() {
        let history = KnownHistory::default();
        history.compare(seen("a", None, 5));
        history.saw(mark(7));
        history.saw(mark(6));
        assert_eq!(history.mark(), Some(mark(7)));
        // More was stored while somebody looked, and it is missed all the same.
        history.saw(mark(8));
        history.compare(seen("a", Some((7, false)), 5));
        assert_eq!((history.setbacks(), history.mark()), (1, Some(mark(5))));
    }

    #[test]
    fn what_is_missing_is_counted_once() {
        let history = KnownHistory::default();
        history.compare(seen("a", None, 9));
        // Two connections have looked at the same time.
        history.compare(seen("a", Some((9, false)), 4));
        history.compare(seen("a", Some((9, false)), 4));
        assert_eq!((history.setbacks(), history.mark()), (1, Some(mark(4))));
        // What was looked for before that is no longer missed.
        history.compare(seen("a", Some((9, false)), 5));
        assert_eq!(history.setbacks(), 1);
        history.compare(seen("b", Some((4, true)), 4));
        history.compare(seen("b", Some((4, true)), 4));
        assert_eq!(history.setbacks(), 2);
    }
}
