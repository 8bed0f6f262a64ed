//! Versions of a table side by side, of which one is live: the one that queries read.

use std::time::Duration;

use async_trait::async_trait;

use super::{BackendError, Table};
use crate::stream::GroupId;

/// Which version of a table is live, and how that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// The version that queries read.
    pub version: u32,
    /// The one that was live before, as far as a swap has put this one into its place.
    pub previous: Option<u32>,
    /// The version that was rolled back: nobody makes it live again by himself.
    pub rolled_back: Option<u32>,
}

impl Live {
    /// A version that took nobody's place.
    pub fn first(version: u32) -> Self {
        Self {
            version,
            previous: None,
            rolled_back: None,
        }
    }
}

/// Another version of a table is to be live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The table, without a version.
    pub table: &'static str,
    /// What is live, as it was read: if it is another by now, nothing is done.
    pub seen: Live,
    /// The group of the live version.
    pub from: GroupId,
    /// The version that is to be live.
    pub version: u32,
    /// Its group.
    pub to: GroupId,
}

/// What became of a [`Swap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The version is live.
    Done,
    /// Its group does not run, has not handled all that the other one has, or has more left than a backend looks at
    /// (*flat-cost*). Nothing was changed.
    Behind,
    /// Somebody else has changed what is live. Nothing was changed.
    Moved,
}

/// Which versions of tables are live.
#[async_trait]
pub trait Versions: Send + Sync {
    /// Which version of the table is live; `None` for a table that nobody has entered.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError>;

    /// Enters a table, and gives what is live. Where nothing is yet, that is version 1 if its group is known, and this
    /// version otherwise.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError>;

    /// Makes a version live, if no event that the live one has ever handled is still to be handled by it.
    ///
    /// - *one-transaction*: the group of the one that was live is stopped, and held until somebody starts it again, or nothing
    ///   is changed at all.
    /// - *fenced*: what is being handled for that group stores nothing any more.
    ///
    /// A group that is not known, as it was removed, has handled nothing.
    ///
    /// # Errors
    /// [`BackendError::UnknownGroup`] when there is no group of the version that is to be live.
    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError>;

    /// Makes a version live as it is, and starts its group; the one that was live goes on. Never [`Swapped::Behind`].
    ///
    /// # Errors
    /// As [`Versions::swap`].
    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError>;

    /// Gives no lanes of a group to anybody for a while, so that another version can catch up with it: there is nothing to
    /// claim, and a unit finds its lanes [busy](super::UnitError::Busy). Who holds a claim goes on. It ends by itself, by
    /// the backend's own clock, whatever becomes of its caller.
    ///
    /// False, and nothing is changed, when the group is held already, was so within the `rest` before, or is not known.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError>;

    /// Removes a version that is not live: its group and its table, both or neither. No rollback leads to it any more.
    ///
    /// False, and nothing is changed, when it is live. What is not there need not be removed.
    ///
    /// # Errors
    /// As [`Groups::remove_group`](super::Groups::remove_group).
    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError>;
}

impl Swap {
    /// What is live when it is done.
    pub fn done(&self) -> Live {
        Live {
            version: self.version,
            previous: Some(self.seen.version),
            rolled_back: None,
        }
    }

    /// What is live when it is a rollback, and done.
    pub fn rolled_back(&self) -> Live {
        Live {
            version: self.version,
            previous: None,
            rolled_back: Some(self.seen.version),
        }
    }

    /// Why the group of the one that was live is stopped.
    pub fn reason(&self) -> String {
        format!("version {} of `{}` is live", self.version, self.table)
    }
}
