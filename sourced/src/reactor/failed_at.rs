//! A sync action that says how far it would come.

use std::error::Error as StdError;
use std::fmt;

use crate::failure::Failure;
use crate::stream::Position;

/// A failure of a sync action that knows where it comes from: the messages of the batch before this position can be
/// tried without it.
///
/// Whoever handles the batch then acknowledges those. The failure is that of the message at the position if it
/// [is to blame](FailedAt::is_to_blame).
pub struct FailedAt {
    /// Where the messages end that are to be handled without the others. It is not that of the first of the batch.
    pub position: Position,
    /// Whether the message at this position has failed. Otherwise any of the batch may have: fewer at once will tell.
    pub is_to_blame: bool,
    /// Why.
    pub failure: Failure,
}

impl FailedAt {
    /// Where a failure of a sync action comes from, if it says so.
    pub fn of(failure: &Failure) -> Option<&Self> {
        failure.find()
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
            .field("is_to_blame", &self.is_to_blame)
            .field("failure", &self.failure)
            .finish()
    }
}

impl StdError for FailedAt {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.failure.source())
    }
}
