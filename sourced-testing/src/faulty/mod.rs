//! A backend that fails, waits, conflicts and keeps its signals to itself, when told to.

mod call;
mod ports;
mod script;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sourced::backend::{Backend, BackendError, Claim, Signal};

use call::OfAppend;
pub use call::{Call, Op};
pub use script::{Held, Script};

/// A backend whose every call somebody else decides about first: whether it gets through, when, and whether its answer
/// does.
///
/// What it answers is what a backend may always answer, so an app on it has to keep its promises. With a [`Script`] a
/// test says which call fails:
///
/// ```
/// use sourced::prelude::*;
/// use sourced::Memory;
/// use sourced_testing::{Faulty, Op};
/// # #[derive(Debug, Default)] struct Door { n_opened: u32 }
/// # #[actor] impl Door {
/// #     #[command] fn open(&self) -> Opened { Opened }
/// #     #[event] fn opened(&mut self) { self.n_opened += 1; }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (backend, script) = Faulty::new(Memory::new());
/// let app = App::builder().backend(backend).register::<Door>().build().await?;
///
/// // It is stored, but nobody is told; the library asks again, and is told that it is there.
/// script.lose_answer(Op::Append);
/// app.actor::<Door>("door-1").open().await?;
/// assert_eq!(app.load::<Door>("door-1").await?.state().n_opened, 1);
///
/// // Nothing is stored, twice: more often than the library asks.
/// script.refuse(Op::Append);
/// script.refuse(Op::Append);
/// app.actor::<Door>("door-1").open().await.unwrap_err();
/// assert_eq!(app.load::<Door>("door-1").await?.state().n_opened, 1);
/// # Ok(()) }
/// ```
pub struct Faulty<B> {
    storage: B,
    faults: Arc<dyn Faults>,
}

/// Decides about the calls of a [`Faulty`] backend.
#[async_trait]
pub trait Faults: fmt::Debug + Send + Sync + 'static {
    /// Stands around a call: lets it through by awaiting `go`, which says how the storage answered, or does not. When it
    /// is [`Trouble`], that is what the caller is told, also of what is stored.
    ///
    /// # Errors
    /// [`Trouble`], which is the whole point.
    async fn around(
        &self,
        call: &Call<'_>,
        go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble>;

    /// Looks at what was claimed, before the claimer does.
    fn claimed(&self, claims: &[Claim]) {
        _ = claims;
    }

    /// The signal that waiting workers get instead of the storage's.
    fn signal(&self, storage: Signal) -> Signal {
        storage
    }
}

/// What a caller is told instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The storage cannot be reached. Whether it has done what it was asked for is not said.
    Unreachable,
    /// Somebody else was faster. A call that [cannot conflict](Call::can_conflict) cannot be told so: it is told that the
    /// storage cannot be reached.
    Conflict,
}

impl<B: Backend> Faulty<B> {
    /// A backend that fails when its script says so.
    pub fn new(storage: B) -> (Self, Script) {
        let script = Script::default();
        (Self::by(storage, script.clone()), script)
    }

    /// A backend that fails when somebody says so.
    pub fn by(storage: B, faults: impl Faults) -> Self {
        let faults = Arc::new(faults);
        Self { storage, faults }
    }

    async fn through<T: Send, E: fmt::Display + OfAppend + From<BackendError> + Send>(
        &self,
        call: Call<'_>,
        run: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let mut answer = None;
        let go = Box::pin(async {
            let result = run.await;
            let said = result.as_ref().map(drop).map_err(ToString::to_string);
            answer = Some(result);
            said
        });
        let unreachable = || BackendError::Unavailable("a fault that a test asked for".into());
        match self.faults.around(&call, go).await {
            Ok(()) => answer.unwrap_or_else(|| Err(unreachable().into())),
            Err(Trouble::Unreachable) => {
                // Backends tell it as that of the append, where there is one.
                let has_appends = !call.appends().is_empty();
                let inside = has_appends.then(|| E::of_append(unreachable().into()));
                Err(inside.flatten().unwrap_or_else(|| unreachable().into()))
            }
            Err(Trouble::Conflict) => {
                let conflict = call.conflict().and_then(E::of_append);
                Err(conflict.unwrap_or_else(|| unreachable().into()))
            }
        }
    }
}

impl<B: Clone> Clone for Faulty<B> {
    fn clone(&self) -> Self {
        Self {
            storage: self.storage.clone(),
            faults: Arc::clone(&self.faults),
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for Faulty<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("storage", &self.storage)
            .field("faults", &self.faults)
            .finish()
    }
}
