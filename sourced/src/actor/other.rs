//! Other actors in a decision: read with their own seq, and written to in the same append.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;

use super::load::{Reach, load};
use super::{Actor, Carries, Emit, Emitted, Handlers, IntoDecision, Rejected};
use crate::backend::{LastEvent, ReadStream};
use crate::failure::Failure;
use crate::message::PayloadError;
use crate::reactor::{Context, guarded};
use crate::stream::{IntoStreamId, InvalidName, StreamId};
use crate::topology::Produces;

/// Another actor that a command reads, and may have events of: the account that the money goes to.
///
/// A parameter of this type is a [`StreamId`] in the message. When the command is decided, the other stream is loaded,
/// and [`Other::emit`] makes events for it. Everything a command leads to is stored in one append: when either stream
/// got an event meanwhile, the command is decided again. That holds for a stream that is only read, too: of two doctors
/// who each see the other one on call, only one can go. On Postgres, decisions on one such stream wait for each other's
/// commits; so do not read a stream that all commands have in common.
///
/// A refusal stores nothing that could depend on another stream: it says what was right when the streams were read.
///
/// # Whose stream it is
/// A plain `to: Other<Account>` is a field of the message: **whoever sends the command says which stream it is**, and may
/// name any. Through a gateway that is anybody. Let the command check that it may, by what the other actor's state says
/// and by its `Principal`; or derive the stream from what the command or the state says. `#[stream(…)]` on the parameter
/// takes an expression of the fields, by reference, and of `self`; the parameter is then no field, and nobody sends it.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Account;
///
/// #[derive(Debug, Default)]
/// struct UserName {
///     is_claimed: bool,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the name is taken")]
/// struct Taken;
///
/// #[actor]
/// impl Account {
///     #[command]
///     fn open(
///         &self,
///         name: String,
///         #[stream(format!("name-{}", name.to_lowercase()))] user_name: Other<UserName>,
///     ) -> Result<(Opened, Elsewhere<Claimed>), Taken> {
///         if user_name.is_claimed {
///             return Err(Taken);
///         }
///         Ok((Opened { name }, user_name.emit(Claimed)))
///     }
///
///     #[event]
///     fn opened(&mut self, _name: String) {}
/// }
///
/// #[actor]
/// impl UserName {
///     #[event]
///     fn claimed(&mut self) {
///         self.is_claimed = true;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Account>().register::<UserName>().build().await?;
/// app.actor::<Account>("account-1").open("Ann").await?;
/// let error = app.actor::<Account>("account-2").open("ann").await.unwrap_err();
/// assert!(error.refusal().is_some());
/// # Ok(()) }
/// ```
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Account {
///     balance: u64,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("there are only {0} left")]
/// struct Insufficient(u64);
///
/// #[actor]
/// impl Account {
///     #[command]
///     fn transfer(
///         &self,
///         amount: u64,
///         to: Other<Account>,
///     ) -> Result<(Withdrawn, Elsewhere<Deposited>), Insufficient> {
///         if amount > self.balance {
///             return Err(Insufficient(self.balance));
///         }
///         Ok((Withdrawn { amount }, to.emit(Deposited { amount })))
///     }
///
///     #[event]
///     fn deposited(&mut self, amount: u64) {
///         self.balance += amount;
///     }
///
///     #[event]
///     fn withdrawn(&mut self, amount: u64) {
///         self.balance -= amount;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // An ordinary method still.
/// let (from, to) = (Account { balance: 10 }, Account::default());
/// let (withdrawn, elsewhere) = from.transfer(7, Other::new("account-2", to)?)?;
/// assert_eq!(withdrawn.amount, elsewhere.events().amount);
///
/// let app = App::builder().register::<Account>().build().await?;
/// let error = app.actor::<Account>("account-1").transfer(7, "account-2").await.unwrap_err();
/// assert_eq!(error.refusal().unwrap().0, 0);
/// # Ok(()) }
/// ```
pub struct Other<A> {
    stream: StreamId,
    last: Option<LastEvent>,
    state: A,
}

impl<A: Actor> Other<A> {
    /// Another actor in this state, for calling a command method by hand.
    ///
    /// # Errors
    /// [`InvalidName`] when the stream has no proper name.
    pub fn new(stream: impl IntoStreamId, state: A) -> Result<Self, InvalidName> {
        Ok(Self {
            stream: stream.into_stream_id()?,
            last: None,
            state,
        })
    }

    /// The other stream.
    pub fn stream_id(&self) -> &StreamId {
        &self.stream
    }

    /// The state after all events of the other stream.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// Events for the other stream, to be returned by the command method.
    #[must_use = "events for another stream have no effect unless the command returns them"]
    pub fn emit<T: Emit<A>>(&self, events: T) -> Elsewhere<T> {
        Elsewhere {
            there: OtherStream {
                id: self.stream.clone(),
                after: self.last,
            },
            events,
            write: T::emit,
        }
    }

    /// Loads the state of another stream for a decision in this one. Generated code calls this.
    ///
    /// # Errors
    /// [`Failure`] when a stream is named twice or not at all, or its history cannot be read or does not fit the actor.
    #[doc(hidden)]
    pub async fn load(
        stream: Result<StreamId, InvalidName>,
        own: &StreamId,
        cx: &Context,
    ) -> Result<Self, Failure> {
        let stream = stream.map_err(NoOther::Unnamed)?;
        if &stream == own || cx.is_guarded(&stream) {
            return Err(NoOther::NamedTwice(stream).into());
        }
        let handlers = Handlers::of_actor();
        let read = ReadStream::all(stream.clone());
        let found = load(cx.streams(), &handlers, read, Reach::Newest).await?;
        let (state, history) = guarded(async { found.fold(&handlers, &stream) }).await?;
        let last = history.last_event();
        cx.guard(stream.clone(), last);
        Ok(Self {
            stream,
            last,
            state,
        })
    }
}

/// A stream that cannot take part in a decision. That is the command's own fault, and will be whenever it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoOther {
    /// It is there twice: the decision could not see its own events.
    #[error(
        "the stream `{0}` is named twice: a command needs a different stream for each of its actors"
    )]
    NamedTwice(StreamId),
    /// What the command says makes no name.
    #[error("the command names no stream by what it says: {0}")]
    Unnamed(#[source] InvalidName),
}

