//! Commands on their way: what reactions return and apps dispatch.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::env::Env;
use crate::failure::Failure;
use crate::message::{
    BrokenRules, Command, Kind, MessageId, Metadata, NewMessage, Payload, PayloadError, Principal,
    ReservedKey, TypeName,
};
use crate::stream::{IntoStreamId, InvalidName, StreamId};
use crate::time::Timestamp;
use crate::topology::Produces;

/// A command of type `C`, and where it goes.
///
/// Made from a command by [`CommandExt`], or by itself when the target is the stream of the event reacted to. The type
/// of the command stays in it, so that a reaction's return type says what it dispatches. [`Outgoing::any`] forgets it,
/// for a list of different commands.
///
/// ```
/// use sourced::prelude::*;
///
/// #[command("stock.reserve")]
/// struct Reserve;
/// #[command("mail.send")]
/// struct SendMail;
///
/// let one: Outgoing<Reserve> = Reserve.to("stock-1");
/// let any: Vec<Outgoing> = vec![one.any(), SendMail.to("mail-1").any()];
/// assert_eq!(any[1].type_name().as_str(), "mail.send");
/// ```
#[must_use = "a command that is neither returned nor dispatched has no effect"]
pub struct Outgoing<C = AnyCommand> {
    pub(super) type_name: TypeName,
    pub(super) payload: Result<Payload, PayloadError>,
    /// Whether what is read back equals it.
    pub(super) is_same: bool,
    pub(super) target: Result<Target, InvalidName>,
    pub(super) metadata: Metadata,
    pub(super) principal: Option<Principal>,
    pub(super) rules: Result<(), BrokenRules>,
    pub(super) id: Option<MessageId>,
    pub(super) when: When,
    pub(super) of: PhantomData<fn() -> C>,
}

/// When a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// At this time.
    At(Timestamp),
    /// So much later than it is sent.
    After(Duration),
}

impl When {
    /// The time, for what is sent now; `None` is at once.
    pub fn from(self, now: Timestamp) -> Option<Timestamp> {
        let at = match self {
            Self::Now => None,
            Self::At(time) => Some(time),
            Self::After(delay) => Some(now.saturating_add(delay)),
        };
        at.filter(|at| *at > now)
    }
}

/// In the place of a command's type, says that it is not known: `Outgoing<AnyCommand>`, which is `Outgoing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyCommand;

/// Where a command goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To the stream of the event that is reacted to.
    SameStream,
    /// To this stream.
    Stream(StreamId),
    /// To a new stream: this prefix, `-`, and a new id.
    NewStream(&'static str),
}

impl<C> Outgoing<C> {
    /// Forgets the type of the command, so that different commands fit into one list. What a reaction returns this way
    /// is not in the topology.
    pub fn any(self) -> Outgoing {
        Outgoing {
            type_name: self.type_name,
            payload: self.payload,
            is_same: self.is_same,
            target: self.target,
            metadata: self.metadata,
            principal: self.principal,
            rules: self.rules,
            id: self.id,
            when: self.when,
            of: PhantomData,
        }
    }

    /// Sends the command to this stream.
    pub fn to(mut self, stream: impl IntoStreamId) -> Self {
        self.target = stream.into_stream_id().map(Target::Stream);
        self
    }

    /// Starts a new stream with the command; its id is the name of the actor, `-`, and a new id.
    pub fn to_new<A: super::Actor>(mut self) -> Self {
        self.target = Ok(Target::NewStream(A::NAME));
        self
    }

