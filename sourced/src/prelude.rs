//! The names a domain file needs.
//!
//! ```
//! use sourced::prelude::*;
//! ```

pub use crate::{
    App, CommandExt, Failure, Message, Metadata, Now, Outgoing, Principal, Replaying, Res,
    StreamId, Tx,
};

#[cfg(feature = "macros")]
#[doc(no_inline)]
pub use crate::{actor, command, event, projector, reaction, state, sync};
