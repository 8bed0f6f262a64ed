//! Clients: those whom the app is for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sourced::backend::AppendError;
use sourced::{Actor, App, DispatchError, IntoStreamId, Outgoing, Receipt};

use super::dice::Dice;
use super::fault::{Fault, Mishap};
use super::link::{Link, Told};

/// How often a client tries before it gives up.
const TRIES: usize = 20;

/// A client in one of its steps. It never crashes; what it asks for may fail.
#[derive(Clone)]
pub struct Client {
    pub(super) link: Link,
    pub(super) app: App,
    pub(super) number: usize,
    pub(super) step: usize,
    pub(super) dice: Arc<Dice>,
}

impl Client {
    /// Its number, from 1.
    pub fn number(&self) -> usize {
        self.number + 1
    }

    /// Which of its steps this is, from 1.
    pub fn step(&self) -> usize {
        self.step + 1
    }

    /// Chance, for what it does: the same for this step in every history of this seed.
    pub fn dice(&self) -> &Dice {
        &self.dice
    }

    /// The app as it runs where the client is connected.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// One actor, whose methods decide here and now.
    pub fn actor<A: Actor>(&self, stream: impl IntoStreamId) -> A::Ref {
        self.app.actor::<A>(stream)
    }

    /// Dispatches a command as a careful client does: with an id of its own, and again with the same one as long as it does
    /// not know that it is stored. Now and then it is not that careful, and sends it again all the same.
    ///
    /// The command is made anew for each attempt.
    ///
    /// # Errors
    /// [`DispatchError`], when the app does not take it, or the storage could not be reached for long.
    pub async fn dispatch<O: Into<Outgoing>>(
        &self,
        command: impl Fn() -> O,
    ) -> Result<Receipt, DispatchError> {
        let id = self.app.env().ids.next_id().into();
        let mut tries = 1;
        let receipt = loop {
            match self.app.dispatch(command().into().with_id(id)).await {
                Err(DispatchError::Append(AppendError::Backend(error)))
                    if error.is_transient() && tries < TRIES =>
                {
                    tries += 1;
                    self.pause(Duration::from_millis(200)).await;
                }
                result => break result?,
            }
        };
        if let Some(Mishap { fault, by, lot, .. }) = self.link.after_a_dispatch() {
            match fault {
                Fault::Replay => self.link.run().replay_later(by, lot),
                _ => self.repeat_later(command().into().with_id(id), by),
            }
        }
        Ok(receipt)
    }

    fn repeat_later(&self, again: Outgoing, pause: Duration) {
        let (app, link) = (self.app.clone(), self.link.clone());
        let later = async move {
            app.env().clock.sleep(pause).await;
            let text = || format!("sends {} again, after {}", again.type_name(), Told(pause));
            link.run().tell(link.name(), text);
            // A client that repeats itself does not care for the answer.
            _ = app.dispatch(again).await;
        };
        self.app.env().spawner.spawn_boxed(Box::pin(later));
    }

    /// Waits.
    pub async fn pause(&self, pause: Duration) {
        self.app.env().clock.sleep(pause).await;
    }

    /// The one `T` that lies outside of all processes.
    pub fn outside<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.link.run().things().get()
    }

    /// Adds a line to the story, if this history becomes one.
    pub fn tell(&self, text: impl Into<String>) {
        self.link.run().tell(self.link.name(), || text.into());
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("number", &self.number())
            .field("step", &self.step())
            .finish_non_exhaustive()
    }
}
