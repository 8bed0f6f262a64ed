//! A sync action that says how far it would come.

use std::error::Error as StdError;
use std::fmt;

use crate::failure::Failure;
use crate::stream::Position;

/// A failure of a sync action that knows where it comes from: the messages of the batch before this position can be
/// handled without it.
///
/// Whoever handles the batch then acknowledges those, and the failure is that of the message which caused it.
pub struct FailedAt {
    /// The first message that cannot be handled. It is not the first of the batch.
    pub position: Position,
    /// Why.
    pub failure: Failure,
}

impl FailedAt {
    /// Where a failure of a sync action comes from, if it says so.
    pub fn position_in(failure: &Failure) -> Option<Position> {
        failure.find::<Self>().map(|failed| failed.position)
    }
}

impl fmt::Display for FailedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl fmt::Debug for FailedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailedAt")
            .field("position", &self.position)
            .field("failure", &self.failure)
            .finish()
    }
}

impl StdError for FailedAt {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.failure.source())
    }
}
