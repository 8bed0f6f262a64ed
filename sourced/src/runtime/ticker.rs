//! The ticker: stores the command of each tick of one recurrence.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::App;
use super::app::Inner;
use super::recurring::{Recipe, settled};
use crate::backend::{Advance, AppendError, BackendError, Progress, Seen, StreamAppend};
use crate::message::{Metadata, Tick};
use crate::recurrence::{Due, due};
use crate::time::Timestamp;

/// A look now and then, in case the storage's clock is set, or this machine has slept.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Stores the command of each tick when its time has come by the storage's clock, and sleeps until the next.
///
/// Any number of processes do the same, and nobody needs to tell the others: a tick is made by whoever moves the
/// progress over it. One ticker per recurrence, so that one that fails holds back no other.
#[derive(Clone)]
pub(super) struct Ticker {
    app: App,
    recipe: Arc<Recipe>,
    stopped: watch::Receiver<bool>,
    /// When this process's rule was first seen. Not what is stored, which a process with another rule may have changed
    /// meanwhile: two versions side by side keep to their own rules.
    since: Option<Timestamp>,
}

impl Ticker {
    pub(super) fn new(
        app: Arc<Inner>,
        recipe: Arc<Recipe>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let app = App {
            inner: app,
            metadata: Metadata::new(),
            principal: None,
        };
        Self {
            app,
            recipe,
            stopped,
            since: None,
        }
    }

    pub(super) async fn run(mut self) {
        let workers = &self.app.inner.workers;
        let (shortest, longest) = (workers.poll_min, workers.poll_max);
        let mut backoff = shortest;
        while !*self.stopped.borrow() {
            let pause = match self.attend().await {
                Ok(pause) => {
                    backoff = shortest;
                    pause
                }
                Err(error) => {
                    let recurrence = &self.recipe.id;
                    tracing::warn!(%error, %recurrence, "it is not known whether to tick; trying again after a pause");
                    let pause = backoff;
                    backoff = (backoff * 2).min(longest);
                    pause
                }
            };
            if pause > Duration::ZERO {
                self.wait(pause).await;
            }
        }
    }

    /// Does what is due next, if anything is, and says when to look again.
    async fn attend(&mut self) -> Result<Duration, BackendError> {
        let recurrence = &self.recipe.recurrence;
        let Seen { now, progress } = self.app.backend().progress(&self.recipe.id).await?;
        let Some(since) = self.since else {
            return self.begin(now, progress).await;
        };
        let settled = progress
            .as_ref()
            .map_or(since, |progress| settled(progress, since));
        match due(recurrence, settled, now) {
            Due::Tick { at, missed } => {
                let tick = Tick::new(self.recipe.id.clone(), at, missed);
                self.make(tick, since, progress).await
            }
            Due::NotBefore(next) => {
                let pause = next.map(|next| next.saturating_since(now));
                Ok(pause.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE)))
            }
        }
    }

    /// Finds out since when the rule counts: since now, when it was another one until now.
    async fn begin(
        &mut self,
        now: Timestamp,
        progress: Option<Progress>,
    ) -> Result<Duration, BackendError> {
        let rule = self.recipe.recurrence.rule();
        if let Some(known) = progress.as_ref().filter(|known| known.rule == rule) {
            self.since = Some(known.since);
            return Ok(Duration::ZERO);
        }
        let begun = Progress {
            rule,
            since: now,
            last: progress.as_ref().and_then(|known| known.last),
        };
        if let Some(known) = &progress {
            let recurrence = &self.recipe.id;
            tracing::info!(%recurrence, from = known.rule, to = begun.rule, "the rule has changed");
        }
        match self.advance(progress.as_ref(), &begun, Vec::new()).await {
            Ok(Advance::Done(_)) => self.since = Some(now),
            Ok(Advance::Behind) => {}
            Err(AppendError::Backend(error)) => return Err(error),
            Err(other) => return Err(BackendError::Refused(Box::new(other))),
        }
        Ok(Duration::ZERO)
    }

    /// Stores the command of a tick, unless somebody else has.
    async fn make(
        &self,
        tick: Tick,
        since: Timestamp,
        progress: Option<Progress>,
    ) -> Result<Duration, BackendError> {
        let recurrence = &self.recipe.id;
        let append = match self.app.append_of(&self.recipe, &tick) {
            Ok(append) => append,
            Err(error) => {
                tracing::error!(%error, %recurrence, at = %tick.at, "a recurring command cannot be dispatched; trying again after a pause");
                return Ok(LONGEST_PAUSE);
            }
        };
        let to = Progress {
            rule: self.recipe.recurrence.rule(),
            since,
            last: Some(tick.at),
        };
        match self.advance(progress.as_ref(), &to, vec![append]).await {
            Ok(Advance::Done(_)) if tick.missed > 0 => {
                tracing::warn!(%recurrence, at = %tick.at, missed = tick.missed, "ticks were missed");
            }
            Ok(_) => {}
            Err(AppendError::Backend(error)) => return Err(error),
            Err(error) => {
                tracing::error!(%error, %recurrence, at = %tick.at, "a recurring command is not stored; trying again after a pause");
                return Ok(LONGEST_PAUSE);
            }
        }
        Ok(Duration::ZERO)
    }

    async fn advance(
        &self,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        let backend = self.app.backend();
        backend.advance(&self.recipe.id, from, to, appends).await
    }

    async fn wait(&mut self, pause: Duration) {
        let sleep = self.app.env().clock.sleep(pause);
        let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
        tokio::select! {
            biased;
            () = stopped => {}
            () = sleep => {}
        }
    }
}
