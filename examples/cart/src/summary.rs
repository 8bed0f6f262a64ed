//! The sum of a run, for people.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use sourced::{App, MessageId, Outcome};

use crate::feed::Feed;
use crate::trail::Trail;

/// Refusals that are looked up together.
const PAGE: usize = 1_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Commands of the input.
    pub n_commands: u64,
    /// Those that an earlier run had stored.
    pub n_already_stored: u64,
    /// Commands of the input that were refused, in this run or an earlier one.
    pub n_refused: u64,
    /// Commands that could not be decided; their carts are parked.
    pub n_failed: u64,
    /// Lines that were skipped.
    pub n_bad_lines: u64,
    /// Messages stored during the run, by anybody.
    pub n_messages: u64,
    /// Messages this process handled: commands decided, events reacted to and projected.
    pub n_handled: u64,
    /// How long it took until all was handled.
    pub took: Duration,
}

impl Summary {
    /// Looks up what became of the commands.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn of(
        app: &App,
        feed: &Feed<'_>,
        trail: &Trail,
        n_handled: u64,
        took: Duration,
    ) -> anyhow::Result<Self> {
        let is_open = |id: &&MessageId| feed.earlier.contains(id) || trail.unanswered.contains(id);
        let open: Vec<MessageId> = feed.ids.iter().filter(is_open).copied().collect();
        let mut refused = HashSet::new();
        for ids in open.chunks(PAGE) {
            let refusals = app.backend().refusals(ids).await?;
            refused.extend(refusals.into_iter().map(|refusal| refusal.command));
        }
        let mut n_failed = 0;
        let without_answer =
            |id: &&MessageId| trail.unanswered.contains(id) && !refused.contains(id);
        for id in open.iter().filter(without_answer) {
            n_failed += u64::from(matches!(app.outcome(*id).await?, Outcome::Failed(_)));
        }
        let n_refused = open.iter().filter(|id| refused.contains(id)).count() as u64;
        Ok(Self {
            n_commands: feed.ids.len() as u64,
            n_already_stored: feed.n_already_stored,
            n_refused,
            n_failed,
            n_bad_lines: feed.n_bad_lines,
            n_messages: trail.n_messages,
            n_handled,
            took,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stored_now = self.n_commands - self.n_already_stored;
        write!(
            f,
            "{} commands: {stored_now} stored now, {} already stored",
            self.n_commands, self.n_already_stored
        )?;
        write!(f, "; {} refused", self.n_refused)?;
        if self.n_failed > 0 {
            write!(f, ", {} failed", self.n_failed)?;
        }
        write!(f, "; {} bad lines", self.n_bad_lines)?;
        let seconds = self.took.as_secs_f64();
        write!(
            f,
            "\n{} messages stored, {} handled here",
            self.n_messages, self.n_handled
        )?;
        write!(f, " in {seconds:.2} s")?;
        if stored_now == 0 {
            return write!(f, ": all was there already");
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = stored_now as f64 / seconds.max(0.001);
        write!(f, ": {rate:.0} commands per second")
    }
}
