//! What a run came to.

use serde::Serialize;

/// The last line of the program.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Report {
    /// Faults that the conductor injected; those that handlers made by themselves are not counted.
    pub(crate) faults: u64,
    /// Messages in the log.
    pub(crate) messages: u64,
    /// Commands that were acknowledged to a dispatcher and are not in the log.
    pub(crate) acked_lost: u64,
    /// Messages that did not lead to what they have to lead to.
    pub(crate) effects_lost: u64,
    /// Messages that led to it more than once.
    pub(crate) doubled: u64,
    /// Messages that were stored, decided or handled before an earlier one of their stream.
    pub(crate) reordered: u64,
    /// Messages and effects of what is not in the log.
    pub(crate) unfounded: u64,
    /// Streams that wait for a person, which no outage is a reason for.
    pub(crate) parked: u64,
    /// Processes that had not stopped in time when they were asked to.
    pub(crate) late: u64,
}

impl Report {
    pub(crate) fn is_clean(&self) -> bool {
        let wrong = self.acked_lost + self.effects_lost + self.doubled + self.reordered;
        wrong + self.unfounded + self.parked + self.late == 0
    }
}
