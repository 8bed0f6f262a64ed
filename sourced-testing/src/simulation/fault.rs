//! What can go wrong, and how often it does in one history.

use std::fmt;
use std::time::Duration;

use sourced::env::Random as _;

use super::dice::{Dice, mix};

/// What the simulator lets go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A call takes long to arrive: from ten milliseconds to some seconds.
    Delay,
    /// A call does not arrive, and its caller is told so.
    Refuse,
    /// A call does what it is asked for, and its caller is told that it may not have.
    LoseAnswer,
    /// A call is told that another writer was first.
    Conflict,
    /// A worker's process dies before a call arrives, and is started again later.
    CrashBefore,
    /// A worker's process dies after a call has done its work, before it hears of it, and is started again later.
    CrashAfter,
    /// A worker's process stands still before a call arrives, often for longer than its leases, and then goes on as if
    /// nothing had happened.
    Pause,
    /// A worker's process is told to stop, lets its handlers finish, and is started again.
    Restart,
    /// The clock of a worker's process is set, forward or back.
    SetClock,
    /// Nobody is told that something was stored.
    LoseSignal,
    /// A client sends a command again although it was stored.
    Repeat,
    /// An operator lets a group handle again what it has handled, or fills its table anew.
    Replay,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Delay,
        Self::Refuse,
        Self::LoseAnswer,
        Self::Conflict,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Pause,
        Self::Restart,
        Self::SetClock,
        Self::LoseSignal,
        Self::Repeat,
        Self::Replay,
    ];

    /// How long it takes: drawn so that short ones are as likely as ones ten times as long.
    fn duration(self, dice: &Dice) -> Duration {
        let (shortest, doublings) = match self {
            Self::Delay => (10, 9),
            Self::CrashBefore | Self::CrashAfter | Self::Restart => (50, 8),
            Self::Pause => (1_000, 6),
            Self::SetClock => (1_000, 12),
            Self::Repeat | Self::Replay => (1, 12),
            Self::Refuse | Self::LoseAnswer | Self::Conflict | Self::LoseSignal => {
                return Duration::ZERO;
            }
        };
        let least = shortest << dice.below(doublings);
        Duration::from_millis(least + dice.below(least))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delay => "delays",
            Self::Refuse => "refused calls",
            Self::LoseAnswer => "lost answers",
            Self::Conflict => "conflicts",
            Self::CrashBefore => "crashes before a call",
            Self::CrashAfter => "crashes after a call",
            Self::Pause => "paused processes",
            Self::Restart => "restarts",
            Self::SetClock => "clocks set",
            Self::LoseSignal => "lost signals",
            Self::Repeat => "repeated dispatches",
            Self::Replay => "replays",
        })
    }
}

/// A fault that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) fault: Fault,
    /// How long, or how far.
    pub(super) by: Duration,
    /// Whether a clock is set back.
    pub(super) is_back: bool,
    /// Which group is replayed, of those there are.
    pub(super) lot: u64,
}

/// Where something can go wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) is_of_worker: bool,
    pub(super) errand: Errand,
    pub(super) can_conflict: bool,
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// What every process does all the time.
    Routine,
    /// Something is different after it.
    Change,
    /// A client dispatches, whatever comes of it.
    Dispatch,
}

impl Point {
    fn allows(self, fault: Fault) -> bool {
        let is_change = self.errand == Errand::Change;
        match fault {
            Fault::Repeat | Fault::Replay => self.errand == Errand::Dispatch,
            _ if self.errand == Errand::Dispatch => false,
            Fault::Delay | Fault::Refuse => true,
            Fault::LoseAnswer | Fault::LoseSignal => is_change,
            Fault::Conflict => self.can_conflict,
            Fault::CrashAfter => self.is_of_worker && is_change,
            Fault::CrashBefore | Fault::Pause | Fault::Restart | Fault::SetClock => {
                self.is_of_worker
            }
        }
    }

    /// Among how many chances one is that something goes wrong.
    fn chances(self) -> u64 {
        match self.errand {
            Errand::Routine => 80_000,
            Errand::Change => 10_000,
            Errand::Dispatch => 2_500,
        }
    }
}

/// How often what goes wrong in one history. Each seed has its own, so that some histories see a lot of one fault and
/// none of another.
#[derive(Debug)]
pub(super) struct Weather {
    seed: u64,
    /// In ten thousand calls.
    rates: Vec<(Fault, u64)>,
}

impl Weather {
    pub(super) fn of(seed: u64, allowed: &[Fault]) -> Self {
        let dice = Dice::new(mix(seed, 1));
        let rate = |fault: &Fault| (*fault, *dice.pick(&[0, 0, 50, 150, 400]));
        Self {
            seed,
            rates: allowed.iter().map(rate).collect(),
        }
    }

    /// What goes wrong there. The same point has the same fate, whatever else is different.
    pub(super) fn at(&self, key: u64, point: Point) -> Option<Mishap> {
        let dice = Dice::new(mix(self.seed, key));
        let mut lot = dice.below(point.chances());
        for (fault, rate) in &self.rates {
            if !point.allows(*fault) {
                continue;
            }
            if lot < *rate {
                return Some(Mishap {
                    fault: *fault,
                    by: fault.duration(&dice),
                    is_back: dice.percent(50),
                    lot: dice.next_u64(),
                });
            }
            lot -= rate;
        }
        None
    }
}
