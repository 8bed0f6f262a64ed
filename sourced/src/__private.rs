//! What generated code names. Nothing here is for people: it may change in any version.

pub use std::boxed::Box;
pub use std::convert::Infallible;
pub use std::future::Future;
pub use std::marker::Send;
pub use std::option::Option::{self, Some};
pub use std::result::Result::{self, Ok};
pub use std::sync::Arc;
pub use std::vec::Vec;

pub use serde;
pub use serde_json::Value;

pub use crate::__actor_ref as actor_ref;
pub use crate::__any_event as any_event;
pub use crate::__broken_message as broken_message;
pub use crate::__returned_by_commands as returned_by_commands;
pub use crate::__rules as rules;
pub use crate::__rules_of_parameters as rules_of_parameters;
pub use crate::__schema as schema;
pub use crate::actor::{
    Actor, ActorReactor, ActorRef, AnyEvent, Carries, CommandError, Decides, Dispatched, Emit,
    Emitted, Emitter, EventsOf, Fingerprint, Handlers, IntoDecision, IntoDispatch, IntoSketches,
    MadeOf, MayRefuse, NoEvents, Other, Reacts, RefusalOf, Rejected, Returned, Sketch, Stepwise,
    at_once, read_event, sketch_events, variant,
};
pub use crate::backend::{GroupOrder, Tx};
pub use crate::evolve::Evolves;
pub use crate::failure::Failure;
pub use crate::handler::{Handler, HandlerReactor, Subscriptions};
#[cfg(feature = "garde")]
pub use crate::message::broken_by_garde;
#[cfg(feature = "schema")]
pub use crate::message::schema_of;
pub use crate::message::{
    Asked, BrokenRule, Command, Event, IsNoMessage, Kind, Message, MessageType, Payload,
    PayloadError, Sampler, StoredMessage, check_was, names_with, read_since, samplers_with,
};
pub use crate::projector::{AfterSync, Loads, LoadsInTx, Projection, Projector, ProjectorReactor};
pub use crate::reactor::{Context, Reactor, Register};
pub use crate::stream::{IntoStreamId, StreamId};
pub use crate::table::{
    AfterRow, Column, ColumnError, Describe, FromRow, IntoRow, Misfit, Projects, Row, RowChange,
    TableHandlers, TableProjector, TableReactor, ToRow, changed, created, either, ended, kept,
};
pub use crate::topology::Produces;
#[cfg(feature = "macros")]
pub use sourced_macros::__key as key;
