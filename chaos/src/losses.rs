//! What may be gone: it was acknowledged after the moment that the database was set back to.

use std::ops::Range;
use std::path::Path;

use crate::conductor::DISPATCHERS;
use crate::dispatcher::{TASKS, acknowledged, path};

/// How much each task of the dispatchers knows to be stored.
pub(crate) struct Moment(Vec<u64>);

impl Moment {
    pub(crate) fn now(folder: &Path) -> anyhow::Result<Self> {
        let counts = (0..TASKS * DISPATCHERS).map(|lane| acknowledged(&path(folder, lane)));
        Ok(Self(counts.collect::<Result<_, _>>()?))
    }
}

/// What was set back over.
#[derive(Debug, Default)]
pub(crate) struct Losses(Vec<Vec<Range<u64>>>);

impl Losses {
    /// What is there now is what there was at that moment, or came a little later; what a task is storing right now may be
    /// acknowledged to it although it was stored before.
    pub(crate) fn add(&mut self, since: &Moment, now: &Moment) {
        let ranges = since
            .0
            .iter()
            .zip(&now.0)
            .map(|(since, now)| *since..*now + 1);
        self.0.push(ranges.collect());
    }

    pub(crate) fn are_expected(&self, lane: u64, nth: u64) -> bool {
        let lane = usize::try_from(lane).unwrap_or(usize::MAX);
        let mut ranges = self.0.iter().filter_map(|lanes| lanes.get(lane));
        ranges.any(|range| range.contains(&nth))
    }
}
