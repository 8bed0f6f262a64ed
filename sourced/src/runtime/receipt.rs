//! Receipts of dispatched commands, and what became of them.

use std::time::Duration;

use super::App;
use super::app::Inner;
use crate::backend::{BackendError, Waiting};
use crate::message::{Kind, MessageId, StoredMessage, TypeName};
use crate::reactor::{Register, SeenError, Sight, Wait};
use crate::stream::{Position, Seq, StreamId};
use crate::time::Timestamp;

/// Proof that a command is stored, or scheduled.
#[derive(Debug, Clone)]
pub struct Receipt {
    app: App,
    /// The command's id.
    pub id: MessageId,
    /// Where it is.
    pub place: Place,
    /// Whether an earlier call had stored or scheduled it. Nothing was changed then: where this call and an earlier one
    /// name different times, the earlier one's stands.
    pub already_stored: bool,
}

/// Where a dispatched command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In its stream.
    Stored {
        /// Where it sits in its stream.
        seq: Seq,
        /// Where it sits in the log.
        position: Position,
    },
    /// Not in its stream before this time.
    Scheduled {
        /// The time.
        at: Timestamp,
    },
}

impl Receipt {
    pub(super) fn new(app: App, id: MessageId, place: Place, already_stored: bool) -> Self {
        Self {
            app,
            id,
            place,
            already_stored,
        }
    }

    /// Waits until the command is decided or skipped, or waits for a person; a scheduled one is waited for, too.
    /// Somebody's workers must be running.
    ///
    /// It looks again after a pause on the app's clock. In a test whose clock stands still, [`App::idle`] waits, and
    /// [`App::outcome`] looks.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn outcome(&self) -> Result<Outcome, BackendError> {
        let mut pause = Duration::from_millis(2);
        loop {
            match self.app.outcome(self.id).await? {
                Outcome::Pending | Outcome::Scheduled(_) => {}
                settled => return Ok(settled),
            }
            self.app.env().clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }
}

impl Receipt {
    /// Waits until a reactor, such as a projector, has acknowledged the events that the command led to. Then queries see
    /// what came of it. A command that was refused or skipped led to none.
    ///
    /// `within` is measured on the app's clock. Workers must be running, of this process or another.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sourced::prelude::*;
    ///
    /// # #[derive(Debug, Default)] pub struct Door { n_opened: u32 }
    /// # #[actor] impl Door {
    /// #     #[command] fn open(&self) -> Opened { Opened }
    /// #     #[event] fn opened(&mut self) { self.n_opened += 1; }
    /// # }
    /// # #[derive(Debug, Default)] struct Visits { n: u32 }
    /// # #[projector] impl Visits {
    /// #     #[event] fn opened(&mut self, _: &Opened) { self.n += 1; }
    /// #     #[sync] async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
    /// #         tx.put("visits", id, &self.n).await
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<Door>().register::<Visits>().build().await?;
    /// let running = app.start();
    /// let receipt = app.dispatch(Open.to("door-1")).await?;
    /// receipt.seen_by::<Visits>(Duration::from_secs(5)).await?;
    /// assert_eq!(app.document("visits", "door-1").await?, Some(1));
    ///
    /// let door = app.actor::<Door>("door-1");
    /// door.open().await?;
    /// door.seen_by::<Visits>(Duration::from_secs(5)).await?;
    /// assert_eq!(app.document("visits", "door-1").await?, Some(2));
    /// # running.stop().await; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`SeenError`] when the time was up; at once when a person has to see to the command, the stream or the group first.
    #[doc(alias = "read your writes")]
    pub async fn seen_by<R: Register>(&self, within: Duration) -> Result<(), SeenError> {
        let mut wait = Wait::new(&self.app.inner.services, within);
        let events = loop {
            let why = match self.app.outcome(self.id).await? {
                Outcome::Applied(events) => break events,
                Outcome::Refused(_) | Outcome::Skipped(_) => return Ok(()),
                Outcome::Pending | Outcome::Scheduled(_) if wait.look_again().await => continue,
                Outcome::Pending | Outcome::Scheduled(_) => {
                    return Err(SeenError::Undecided {
                        command: self.id,
                        within: wait.within(),
                    });
                }
                Outcome::Failed(error) => error,
                Outcome::Blocked { by, error } => format!("it waits behind `{by}`: {error}"),
                Outcome::Removed => "it was removed from the log".to_owned(),
                Outcome::Unknown => "it is neither stored nor scheduled".to_owned(),
            };
            let command = self.id;
            return Err(SeenError::NotDecided { command, why });
        };
        let sight = Sight::of(&*R::reactor(), events.iter().map(place_of));
        wait.until_seen(sight).await
    }
}

