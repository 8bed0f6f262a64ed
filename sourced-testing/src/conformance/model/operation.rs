//! Operations: what may be asked of a backend, small enough to be read as a story.

use proptest::collection::vec;
use proptest::prelude::*;

/// No sequence is longer.
const MAX_OPERATIONS: usize = 40;

/// One thing asked of the backend. Streams, groups and workers are few, so that they meet; the held claims and the
/// stored messages are counted from the first, round and round.
#[derive(Debug, Clone)]
pub(in crate::conformance) enum Operation {
    Append(Vec<Write>),
    /// What is stored already is appended to its stream once more, with an expectation that is wrong by now.
    AppendAgain {
        nth: u8,
    },
    /// The same id, to another stream.
    AppendElsewhere {
        nth: u8,
    },
    Register {
        group: u8,
    },
    Claim {
        group: u8,
        worker: u8,
        lanes: u8,
        messages: u8,
        bytes: Option<u8>,
    },
    Ack {
        claim: u8,
        messages: u8,
        append: Option<Write>,
        schedule: bool,
    },
    Fail {
        claim: u8,
        verdict: Blow,
    },
    /// A batch that failed in the middle: what comes before is acknowledged.
    AckAndFail {
        claim: u8,
        messages: u8,
        verdict: Blow,
    },
    Release {
        claim: u8,
    },
    Renew {
        claim: u8,
    },
    Reset {
        group: u8,
        only: Option<u8>,
    },
    Stop {
        group: u8,
    },
    Start {
        group: u8,
    },
    Skip {
        group: u8,
        stream: u8,
        first: bool,
    },
    Retry {
        group: u8,
        stream: u8,
    },
    Schedule {
        stream: u8,
        hours: u8,
    },
    Cancel {
        nth: u8,
    },
    Promote {
        limit: u8,
    },
    AnHourPasses,
}

/// What is written to one stream.
#[derive(Debug, Clone)]
pub(in crate::conformance) struct Write {
    pub(super) stream: u8,
    pub(super) expects: Expects,
    pub(super) messages: Vec<Sort>,
}

/// What a writer believes of the end of a stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::conformance) enum Expects {
    Anything,
    NoStream,
    ItsLastSeq,
    AnOlderSeq,
    NoLaterEvent,
    NoEventAtAll,
    ItsLastEvent,
    AnEventThatIsLost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::conformance) enum Sort {
    Event,
    Command,
    /// An event that only one of the groups handles.
    OtherEvent,
}

/// What becomes of a lane that failed.
#[derive(Debug, Clone, Copy)]
pub(in crate::conformance) enum Blow {
    RetryInAnHour,
    Park,
    Skip,
}

pub(in crate::conformance) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    vec(operation(), 1..=MAX_OPERATIONS)
}

fn operation() -> impl Strategy<Value = Operation> {
    let (group, stream, claim, nth) = (0..3_u8, 0..3_u8, 0..8_u8, any::<u8>());
    let verdict = prop_oneof![
        Just(Blow::RetryInAnHour),
        Just(Blow::Park),
        Just(Blow::Skip)
    ];
    prop_oneof![
        6 => vec(write(), 1..=2).prop_map(Operation::Append),
        1 => nth.prop_map(|nth| Operation::AppendAgain { nth }),
        1 => nth.prop_map(|nth| Operation::AppendElsewhere { nth }),
        1 => group.clone().prop_map(|group| Operation::Register { group }),
        8 => (group.clone(), 0..3_u8, 1..=3_u8, 1..=3_u8, proptest::option::of(0..8_u8))
            .prop_map(|(group, worker, lanes, messages, bytes)| Operation::Claim { group, worker, lanes, messages, bytes }),
        8 => (claim.clone(), 1..=3_u8, proptest::option::of(write()), any::<bool>())
            .prop_map(|(claim, messages, append, schedule)| Operation::Ack { claim, messages, append, schedule }),
        4 => (claim.clone(), verdict.clone()).prop_map(|(claim, verdict)| Operation::Fail { claim, verdict }),
        4 => (claim.clone(), 1..=2_u8, verdict)
            .prop_map(|(claim, messages, verdict)| Operation::AckAndFail { claim, messages, verdict }),
        2 => claim.clone().prop_map(|claim| Operation::Release { claim }),
        2 => claim.prop_map(|claim| Operation::Renew { claim }),
        2 => (group.clone(), proptest::option::of(stream.clone())).prop_map(|(group, only)| Operation::Reset { group, only }),
        1 => group.clone().prop_map(|group| Operation::Stop { group }),
        2 => group.clone().prop_map(|group| Operation::Start { group }),
        2 => (group.clone(), stream.clone(), any::<bool>())
            .prop_map(|(group, stream, first)| Operation::Skip { group, stream, first }),
        2 => (group, stream.clone()).prop_map(|(group, stream)| Operation::Retry { group, stream }),
        2 => (stream, 0..3_u8).prop_map(|(stream, hours)| Operation::Schedule { stream, hours }),
        1 => nth.prop_map(|nth| Operation::Cancel { nth }),
        3 => (1..4_u8).prop_map(|limit| Operation::Promote { limit }),
        3 => Just(Operation::AnHourPasses),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let expects = prop_oneof![
        3 => Just(Expects::Anything),
        1 => Just(Expects::NoStream),
        2 => Just(Expects::ItsLastSeq),
        1 => Just(Expects::AnOlderSeq),
        2 => Just(Expects::NoLaterEvent),
        1 => Just(Expects::NoEventAtAll),
        2 => Just(Expects::ItsLastEvent),
        1 => Just(Expects::AnEventThatIsLost),
    ];
    let sort = prop_oneof![
        Just(Sort::Event),
        Just(Sort::Command),
        Just(Sort::OtherEvent)
    ];
    let messages = vec(sort, 0..=3);
    (0..3_u8, expects, messages).prop_map(|(stream, expects, messages)| Write {
        stream,
        expects,
        messages,
    })
}
