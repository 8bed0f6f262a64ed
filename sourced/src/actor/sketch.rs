//! Sketches: messages that are told and not stored yet, for tests and tools.

use std::marker::PhantomData;

use super::dispatch::{OutgoingError, Target, When};
use super::{Emit, Outgoing};
use crate::failure::Failure;
use crate::message::{
    BrokenRules, Kind, MessageId, MessageType, Metadata, NewMessage, Payload, Principal,
    StoredMessage, TypeName, Written,
};
use crate::time::Timestamp;

/// A message as somebody tells of it: what it says, and of its envelope what they care about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sketch {
    /// The stable name of its type.
    pub type_name: TypeName,
    /// Command or event.
    pub kind: Kind,
    /// What it says.
    pub payload: Payload,
    /// Where it goes; [`Target::SameStream`] when that is not said.
    pub target: Target,
    /// When it goes.
    pub when: When,
    /// Data about it.
    pub metadata: Metadata,
    /// On whose behalf it is, if that is said.
    pub principal: Option<Principal>,
    /// Its id, if that is said.
    pub id: Option<MessageId>,
}

impl Sketch {
    fn of(type_name: TypeName, kind: Kind, payload: Payload) -> Self {
        Self {
            type_name,
            kind,
            payload,
            target: Target::SameStream,
            when: When::Now,
            metadata: Metadata::new(),
            principal: None,
            id: None,
        }
    }

    /// The root message that it tells of; `new` is its id when it has none.
    ///
    /// # Errors
    /// [`Failure`] when its metadata has a name that belongs to the library.
    pub fn into_message(self, new: MessageId, now: Timestamp) -> Result<NewMessage, Failure> {
        let id = self.id.unwrap_or(new);
        let mut message = NewMessage::root(id, now, self.type_name, self.kind, self.payload);
        message.metadata = self.metadata.sealed(self.principal.as_ref())?;
        Ok(message)
    }

    /// The command that it tells of, to be dispatched; `None` for an event.
    pub fn into_command(self) -> Option<Outgoing> {
        if self.kind == Kind::Event {
            return None;
        }
        Some(Outgoing {
            type_name: self.type_name,
            payload: Ok(self.payload),
            is_same: true,
            target: Ok(self.target),
            metadata: self.metadata,
            principal: self.principal,
            rules: Ok(()),
            id: self.id,
            when: self.when,
            of: PhantomData,
        })
    }
}

/// Messages in any shape: a command or an event, a command with its stream, a stored message, `CartEvent`, and `()`,
/// `Option`, `Vec`, an array or a tuple of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message, nor a shape of messages",
    label = "not messages",
    note = "write a command, an event, `command.to(stream)`, `()`, or `Option`, `Vec`, an array or a tuple of these"
)]
pub trait IntoSketches {
    /// Writes the messages down, in order.
    ///
    /// # Errors
    /// [`Failure`] when one of them cannot be told: in JSON, by its rules, because its stream has no name, or because what is
    /// stored of it is read back as another one.
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure>;
}

impl<M: MessageType> IntoSketches for M {
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
        // As when it is dispatched; of what has happened nobody asks that.
        if M::KIND == Kind::Command {
            let broken = self.broken_rules();
            if !broken.is_empty() {
                return Err(BrokenRules(broken).into());
            }
        }
        let Written { payload, is_same } = Payload::of(&self)?;
        check_same(M::NAME, is_same)?;
        out.push(Sketch::of(TypeName::of::<M>(), M::KIND, payload));
        Ok(())
    }
}

impl<C> IntoSketches for Outgoing<C> {
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
        self.rules.map_err(OutgoingError::from)?;
        let payload = self.payload?;
        check_same(self.type_name.as_str(), self.is_same)?;
        out.push(Sketch {
            target: self.target?,
            when: self.when,
            metadata: self.metadata,
            principal: self.principal,
            id: self.id,
            ..Sketch::of(self.type_name, Kind::Command, payload)
        });
        Ok(())
    }
}

/// All that is in its envelope but its places, its time, and what led to it.
impl IntoSketches for StoredMessage {
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
        let principal = self.principal();
        out.push(Sketch {
            target: Target::Stream(self.stream_id),
            metadata: self.metadata.without_reserved(),
            principal: Some(principal),
            id: Some(self.id),
            ..Sketch::of(self.type_name, self.kind, self.payload)
        });
        Ok(())
    }
}

impl IntoSketches for Sketch {
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
        out.push(self);
        Ok(())
    }
}

impl IntoSketches for () {
    fn into_sketches(self, _: &mut Vec<Sketch>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Writes the events of an actor down; the enum of them calls this.
///
/// # Errors
/// [`Failure`] when one cannot be told in JSON.
#[doc(hidden)]
pub fn sketch_events<A>(events: &impl Emit<A>, out: &mut Vec<Sketch>) -> Result<(), Failure> {
    let mut emitted = Vec::new();
    events.emit(&mut emitted)?;
    for event in &emitted {
        check_same(event.type_name.as_str(), event.is_same)?;
    }
    let sketches = emitted
        .into_iter()
        .map(|event| Sketch::of(event.type_name, Kind::Event, event.payload));
    out.extend(sketches);
    Ok(())
}

/// A test that tells of a message tells of what is stored of it.
fn check_same(type_name: &str, is_same: bool) -> Result<(), Failure> {
    if is_same {
        return Ok(());
    }
    Err(Failure::msg(format!(
        "`{type_name}` is read back as another one than it is, so this cannot be what is stored: look at fields with `#[serde(skip)]`, an `Option` of what may be `null` itself, and `untagged` enums whose variants are written alike"
    )))
}

macro_rules! sketch_each {
    ($([$($generics:tt)*] $shape:ty),*) => {$(
        impl<$($generics)*> IntoSketches for $shape {
            fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
                self.into_iter().try_for_each(|messages| messages.into_sketches(out))
            }
        }
    )*};
}
sketch_each!([T: IntoSketches] Option<T>, [T: IntoSketches] Vec<T>, [T: IntoSketches, const N: usize] [T; N]);

macro_rules! sketch_tuple {
    ($($part:ident),*) => {
        impl<$($part: IntoSketches),*> IntoSketches for ($($part,)*) {
            fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
                #[allow(non_snake_case, reason = "the parts are named by their types")]
                let ($($part,)*) = self;
                $($part.into_sketches(out)?;)*
                Ok(())
            }
        }
    };
}
sketch_tuple!(M1);
sketch_tuple!(M1, M2);
sketch_tuple!(M1, M2, M3);
sketch_tuple!(M1, M2, M3, M4);
sketch_tuple!(M1, M2, M3, M4, M5);
sketch_tuple!(M1, M2, M3, M4, M5, M6);
sketch_tuple!(M1, M2, M3, M4, M5, M6, M7);
sketch_tuple!(M1, M2, M3, M4, M5, M6, M7, M8);
