//! The reference backend: everything in memory, one mutex, no cleverness.

mod claims;
mod documents;
mod groups;
mod lanes;
mod log;
mod order;
mod quarantine;
mod recurrences;
mod remedies;
mod schedules;
mod snapshots;
mod store;
mod tables;
mod units;
mod upkeep;
mod versions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Live, Progress, Refusal, Signal, Snapshot, Wake};
use crate::env::Clock;
use crate::message::{MessageId, Payload, StoredMessage, TypeName};
use crate::stream::{GroupId, RecurrenceId, StreamId};

use lanes::Lanes;
use schedules::Agenda;
use store::Log;

/// Keeps everything in memory: for tests, examples and trying things out.
///
/// It is the yardstick for the other backends and keeps every promise of the port but one: what it holds ends with the
/// last of its clones. Clones share one store, as several processes share one database.
#[derive(Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    signal: Signal,
    state: Mutex<State>,
    /// Held from the first sync action of an acknowledgement to its commit, so that what one of them reads stays true
    /// until it is written. Documents are written nowhere else; appends and plain acknowledgements need not wait.
    transaction: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    log: Log,
    agenda: Agenda,
    recurrences: HashMap<RecurrenceId, Progress>,
    groups: HashMap<GroupId, Lanes>,
    /// The types that the reactors of groups have known.
    known_types: HashMap<GroupId, BTreeSet<TypeName>>,
    /// How many groups were ever registered.
    n_registered: u64,
    refusals: HashMap<MessageId, Refusal>,
    documents: BTreeMap<String, BTreeMap<String, Payload>>,
    tables: BTreeMap<String, tables::Rows>,
    live: BTreeMap<&'static str, Live>,
    snapshots: HashMap<(GroupId, StreamId), Snapshot>,
    /// Those that streams were truncated on.
    bases: HashMap<(GroupId, StreamId), Snapshot>,
    /// Which group of a claim comes first when not all can be served; it moves on with every claim.
    turn: usize,
}

impl Memory {
    /// An empty store; its leases and delays go by the system's clock.
    #[cfg(feature = "tokio")]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(crate::env::SystemClock))
    }

    /// An empty store whose leases and delays go by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                signal: Signal::new(),
                state: Mutex::default(),
                transaction: tokio::sync::Mutex::default(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn raise(&self) {
        self.shared.signal.raise();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is worked out first and then applied in steps that cannot fail, so a panic of somebody else
        // leaves nothing half done, and must not take all workers down.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "tokio")]
impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = self.state().log.messages.len();
        f.debug_struct("Memory")
            .field("messages", &messages)
            .finish_non_exhaustive()
    }
}

impl Wake for Memory {
    fn signal(&self) -> Signal {
        self.shared.signal.clone()
    }
}

/// All messages in the order of their positions; the first one has position 1.
type Messages = Vec<StoredMessage>;
