//! Actors by their stream, and loading them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::known::Known;
use super::load::Reach;
use super::{Actor, AnyEvent, Handlers};
use crate::backend::{Appended, ExpectedSeq, Memory, ReadStream, Store as _, StreamAppend};
use crate::failure::Failure;
use crate::message::{Kind, Message, Metadata, NewMessage, ReservedKey, TypeName};
use crate::reactor::{History, Register, SeenError, Services, Sight, States, Wait};
use crate::stream::{IntoStreamId, InvalidName, Position, Seq, StreamId};

/// One actor of an app, by its stream.
///
/// [`ActorRef::execute`] decides a command here and now, with all the promises of a stored one. `#[actor]` writes a
/// method per command around it.
pub struct ActorRef<A> {
    pub(super) target: Result<Target<A>, UnknownTarget>,
    pub(super) services: Arc<Services>,
    /// Of the program and of the library.
    pub(super) metadata: Metadata,
    /// The events of the last command.
    pub(super) written: Mutex<Arc<[Written]>>,
}

/// An event that was stored.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) stream: StreamId,
    pub(super) type_name: TypeName,
    pub(super) position: Position,
}

/// Which stream, decided how.
pub(super) struct Target<A> {
    pub(super) stream: StreamId,
    pub(super) handlers: Arc<Handlers<A>>,
}

/// Said when the reference is used, so that getting one stays a plain call.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum UnknownTarget {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Metadata(#[from] ReservedKey),
    #[error("the actor `{0}` is not registered: add `.register::<…>()` where the app is built")]
    NotRegistered(&'static str),
}

impl<A: Actor> ActorRef<A> {
    pub(crate) fn new(
        stream: impl IntoStreamId,
        handlers: Option<Arc<Handlers<A>>>,
        services: Arc<Services>,
        metadata: Result<Metadata, ReservedKey>,
    ) -> Self {
        let target = || {
            let stream = stream.into_stream_id()?;
            let handlers = handlers.ok_or(UnknownTarget::NotRegistered(A::NAME))?;
            metadata.clone()?;
            Ok(Target { stream, handlers })
        };
        Self {
            target: target(),
            services,
            metadata: metadata.unwrap_or_default(),
            written: Mutex::default(),
        }
    }

    /// Loads the state after all events, from the newest snapshot that fits where there is one.
    ///
    /// # Errors
    /// [`Failure`] when the history cannot be read or does not fit the actor.
    pub async fn load(&self) -> Result<Loaded<A>, Failure> {
        self.load_upto(None).await
    }

    /// Loads the state after the events up to a seq, itself included.
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn load_upto(&self, upto: impl Into<Option<Seq>>) -> Result<Loaded<A>, Failure> {
        let upto = upto.into();
        let Target { stream, handlers } = self.target.clone()?;
        let read = ReadStream::all(stream.clone()).upto(upto);
        let reach = upto.map_or(Reach::Newest, Reach::UpTo);
        let load = Known::load(&**self.services.streams(), &handlers, read, reach);
        let (Known { state, .. }, history) = load.await?;
        Ok(Loaded {
            state,
            history,
            stream,
        })
    }

