//! States that are known already, so that a decision need not read its whole stream.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

use crate::stream::{Seq, StreamId};

/// The newest known states by their streams; of too many, those that were not used for longest are dropped.
///
/// What is in it was made of stored events alone. Others may have appended later ones: whoever decides on such a state
/// lets the append find that out, or reads what came after it.
///
/// A state is taken out while it is used, since it changes in place: who comes for it meanwhile reads the stream.
pub struct States {
    size: usize,
    places: Mutex<LruCache<(TypeId, StreamId), Place>>,
    /// How often the log had been set back when they were made.
    setbacks: AtomicU64,
}

/// Where the state of a stream is kept; empty while somebody uses it.
struct Place {
    seq: Option<Seq>,
    state: Option<Box<dyn Any + Send>>,
}

impl States {
    /// For so many states; with 0 none is kept.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            places: Mutex::new(LruCache::new_unbounded()),
            setbacks: AtomicU64::new(0),
        }
    }

    /// Drops all that was made of a log that was set back since.
    pub(crate) fn after(&self, setbacks: u64) -> &Self {
        if self.setbacks.swap(setbacks, Ordering::AcqRel) != setbacks {
            let dropped = std::mem::replace(&mut *self.lock(), LruCache::new_unbounded());
            // What they do when they are dropped is not ours.
            drop(dropped);
        }
        self
    }

    /// Takes out what was kept last of this stream.
    pub(crate) fn take<T: Send + 'static>(&self, stream: &StreamId) -> Option<Box<T>> {
        if self.size == 0 {
            return None;
        }
        let key = (TypeId::of::<T>(), stream.clone());
        let state = self.lock().get_mut(&key)?.state.take()?;
        state.downcast().ok()
    }

    /// Keeps a state with all events up to this seq, unless a newer one is there.
    pub(crate) fn keep<T: Send + 'static>(
        &self,
        stream: &StreamId,
        seq: Option<Seq>,
        state: Box<T>,
    ) {
        if self.size == 0 {
            return;
        }
        let key = (TypeId::of::<T>(), stream.clone());
        let mut places = self.lock();
        let superfluous = match places.get_mut(&key) {
            Some(place) if place.state.is_some() && place.seq >= seq => Some(state as _),
            Some(place) => {
                place.seq = seq;
                place.state.replace(state)
            }
            None => {
                let state = Some(state as _);
                places.insert(key, Place { seq, state });
                let oldest = (places.len() > self.size).then(|| places.remove_lru());
                oldest.flatten().and_then(|(_, place)| place.state)
            }
        };
        // What it does when it is dropped is not ours.
        drop(places);
        drop(superfluous);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<(TypeId, StreamId), Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States")
            .field("size", &self.size)
            .field("known", &self.lock().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(n: usize) -> StreamId {
        StreamId::new(format!("cart-{n}")).unwrap()
    }

    #[test]
    fn the_newest_is_kept() {
        let states = States::new(10);
        states.keep(&stream(1), Seq::new(4), Box::new("newer"));
        states.keep(&stream(1), Seq::new(2), Box::new("older"));
        assert_eq!(states.take::<u8>(&stream(1)), None, "of another type");
        assert_eq!(states.take(&stream(1)), Some(Box::new("newer")));
        assert_eq!(states.take::<&str>(&stream(1)), None, "somebody has it");
        states.keep(&stream(1), Seq::new(2), Box::new("older"));
        assert_eq!(states.take(&stream(1)), Some(Box::new("older")));
    }

    #[test]
    fn there_are_no_more_than_it_has_places_for() {
        let states = States::new(2);
        (1..=2).for_each(|n| states.keep(&stream(n), None, Box::new(n)));
        let used = states.take::<usize>(&stream(1)).unwrap();
        states.keep(&stream(1), None, used);
        states.keep(&stream(3), None, Box::new(3_usize));
        let left = (1..=3).filter(|n| states.take::<usize>(&stream(*n)).is_some());
        assert_eq!(left.collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn none_is_left_of_a_log_that_was_set_back() {
        let states = States::new(10);
        states.after(0).keep(&stream(1), None, Box::new(1_usize));
        assert_eq!(states.after(1).take::<usize>(&stream(1)), None);
        states.after(1).keep(&stream(1), None, Box::new(2_usize));
        assert_eq!(states.after(1).take(&stream(1)), Some(Box::new(2_usize)));
    }

    #[test]
    fn none_is_kept_without_a_place() {
        let states = States::new(0);
        states.keep(&stream(1), None, Box::new(1_usize));
        assert_eq!(states.take::<usize>(&stream(1)), None);
    }
}
