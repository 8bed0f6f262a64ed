//! A backend with one fault: memory, but for what the fault changes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sourced::backend::{Ack, ClaimKey, Memory, Signal, Wake};
use sourced::env::Clock as _;
use sourced::{GroupId, MessageId, Position, Timestamp};
use sourced_testing::ManualClock;
use sourced_testing::conformance::Harness;

use crate::stretches::{Stretches, locked};

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    IgnoresExpectedSeq,
    IgnoresGuards,
    AppendsStreamByStream,
    ForgetsDuplicates,
    RewritesPayloads,
    ReadsWithoutLimit,
    ReadsForwardsOnly,
    IgnoresTypes,
    JumpsBetweenPages,
    FailsWholePages,
    PassesOverWhatItCannotRead,
    DoubleClaims,
    ReordersBatch,
    IgnoresBytes,
    StarvesGroups,
    MarksEverythingAsReplay,
    AcksOnRelease,
    AcksWhatItNeverGave,
    AppendsOutsideTheTransaction,
    NeverFences,
    BlamesActionsForOutages,
    GoesOnPastOthers,
    GoesOnWhileStopped,
    RenewsLostClaims,
    RetriesAtOnce,
    CountsPostponing,
    RetriesWhatIsParked,
    CountsParkedLanes,
    PromotesAtOnce,
    SchedulesOutsideTheTransaction,
    KeepsWhatItPromoted,
    StopsAtABadOne,
    MovesWhoeverIsBehind,
    MovesBeforeItAppends,
    IgnoresStops,
    KeepsWhatIsRetriedParked,
    SkipsWhateverIsFirst,
    ForgetsSkips,
    KeepsTheLastSnapshotWritten,
    KeepsOneSnapshotPerStream,
    RemovesWhatIsWaitedFor,
    GivesAPartAsTheWhole,
    PutsBackAnything,
    LosesTheLastOfABatch,
    LeavesHolesInSeqs,
    TurnsPositionsRound,
    AcksWhatWaitsInAReset,
    SkipsTwo,
    EndsLeasesAtOnce,
    NeverEndsLeases,
    MarksNothingAsReplay,
    LosesRefusals,
    StoresResultsWithoutTheOffset,
    DropsSchedules,
    PromotesMoreThanAsked,
    StoresUnitsOfBusyLanes,
    ListsDocumentsBackwards,
    MakesTablesAlone,
    EmptiesTablesAlone,
    SwapsWhateverWaits,
    SwapsUnfenced,
    HoldsNobody,
    HoldsForGood,
    HoldsWithoutRest,
    ForgetsWhatIsLive,
    LosesFailuresInTheMiddle,
    IgnoresWherePagesBegin,
    GivesTheLogStreamByStream,
    GivesTheLogWithHoles,
    GivesTheLogToSeveral,
    AcceptsAnyOrder,
    GivesStretchesStreamByStream,
    GivesStretchesWithHoles,
    GivesStretchesBesideLanes,
    GivesLanesBesideStretches,
    MarksNoReplaysInStretches,
    AcksStretchesWhole,
    AcksStretchesStreamByStream,
    NeverFencesStretches,
    JudgesStretches,
}

/// Memory with a fault.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) memory: Memory,
    pub(crate) clock: ManualClock,
    pub(crate) stretches: Arc<Stretches>,
    /// What cannot be read.
    pub(crate) damaged: Arc<Mutex<HashSet<MessageId>>>,
    pub(crate) fault: Fault,
}

impl Broken {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(crate) fn owner(&self, actor: &GroupId) -> GroupId {
        if self.has(Fault::KeepsOneSnapshotPerStream) {
            GroupId::new("all").expect("it is a name")
        } else {
            actor.clone()
        }
    }
}

/// Writes a trait of the port: what a fault may change, and the rest, which memory does.
macro_rules! backend {
    ($port:ident for $broken:ident { $($own:tt)* } else {
        $($method:ident($($argument:ident: $type:ty),*) -> $result:ty;)*
    }) => {
        #[async_trait::async_trait]
        impl $port for $broken {
            $($own)*
            $(async fn $method(&self, $($argument: $type),*) -> $result {
                self.memory.$method($($argument),*).await
            })*
        }
    };
}
pub(crate) use backend;

impl Wake for Broken {
    fn signal(&self) -> Signal {
        self.memory.signal()
    }
}

/// The acknowledgement of a claim that led to nothing.
pub(crate) fn plain_ack(claim: ClaimKey, upto: Position) -> Ack {
    Ack {
        claim,
        upto,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    }
}

impl Harness for Fault {
    type Backend = Broken;
    type Guard = ManualClock;

    async fn fresh(&self) -> (Broken, ManualClock) {
        let clock = ManualClock::new();
        let memory = Memory::with_clock(Arc::new(clock.clone()));
        let broken = Broken {
            memory,
            clock: clock.clone(),
            stretches: Arc::default(),
            damaged: Arc::default(),
            fault: *self,
        };
        (broken, clock)
    }

    async fn another(&self, backend: &Broken, _: &ManualClock) -> Broken {
        backend.clone()
    }

    async fn advance(&self, _: &Broken, clock: &ManualClock, by: Duration) {
        clock.advance(by);
    }

    fn now(&self, clock: &ManualClock) -> Timestamp {
        clock.now()
    }

    /// In the log, and nowhere else.
    async fn damage(&self, backend: &Broken, _: &ManualClock, message: MessageId) -> bool {
        locked(&backend.damaged).insert(message)
    }

    fn gives_stretches(&self) -> bool {
        true
    }

    fn sequences(&self) -> usize {
        1_000
    }

    /// So that a fault that is found is found each time.
    fn seed(&self) -> Option<u64> {
        Some(1)
    }
}