    /// A copy of this actor in memory, with what has happened to it: its methods decide and evolve as they do here, give
    /// back the same events, and leave no trace here.
    ///
    /// Other streams do not exist there.
    ///
    /// ```
    /// # use sourced::prelude::*;
    /// # #[derive(Debug, Default)] struct Door { n_opened: u32 }
    /// # #[actor] impl Door {
    /// #     #[command] fn open(&self) -> Opened { Opened }
    /// #     #[event] fn opened(&mut self) { self.n_opened += 1; }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Failure> {
    /// # let app = App::builder().register::<Door>().build().await?;
    /// let door = app.actor::<Door>("door-1");
    /// door.open().await?;
    /// let twin = door.in_memory().await?;
    /// assert_eq!(twin.open().await?, Opened);
    /// assert_eq!(twin.load().await?.state().n_opened, 2);
    /// assert_eq!(door.load().await?.state().n_opened, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn in_memory(&self) -> Result<A::Ref, Failure> {
        let Target { stream, handlers } = self.target.clone()?;
        let read = ReadStream::all(stream.clone());
        let messages = self.services.backend.read_stream(read).await?;
        let backend = Memory::with_clock(Arc::clone(&self.services.env.clock));
        let copy = StreamAppend {
            stream: stream.clone(),
            expected: ExpectedSeq::NoStream,
            messages: messages.into_iter().map(NewMessage::from).collect(),
        };
        backend.append(vec![copy]).await?;
        let twin = Self {
            target: Ok(Target { stream, handlers }),
            services: Arc::new(Services::new(
                Arc::new(backend),
                self.services.env.clone(),
                Arc::clone(&self.services.resources),
                States::new(1),
            )),
            metadata: self.metadata.clone(),
            written: Mutex::default(),
        };
        Ok(twin.into())
    }

    /// Waits until a reactor, such as a projector, has acknowledged the events of the last command that this reference has
    /// decided, and with them all earlier ones of their streams. Then queries see what came of it. See
    /// [`Receipt::seen_by`](crate::Receipt::seen_by).
    ///
    /// # Errors
    /// As [`Receipt::seen_by`](crate::Receipt::seen_by).
    #[doc(alias = "read your writes")]
    pub async fn seen_by<R: Register>(&self, within: Duration) -> Result<(), SeenError> {
        let written = self.written();
        let places = written.iter();
        let places = places.map(|event| (&event.stream, &event.type_name, event.position));
        let sight = Sight::of(&*R::reactor(), places);
        Wait::new(&self.services, within).until_seen(sight).await
    }

    /// Notes the events of a command, which are stored at these places.
    pub(super) fn note(&self, appends: &[StreamAppend], places: &[Appended]) {
        let messages = appends.iter().flat_map(|append| {
            let messages = append.messages.iter();
            messages.map(|message| (&append.stream, message))
        });
        let events = messages
            .zip(places)
            .filter(|((_, it), _)| it.kind == Kind::Event);
        let written = events.map(|((stream, event), place)| Written {
            stream: stream.clone(),
            type_name: event.type_name.clone(),
            position: place.position,
        });
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = written.collect();
    }

    /// Reads what happened to the actor, as its own type of events. Events of other actors in the same stream are left
    /// out.
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn history(&self) -> Result<Vec<Message<A::Event>>, Failure> {
        let stream = self.target.clone()?.stream;
        let read = ReadStream::all(stream).only(Kind::Event);
        let mut history = Vec::new();
        for event in self.services.backend.read_stream(read).await? {
            if let Some(payload) = A::Event::read(&event)? {
                history.push(event.with_payload(payload));
            }
        }
        Ok(history)
    }
}

/// Makes a struct around an [`ActorRef`] a reference itself; `#[actor]` writes the struct.
#[doc(hidden)]
#[macro_export]
macro_rules! __actor_ref {
    ($name:ident) => {
        #[automatically_derived]
        impl<__Actor> ::core::convert::From<$crate::__private::ActorRef<__Actor>>
            for $name<__Actor>
        {
            fn from(actor: $crate::__private::ActorRef<__Actor>) -> Self {
                Self(actor)
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::clone::Clone for $name<__Actor> {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::fmt::Debug for $name<__Actor> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::ops::Deref for $name<__Actor> {
            type Target = $crate::__private::ActorRef<__Actor>;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

impl<A> ActorRef<A> {
    /// The events of the last command.
    fn written(&self) -> Arc<[Written]> {
        Arc::clone(&self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<A> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self {
            target: self.target.clone(),
            services: Arc::clone(&self.services),
            metadata: self.metadata.clone(),
            written: Mutex::new(self.written()),
        }
    }
}

impl<A> Clone for Target<A> {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream.clone(),
            handlers: Arc::clone(&self.handlers),
        }
    }
}

impl<A> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.target.as_ref().map(|target| &target.stream);
        f.debug_struct("ActorRef")
            .field("stream", &stream)
            .finish_non_exhaustive()
    }
}

/// An actor's state, and how far its stream had come.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    state: A,
    history: History,
    stream: StreamId,
}

impl<A> Loaded<A> {
    /// The state.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// Takes the state out.
    pub fn into_state(self) -> A {
        self.state
    }

    /// The seq of the last event in the state; `None` when there was none.
    pub fn seq(&self) -> Option<Seq> {
        self.history.last_seq()
    }

    /// The events that the state is made of, as they are stored, and others of the same stream.
    ///
    /// Of an actor with snapshots, those after the snapshot that it was loaded from: [`ActorRef::history`] gives all.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The stream.
    pub fn stream_id(&self) -> &StreamId {
        &self.stream
    }
}
