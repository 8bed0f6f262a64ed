//! What is measured, and how much of it: all sizes stand here.

use serde::{Deserialize, Serialize};

use crate::storage::Storage;

/// A workload and its size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Workload {
    /// Load a stream, decide a command, append it with its event.
    Handle {
        tasks: usize,
        commands: usize,
        events: usize,
    },
    /// Load the state of a stream.
    Load {
        tasks: usize,
        loads: usize,
        events: usize,
    },
    /// Append many messages to a new stream at once.
    Append {
        tasks: usize,
        batches: usize,
        messages: usize,
    },
    /// Read the whole log in its order, each payload as its type, and count in memory.
    Read { messages: usize, streams: usize },
    /// Count in memory, from the start of the log to its end, and keep how far that is.
    Count { messages: usize, streams: usize },
    /// Keep a document per stream, exactly once, from the start of the log to its end.
    Project { messages: usize, streams: usize },
    /// Keep a row per stream, exactly once, from the start of the log to its end.
    Table { messages: usize, streams: usize },
    /// The same, in the order of the whole log.
    Global { messages: usize, streams: usize },
    /// Command → event → reaction → command → event, one chain after the other.
    ChainIdle { chains: usize },
    /// The same, many streams at a time.
    ChainBusy { chains: usize, tasks: usize },
    /// Look for work: with some in every stream, with none, and with one new message for each look. And what it costs to
    /// handle a command then.
    Claim {
        messages: usize,
        streams: usize,
        looks: usize,
    },
    /// Handle commands in memory, on one core.
    Decide { commands: usize, events: usize },
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Contender {
    Sourced,
    Floor,
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) storage: Storage,
    pub(crate) contender: Contender,
}

/// The real sizes.
pub(crate) fn full() -> Vec<Workload> {
    use Workload::{
        Append, ChainBusy, ChainIdle, Claim, Count, Decide, Global, Handle, Load, Project, Read,
        Table,
    };
    let mut all = vec![
        Handle {
            tasks: 1,
            commands: 3_000,
            events: 10,
        },
        Handle {
            tasks: 8,
            commands: 8_000,
            events: 10,
        },
        Handle {
            tasks: 32,
            commands: 12_000,
            events: 10,
        },
        Load {
            tasks: 1,
            loads: 1_000,
            events: 1_000,
        },
        Load {
            tasks: 8,
            loads: 2_000,
            events: 1_000,
        },
        Append {
            tasks: 1,
            batches: 100,
            messages: 1_000,
        },
        Append {
            tasks: 4,
            batches: 200,
            messages: 1_000,
        },
    ];
    // A tenth beside the whole: the peak of memory must not grow with the log.
    for messages in [100_000, 1_000_000] {
        all.push(Read {
            messages,
            streams: 10_000,
        });
        let streams = 10_000;
        all.push(Count { messages, streams });
        all.push(Project { messages, streams });
        all.push(Table { messages, streams });
        all.push(Global { messages, streams });
    }
    // The same log in fewer streams and in more: an event must not cost more for that.
    for streams in [1_000, 100_000, 1_000_000] {
        all.push(Table {
            messages: 1_000_000,
            streams,
        });
        all.push(Global {
            messages: 1_000_000,
            streams,
        });
    }
    all.push(ChainIdle { chains: 300 });
    all.push(ChainBusy {
        chains: 10_000,
        tasks: 32,
    });
    for (messages, streams) in [
        (1_000, 1_000),
        (100_000, 100_000),
        (1_000_000, 1_000_000),
        (10_000_000, 1_000_000),
    ] {
        all.push(Claim {
            messages,
            streams,
            looks: 500,
        });
    }
    all.push(Decide {
        commands: 300_000,
        events: 10,
    });
    all
}

/// Whether everything runs.
pub(crate) fn quick() -> Vec<Workload> {
    use Workload::{
        Append, ChainBusy, ChainIdle, Claim, Count, Decide, Global, Handle, Load, Project, Read,
        Table,
    };
    vec![
        Handle {
            tasks: 1,
            commands: 20,
            events: 10,
        },
        Handle {
            tasks: 8,
            commands: 80,
            events: 10,
        },
        Load {
            tasks: 2,
            loads: 4,
            events: 100,
        },
        Append {
            tasks: 2,
            batches: 4,
            messages: 100,
        },
        Read {
            messages: 2_000,
            streams: 50,
        },
        Count {
            messages: 2_000,
            streams: 50,
        },
        Project {
            messages: 2_000,
            streams: 50,
        },
        Table {
            messages: 2_000,
            streams: 50,
        },
        Global {
            messages: 2_000,
            streams: 50,
        },
        ChainIdle { chains: 5 },
        ChainBusy {
            chains: 50,
            tasks: 4,
        },
        Claim {
            messages: 400,
            streams: 200,
            looks: 5,
        },
        Decide {
            commands: 200,
            events: 10,
        },
    ]
}

