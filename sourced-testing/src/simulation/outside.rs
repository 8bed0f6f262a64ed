//! What lies outside of all processes: the fakes of what an app calls.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::dice::number_of;
use super::link::Link;

/// Something outside of the app, such as a payment provider, as one process reaches it. Made by
/// [`Process::outside`](super::Process::outside).
///
/// There is one `T` in each history, made by its `Default`, and it outlives all processes. What lies between is a network:
/// a call may be late, fail, or do its work and lose its answer, and the process may die at either end.
pub struct Outside<T> {
    thing: Arc<T>,
    link: Link,
}

/// What a call to the outside may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer: whether it was done is not known")]
#[non_exhaustive]
pub struct Unreachable;

impl<T> Outside<T> {
    /// Calls it. The text says in a story what is called: `charge order-3`. It has to be the same when the same is called
    /// for again, without a time or a number drawn: it names what goes wrong there while the story is made shorter.
    ///
    /// # Errors
    /// [`Unreachable`] when there was no answer; it may have been done all the same.
    pub async fn call<R>(
        &self,
        what: impl Into<String>,
        does: impl FnOnce(&T) -> R,
    ) -> Result<R, Unreachable> {
        let what = what.into();
        self.link
            .call_outside(number_of(type_name::<T>()), &what, || does(&self.thing))
            .await
    }
}

impl<T> Clone for Outside<T> {
    fn clone(&self) -> Self {
        Self {
            thing: Arc::clone(&self.thing),
            link: self.link.clone(),
        }
    }
}

impl<T> fmt::Debug for Outside<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside")
            .field("of", &type_name::<T>())
            .finish_non_exhaustive()
    }
}

/// All that lies outside in one history.
#[derive(Default)]
pub(super) struct Things {
    by_type: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Things {
    pub(super) fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut things = self.by_type.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = things
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        let thing = Arc::clone(thing).downcast();
        thing.unwrap_or_else(|_| unreachable!("it is kept under its type"))
    }

    pub(super) fn reached_by<T: Default + Send + Sync + 'static>(&self, link: Link) -> Outside<T> {
        let thing = self.get();
        Outside { thing, link }
    }
}