    /// Adds metadata, laid over what the command inherits from its cause.
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = self.metadata.merged(metadata);
        self
    }

    /// Says on whose behalf the command is. Without it, that is whom its cause was for, or the app.
    pub fn by(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Gives the command an id of the caller's. Dispatching the same id twice has one effect.
    pub fn with_id(mut self, id: MessageId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sends the command at this time: it enters its stream then, or as soon after as a worker notices. A time that has
    /// passed means now.
    ///
    /// It overtakes nothing: see [`after`](Self::after).
    pub fn at(mut self, time: Timestamp) -> Self {
        self.when = When::At(time);
        self
    }

    /// Sends the command so much later, counted from the moment it is dispatched.
    ///
    /// # A deadline does not overtake
    /// When its time has come, the command goes to the end of its stream. It waits there behind a command that takes
    /// long, one that is tried again after a failure, and one that is parked. So let no call that may hang be made in the
    /// stream of the deadline that guards it: give the call a stream of its own, which tells the other one by a reaction
    /// what came of it.
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use sourced::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Offer;
    ///
    /// #[actor]
    /// impl Offer {
    ///     #[command]
    ///     fn make(&self, price: u32) -> Made { Made { price } }
    ///     #[event]
    ///     fn made(&mut self, _price: u32) {}
    ///     #[reaction]
    ///     fn let_it_end(&self, _: &Made) -> Outgoing<Withdraw> {
    ///         Withdraw {}.after(Duration::from_hours(48))
    ///     }
    ///     #[command]
    ///     fn withdraw(&self) -> Withdrawn { Withdrawn {} }
    ///     #[event]
    ///     fn withdrawn(&mut self) {}
    /// }
    /// ```
    pub fn after(mut self, delay: Duration) -> Self {
        self.when = When::After(delay);
        self
    }

    /// A command that is written down already.
    pub(crate) fn of_payload(type_name: TypeName, payload: Result<Payload, PayloadError>) -> Self {
        Self {
            type_name,
            payload,
            is_same: true,
            target: Ok(Target::SameStream),
            metadata: Metadata::new(),
            principal: None,
            rules: Ok(()),
            id: None,
            when: When::Now,
            of: PhantomData,
        }
    }

    /// The type of the command.
    pub fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// What is to be stored, as a root message.
    pub(crate) fn into_parcel(self, env: &Env) -> Result<Parcel, OutgoingError> {
        self.rules?;
        let now = env.clock.now();
        let stream = match self.target? {
            Target::SameStream => None,
            Target::Stream(stream) => Some(stream),
            Target::NewStream(prefix) => {
                Some(StreamId::new(format!("{prefix}-{}", env.ids.next_id()))?)
            }
        };
        let is_known_id = self.id.is_some();
        let id = self.id.unwrap_or_else(|| env.ids.next_id().into());
        let mut message = NewMessage::root(id, now, self.type_name, Kind::Command, self.payload?);
        message.metadata = self.metadata.sealed(self.principal.as_ref())?;
        Ok(Parcel {
            stream,
            at: self.when.from(now),
            is_known_id,
            message,
        })
    }
}

/// A command ready to be stored.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// `None` stands for the stream of the cause.
    pub(crate) stream: Option<StreamId>,
    /// `None` stands for now.
    pub(crate) at: Option<Timestamp>,
    /// Whether the caller has said its id, and so may have sent it before.
    pub(crate) is_known_id: bool,
    pub(crate) message: NewMessage,
}

/// A command that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutgoingError {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Metadata(#[from] ReservedKey),
    #[error(transparent)]
    Rules(#[from] BrokenRules),
}

impl<C: Command> From<C> for Outgoing<C> {
    fn from(command: C) -> Self {
        let broken = command.broken_rules();
        let written = Payload::of(&command);
        Self {
            is_same: written.as_ref().is_ok_and(|written| written.is_same),
            rules: if broken.is_empty() {
                Ok(())
            } else {
                Err(BrokenRules(broken))
            },
            ..Self::of_payload(TypeName::of::<C>(), written.map(|written| written.payload))
        }
    }
}

impl<C: Command> From<C> for Outgoing {
    fn from(command: C) -> Self {
        Outgoing::<C>::from(command).any()
    }
}

impl<C: Command> From<Outgoing<C>> for Outgoing {
    fn from(command: Outgoing<C>) -> Self {
        command.any()
    }
}

impl<C> fmt::Debug for Outgoing<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("type_name", &self.type_name)
            .field("payload", &self.payload)
            .field("is_same", &self.is_same)
            .field("target", &self.target)
            .field("metadata", &self.metadata)
            .field("principal", &self.principal)
            .field("rules", &self.rules)
            .field("id", &self.id)
            .field("when", &self.when)
            .finish()
    }
}