impl App {
    /// Waits until a reactor, such as a projector, has acknowledged those of these messages that it handles, and with them
    /// all earlier ones of their streams. For what a unit has stored: [`UnitOutcome::messages`](crate::UnitOutcome::messages).
    ///
    /// # Errors
    /// As [`Receipt::seen_by`].
    #[doc(alias = "read your writes")]
    pub async fn seen_by<'m, R: Register>(
        &self,
        messages: impl IntoIterator<Item = &'m StoredMessage>,
        within: Duration,
    ) -> Result<(), SeenError> {
        let wait = Wait::new(&self.inner.services, within);
        let sight = Sight::of(&*R::reactor(), messages.into_iter().map(place_of));
        wait.until_seen(sight).await
    }
}

fn place_of(message: &StoredMessage) -> (&StreamId, &TypeName, Position) {
    (&message.stream_id, &message.type_name, message.position)
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// No command of this id is stored or scheduled.
    Unknown,
    /// It enters its stream at this time, or soon after.
    Scheduled(Timestamp),
    /// It waits to be decided.
    Pending,
    /// It was decided, and led to these events.
    Applied(Vec<StoredMessage>),
    /// It was decided by saying no.
    Refused(String),
    /// Deciding it failed for good; its stream is parked until a person looks at it. Or it was scheduled, and could not
    /// be put into its stream. This is the last error.
    Failed(String),
    /// It waits behind an earlier message of its stream, which is parked until a person looks at it.
    Blocked {
        /// The message that is parked.
        by: MessageId,
        /// How that one failed last.
        error: String,
    },
    /// It was stored, and then it or what it led to was removed from the log: see [`App::truncate`].
    Removed,
    /// It was never decided: a person or a policy has skipped it, for this reason.
    Skipped(String),
}

pub(super) async fn outcome(app: &Inner, id: MessageId) -> Result<Outcome, BackendError> {
    match stored_outcome(app, id).await {
        Err(BackendError::Removed { .. }) => Ok(Outcome::Removed),
        outcome => outcome,
    }
}

async fn stored_outcome(app: &Inner, id: MessageId) -> Result<Outcome, BackendError> {
    let backend = &app.services.backend;
    let mut found = backend.find(id).await?;
    if found.is_none() {
        match backend.waiting(id).await? {
            Some(Waiting::Until(at)) => return Ok(Outcome::Scheduled(at)),
            Some(Waiting::SetAside(error)) => return Ok(Outcome::Failed(error)),
            // It may have been promoted between the two looks.
            None => found = backend.find(id).await?,
        }
    }
    match found.filter(|message| message.kind == Kind::Command) {
        Some(command) => outcome_of(app, command).await,
        None => Ok(Outcome::Unknown),
    }
}

async fn outcome_of(app: &Inner, command: StoredMessage) -> Result<Outcome, BackendError> {
    let (backend, id) = (&app.services.backend, command.id);
    // The lane is read before the refusal: both are written together, so a refusal is not missed.
    let decider = app.deciders.get(&command.type_name);
    if command.decided_by.is_none() {
        let Some(group) = decider else {
            return Ok(Outcome::Pending);
        };
        let lane = backend.lane(group, &command.stream_id).await?;
        match lane.filter(|lane| lane.acked >= command.position || lane.parked) {
            None => return Ok(Outcome::Pending),
            Some(lane) if lane.acked < command.position => {
                return Ok(match lane.failure {
                    Some(failure) if failure.message != id => Outcome::Blocked {
                        by: failure.message,
                        error: failure.error,
                    },
                    failure => Outcome::Failed(failure.map_or_else(String::new, |failure| {
                        format!("`{}`: {}", failure.type_name, failure.error)
                    })),
                });
            }
            Some(_) => {}
        }
    }
    if let Some(refusal) = backend.refusal(id).await? {
        return Ok(Outcome::Refused(refusal.reason));
    }
    let conversation = backend.read_correlation(command.correlation_id).await?;
    let is_result = |message: &StoredMessage| {
        message.causation_id == id && message.id != id && message.kind == Kind::Event
    };
    let results: Vec<_> = conversation.into_iter().filter(is_result).collect();
    // What was skipped led to nothing; but not all that led to nothing was skipped.
    if let (true, None, Some(group)) = (results.is_empty(), &command.decided_by, decider)
        && let Some(skip) = backend.skip_of(group, command.position).await?
    {
        return Ok(Outcome::Skipped(skip.reason));
    }
    Ok(Outcome::Applied(results))
}
