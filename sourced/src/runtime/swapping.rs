//! Making a version of a table projection live, which may take holding the one that is.

use std::time::Duration;

use crate::backend::{Backend, BackendError, Swap, Swapped};
use crate::env::Clock;
use crate::stream::{GroupId, Position};

/// Between two attempts.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// How long the live version is held for the first time. Readers see its table as it is meanwhile.
const FIRST_HOLD: Duration = Duration::from_secs(1);

/// Twice as long after each time that was of no use, but never longer than this.
const LONGEST_HOLD: Duration = Duration::from_secs(8);

/// It must have been left alone, by whomever, for so many times as long before.
const REST: u32 = 5;

/// Between two tries while it is held.
const HELD_PAUSE: Duration = Duration::from_millis(10);

/// So many positions are near, however slow the new version is.
const NEAR: u64 = 1_000;

/// Attempts to make one version live.
///
/// Under steady load the new version has hardly ever handled all that the live one has. So when it is near, the live one is
/// held: its running claims go on, nobody gets others, and the new one makes good what is left. Whether it has is decided by
/// the swap alone.
#[derive(Debug)]
pub(super) struct Attempts {
    /// What it had handled at the last one.
    handled_upto: Option<Position>,
    /// How long to hold the live one next.
    hold: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            handled_upto: None,
            hold: FIRST_HOLD,
        }
    }
}

impl Attempts {
    /// The next one.
    pub(super) async fn swap(
        &mut self,
        backend: &dyn Backend,
        clock: &dyn Clock,
        swap: &Swap,
        is_stopped: impl Fn() -> bool + Send,
    ) -> Result<Swapped, BackendError> {
        let mut swapped = try_once(backend, swap).await?;
        if swapped != Swapped::Behind
            || !self.is_near(backend, swap).await?
            || !backend
                .hold(&swap.from, self.hold, self.hold * REST)
                .await?
        {
            return Ok(swapped);
        }
        let over = clock.now().saturating_add(self.hold);
        while clock.now() < over {
            clock.sleep(HELD_PAUSE).await;
            if is_stopped() {
                return Ok(swapped);
            }
            swapped = try_once(backend, swap).await?;
            if swapped != Swapped::Behind {
                return Ok(swapped);
            }
        }
        self.hold = LONGEST_HOLD.min(self.hold * 2);
        Ok(swapped)
    }

    /// Whether the version has little left until it is where the live one is: by a guess, which decides no more than when to
    /// hold that one.
    async fn is_near(&mut self, backend: &dyn Backend, swap: &Swap) -> Result<bool, BackendError> {
        let groups = backend.groups().await?;
        let upto = |group: &GroupId| {
            let mut found = groups.iter().filter(|status| status.id == *group);
            found.next().map(|status| status.handled_upto().get())
        };
        let (Some(to), Some(from)) = (upto(&swap.to), upto(&swap.from)) else {
            return Ok(false);
        };
        let before = self.handled_upto.replace(Position::new(to));
        let done = before.map_or(0, |before| to.saturating_sub(before.get()));
        let left = from.saturating_sub(to);
        // As much as it does in half of the time that the other one is held.
        let attempts = self.hold.as_millis() / PAUSE.as_millis() / 2;
        Ok(left <= NEAR || u128::from(left) <= u128::from(done) * attempts)
    }
}

async fn try_once(backend: &dyn Backend, swap: &Swap) -> Result<Swapped, BackendError> {
    let swapped = backend.swap(swap).await?;
    if swapped == Swapped::Done {
        tracing::info!(
            table = swap.table,
            version = swap.version,
            "a version of a projection is live"
        );
    }
    Ok(swapped)
}