impl<A> Deref for Other<A> {
    type Target = A;
    fn deref(&self) -> &A {
        &self.state
    }
}

impl<A: fmt::Debug> fmt::Debug for Other<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other")
            .field("stream", &self.stream)
            .field("last", &self.last)
            .field("state", &self.state)
            .finish()
    }
}

/// Events for another stream, made by [`Other::emit`].
pub struct Elsewhere<T> {
    there: OtherStream,
    events: T,
    /// The other actor's way of writing them down.
    write: Write<T>,
}

type Write<T> = fn(&T, &mut Vec<Emitted>) -> Result<(), PayloadError>;

/// The stream that an event goes to, where it is not the command's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherStream {
    /// The stream.
    pub id: StreamId,
    /// The last event that the decision saw there.
    pub after: Option<LastEvent>,
}

impl<T> Elsewhere<T> {
    /// The stream.
    pub fn stream_id(&self) -> &StreamId {
        &self.there.id
    }

    /// The events, as they were given.
    pub fn events(&self) -> &T {
        &self.events
    }

    /// Takes the events out.
    pub fn into_events(self) -> T {
        self.events
    }
}

impl<A, T: Carries> Emit<A> for Elsewhere<T> {
    fn emit(&self, out: &mut Vec<Emitted>) -> Result<(), PayloadError> {
        let mut there = Vec::new();
        (self.write)(&self.events, &mut there)?;
        out.extend(there.into_iter().map(|event| Emitted {
            elsewhere: Some(self.there.clone()),
            ..event
        }));
        Ok(())
    }
}

impl<T: Carries> Carries for Elsewhere<T> {
    fn produces(out: &mut Produces) {
        let mut there = Produces::new();
        T::produces(&mut there);
        out.add_elsewhere(there);
    }
}

impl<A, T: Carries + Send> IntoDecision<A> for Elsewhere<T> {
    type Events = Self;
    type Refusal = Infallible;
    fn into_decision(self) -> Result<Self, Rejected<Infallible>> {
        Ok(self)
    }
}

impl<T: fmt::Debug> fmt::Debug for Elsewhere<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere")
            .field("there", &self.there)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl<T: Clone> Clone for Elsewhere<T> {
    fn clone(&self) -> Self {
        Self {
            there: self.there.clone(),
            events: self.events.clone(),
            write: self.write,
        }
    }
}

impl<T: PartialEq> PartialEq for Elsewhere<T> {
    fn eq(&self, other: &Self) -> bool {
        self.there == other.there && self.events == other.events
    }
}
