//! What generated code names. Nothing here is for people: it may change in any version.

pub use std::boxed::Box;
pub use std::sync::Arc;

pub use serde;

pub use crate::actor::{
    Actor, ActorReactor, ActorRef, CommandError, Decides, Dispatched, Handlers, IntoDispatch,
    Reacts,
};
pub use crate::evolve::Evolves;
pub use crate::projector::{Projection, Projector, ProjectorReactor};
pub use crate::reactor::{Context, Reactor, Register};