/// Says where a command goes: `AddItem { .. }.to("cart-1")`.
pub trait CommandExt: Command + Sized {
    /// Sends it to this stream.
    fn to(self, stream: impl IntoStreamId) -> Outgoing<Self> {
        Outgoing::from(self).to(stream)
    }

    /// Starts a new stream with it; the stream's id is the name of the actor, `-`, and a new id.
    fn to_new<A: super::Actor>(self) -> Outgoing<Self> {
        Outgoing::from(self).to_new::<A>()
    }

    /// Adds metadata, laid over what it inherits from its cause.
    fn with_metadata(self, metadata: Metadata) -> Outgoing<Self> {
        Outgoing::from(self).with_metadata(metadata)
    }

    /// Sends it at this time; a time that has passed means now.
    fn at(self, time: Timestamp) -> Outgoing<Self> {
        Outgoing::from(self).at(time)
    }

    /// Sends it so much later, counted from the moment it is dispatched.
    fn after(self, delay: Duration) -> Outgoing<Self> {
        Outgoing::from(self).after(delay)
    }
}

impl<C: Command> CommandExt for C {}

/// The commands that came of a reaction, in order.
pub type Dispatched = Vec<Outgoing>;

/// What a `#[reaction]` method may return: `()`, a command, one that says where it goes, `Option`, `Vec`, an array or a
/// tuple of these, or a `Result` of any of them.
#[diagnostic::on_unimplemented(
    message = "a reaction cannot return `{Self}`",
    label = "not commands",
    note = "return `()`, a command, `command.to(stream)`, `Option`, `Vec`, an array or a tuple of these, or a `Result`"
)]
pub trait IntoDispatch {
    /// Collects the commands, in order.
    ///
    /// # Errors
    /// The [`Failure`] of the reaction.
    fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure>;

    /// Lists the types of commands that this shape can carry.
    fn produces(out: &mut Produces);
}

impl<C: Command> IntoDispatch for C {
    fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
        out.push(self.into());
        Ok(())
    }
    fn produces(out: &mut Produces) {
        out.add::<C>();
    }
}

impl<C: Command> IntoDispatch for Outgoing<C> {
    fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
        out.push(self.any());
        Ok(())
    }
    fn produces(out: &mut Produces) {
        // It may be for later, which ends a loop for now.
        out.maybe(Produces::add::<C>);
    }
}

impl IntoDispatch for Outgoing {
    fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
        out.push(self);
        Ok(())
    }
    fn produces(out: &mut Produces) {
        out.add_any();
    }
}

impl IntoDispatch for () {
    fn into_dispatch(self, _: &mut Dispatched) -> Result<(), Failure> {
        Ok(())
    }
    fn produces(_: &mut Produces) {}
}

macro_rules! dispatch_each {
    ($([$($generics:tt)*] $shape:ty),*) => {$(
        impl<$($generics)*> IntoDispatch for $shape {
            fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
                self.into_iter().try_for_each(|commands| commands.into_dispatch(out))
            }
            fn produces(out: &mut Produces) {
                out.maybe(T::produces);
            }
        }
    )*};
}
dispatch_each!([T: IntoDispatch] Option<T>, [T: IntoDispatch] Vec<T>, [T: IntoDispatch, const N: usize] [T; N]);

macro_rules! dispatch_tuple {
    ($($part:ident),*) => {
        impl<$($part: IntoDispatch),*> IntoDispatch for ($($part,)*) {
            fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
                #[allow(non_snake_case, reason = "the parts are named by their types")]
                let ($($part,)*) = self;
                $($part.into_dispatch(out)?;)*
                Ok(())
            }
            fn produces(out: &mut Produces) {
                $($part::produces(out);)*
            }
        }
    };
}
dispatch_tuple!(C1, C2);
dispatch_tuple!(C1, C2, C3);
dispatch_tuple!(C1, C2, C3, C4);

impl<T: IntoDispatch, E: Into<Failure>> IntoDispatch for Result<T, E> {
    fn into_dispatch(self, out: &mut Dispatched) -> Result<(), Failure> {
        self.map_err(E::into)?.into_dispatch(out)
    }
    fn produces(out: &mut Produces) {
        T::produces(out);
    }
}