impl Workload {
    pub(crate) fn letter(&self) -> char {
        match self {
            Self::Handle { .. } => 'a',
            Self::Load { .. } => 'b',
            Self::Append { .. } => 'c',
            Self::Read { .. }
            | Self::Count { .. }
            | Self::Project { .. }
            | Self::Table { .. }
            | Self::Global { .. } => 'd',
            Self::ChainIdle { .. } | Self::ChainBusy { .. } => 'e',
            Self::Claim { .. } => 'f',
            Self::Decide { .. } => 'g',
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Handle { .. } => "a handle a command",
            Self::Load { .. } => "b load a stream",
            Self::Append { .. } => "c append batches",
            Self::Read { .. } => "d catch up, reader",
            Self::Count { .. } => "d catch up, counter",
            Self::Project { .. } => "d catch up, documents",
            Self::Table { .. } => "d catch up, table",
            Self::Global { .. } => "d catch up, global order",
            Self::ChainIdle { .. } => "e chain, idle",
            Self::ChainBusy { .. } => "e chain, busy",
            Self::Claim { .. } => "f claim",
            Self::Decide { .. } => "g in memory, one core",
        }
    }

    pub(crate) fn params(&self) -> String {
        match self {
            Self::Handle { tasks, events, .. } | Self::Load { tasks, events, .. } => {
                format!("tasks={tasks} events={events}")
            }
            Self::Append {
                tasks, messages, ..
            } => format!("tasks={tasks} messages={messages}"),
            Self::Read { messages, streams }
            | Self::Count { messages, streams }
            | Self::Project { messages, streams }
            | Self::Table { messages, streams }
            | Self::Global { messages, streams } => {
                format!("messages={messages} streams={streams}")
            }
            Self::ChainIdle { chains } => format!("chains={chains} tasks=1"),
            Self::ChainBusy { chains, tasks } => format!("streams={chains} tasks={tasks}"),
            Self::Claim {
                messages, streams, ..
            } => format!("messages={messages} streams={streams}"),
            Self::Decide { events, .. } => format!("events={events}"),
        }
    }

    /// In memory there is nothing to compare with but for the one workload that is about it.
    pub(crate) fn runs_on(&self, storage: Storage) -> bool {
        match self {
            Self::Decide { .. } => storage == Storage::Memory,
            // So many do not fit into memory; what a file does with them, it shows with a tenth.
            Self::Claim { messages, .. } => *messages < 10_000_000 || storage == Storage::Postgres,
            _ => true,
        }
    }

    /// Claims have no floor: they are compared with themselves at other sizes.
    pub(crate) fn contenders(&self, storage: Storage) -> Vec<Contender> {
        let has_floor = match self {
            Self::Claim { .. } => false,
            Self::Decide { .. } => true,
            _ => storage != Storage::Memory,
        };
        let mut contenders = vec![Contender::Sourced];
        contenders.extend(has_floor.then_some(Contender::Floor));
        contenders
    }
}

/// The streams of a log and the numbers of their messages, in the order they are stored: ten of a stream at a time.
pub(crate) fn log(messages: usize, streams: usize) -> impl Iterator<Item = (String, usize)> {
    const RUN: usize = 10;
    let each = messages / streams;
    let runs = (0..each)
        .step_by(RUN)
        .flat_map(move |first| (0..streams).map(move |stream| (stream, first)));
    runs.flat_map(move |(stream, first)| {
        (first..each.min(first + RUN)).map(move |nth| (cart(stream), nth))
    })
}

/// The name of the nth stream.
pub(crate) fn cart(nth: usize) -> String {
    format!("cart-{nth}")
}

/// Messages stored at once while a database is filled.
pub(crate) const FILL: usize = 1_000;
/// Messages read at once.
pub(crate) const PAGE: usize = 1_000;
