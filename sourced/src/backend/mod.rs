//! The port to storage: what a backend must do, and exactly how.
//!
//! A backend keeps one log of messages in streams, and for every consumer group one *lane* per stream: how far the
//! group has acknowledged that stream, and who holds it now. [`Backend`] is the sum of small traits, one subject
//! each; `sourced-testing` has the suite that every implementation must pass.
//!
//! # The lane
//!
//! ```text
//!            claim                    ack, release
//!   ready ──────────▶ claimed ─────────────────────▶ ready (more to do) or idle
//!     ▲                │    │ fail(RetryAfter)
//!     │ delay over     │    └──────────▶ delayed ──┐
//!     └────────────────┼───────────────────────────┘
//!                      │ fail(Park)
//!                      └──────────▶ parked, until a person retries or skips
//! ```
//!
//! Every claim raises the lane's epoch. An ack, release, renewal or failure names the worker and the epoch of its
//! claim; when the lane has moved on, it is refused as *fenced*. Clocks only decide when a lease may be taken over,
//! never who is right.

mod claims;
mod documents;
mod error;
mod expected;
mod groups;
mod history;
mod joined;
mod keys;
mod limits;
mod log;
pub mod memory;
mod quarantine;
mod recurrences;
mod rehearsal;
mod schedules;
mod selection;
mod snapshots;
mod staged;
mod store;
mod tables;
mod tx;
mod units;
mod upkeep;
mod versions;
mod wake;

pub use claims::{
    Ack, Acked, Claim, ClaimKey, ClaimRequest, Claims, Delivery, Epoch, GoOn, LaneState, Refusal,
    Room, STRETCH, Verdict, WorkerId,
};
pub use documents::{Document, Documents};
pub use error::{AckError, AppendError, BackendError, FenceError};
pub use expected::{ExpectedSeq, LastEvent};
pub use groups::{
    FailedMessage, Group, GroupOrder, GroupState, GroupStatus, Groups, KnownTypes, OrderError,
    ResetFrom, ResetScope, StartFrom,
};
pub use history::{KnownHistory, Mark as HistoryMark, Sighting};
pub use joined::{JoinError, Joined};
pub use keys::{KeyError, MAX_KEY_BYTES, check_document_key};
pub use limits::{LimitExceeded, Limits};
pub use log::{Direction, Extent, Log, Page, ReadLog, ReadStream, Stretch, Summary};
pub use memory::Memory;
pub use quarantine::{
    Intervention, LaneFailure, MAX_REASON_BYTES, Parked, Quarantine, QuarantineError, Remedy,
    bounded,
};
pub use recurrences::{Advance, Progress, Recurrences, Seen};
pub use rehearsal::{DocumentWrites, Rehearsals, Rehearsed};
pub use schedules::{Change, Promotion, Scheduled, Schedules, Scheduling, SetAside, Waiting};
pub use selection::{Selection, Source};
pub use snapshots::{Snapshot, Snapshots};
pub use staged::{RowsWanted, StagedRows};
pub use store::{Appended, Store, StreamAppend};
pub use tables::{
    Column, ColumnType, FoundColumn, Mark, Nulls, RowChanges, RowQuery, Select, Sorting, Table,
    TableError, Tables, Test, Value, Values, check_keys, check_rows,
};
pub use tx::{SyncAction, Tx, TxOps};
pub use units::{Lane, UnitCommit, UnitError, Units};
pub use upkeep::{
    Left, RecentStream, RecentStreams, Statistics, TruncateError, Truncation, Upkeep, never_there,
};
pub use versions::{Live, Swap, Swapped, Versions};
pub use wake::{Signal, Wake};

/// Everything that can be done with storage without writing to it: what a [`Reader`](crate::Reader) needs.
pub trait ReadOnly: Log + Documents + Wake {}

impl<T> ReadOnly for T where T: Log + Documents + Wake {}

/// Everything the runtime asks of storage.
pub trait Backend:
    Store
    + ReadOnly
    + Groups
    + Claims
    + Quarantine
    + Schedules
    + Recurrences
    + Units
    + Documents
    + Tables
    + Versions
    + Snapshots
    + Upkeep
    + Wake
{
}

impl<T> Backend for T where
    T: Store
        + Groups
        + Claims
        + Quarantine
        + Schedules
        + Recurrences
        + Units
        + Documents
        + Tables
        + Versions
        + Snapshots
        + Upkeep
        + Wake
{
}
