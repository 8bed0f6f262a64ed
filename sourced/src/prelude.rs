//! The names a domain file needs.
//!
//! ```
//! use sourced::prelude::*;
//! ```

pub use crate::{
    App, CommandExt, Delete, Elsewhere, Emitter, Failure, History, Message, Metadata, Now, Other,
    Outgoing, Principal, Replaying, Res, RowChange, StoredMessage, StreamId, Tx,
};

#[cfg(feature = "macros")]
#[doc(no_inline)]
pub use crate::{
    Projection, actor, after_sync, before_evolve, command, event, handler, on, projector, reaction,
    state, sync,
};
