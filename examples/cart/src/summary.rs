//! The sum of a run, for people.

use std::fmt;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sourced::backend::BackendError;
use sourced::{App, MessageId, Outcome};

use crate::feed::Feed;
use crate::trail::Trail;

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
        let looked_up = stream::iter(feed.ids.iter().filter(is_open)).map(|id| {
            let is_unanswered = trail.unanswered.contains(id);
            fate(app, *id, is_unanswered)
        });
        let fates: Vec<Fate> = looked_up.buffer_unordered(16).try_collect().await?;
        let count = |fate| fates.iter().filter(|found| **found == fate).count() as u64;
        Ok(Self {
            n_commands: feed.ids.len() as u64,
            n_already_stored: feed.n_already_stored,
            n_refused: count(Fate::Refused),
            n_failed: count(Fate::Failed),
            n_bad_lines: feed.n_bad_lines,
            n_messages: trail.n_messages,
            n_handled,
            took,
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Applied,
    Refused,
    Failed,
}

async fn fate(app: &App, id: MessageId, is_unanswered: bool) -> Result<Fate, BackendError> {
    if app.backend().refusal(id).await?.is_some() {
        return Ok(Fate::Refused);
    }
    if is_unanswered && matches!(app.outcome(id).await?, Outcome::Failed(_)) {
        return Ok(Fate::Failed);
    }
    Ok(Fate::Applied)
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
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = stored_now as f64 / seconds.max(0.001);
        write!(
            f,
            "\n{} messages stored, {} handled here",
            self.n_messages, self.n_handled
        )?;
        write!(f, " in {seconds:.2} s: {rate:.0} commands per second")
    }
}
