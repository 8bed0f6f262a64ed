//! **An effect in a replay.** A projection adds each order to the turnover of the shop.
//!
//! - Wrong: it adds whatever it is given. In one transaction with the acknowledgement, so no crash can double anything.
//!   But an operator who lets it begin again, as after a change of the projection, doubles all of it.
//! - Right: what was handled before has had its effect: `Replaying` says so.
//! - The story: `operator  REPLAYS`, and `gets .., as a replay`.

use sourced::prelude::*;

pub(crate) mod wrong {
    use super::*;
    use crate::shop::Placed;

    #[derive(Debug, Default)]
    pub(crate) struct Turnover {
        cents: u64,
    }

    #[projector]
    impl Turnover {
        #[event]
        fn placed(&mut self, event: &Placed) {
            self.cents = event.cents;
        }

        #[sync]
        async fn add(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
            let sum: Option<u64> = tx.get("turnover", "all").await?;
            tx.put("turnover", "all", &(sum.unwrap_or(0) + self.cents))
                .await
        }
    }
}

pub(crate) mod right {
    use super::*;
    use crate::shop::Placed;

    #[derive(Debug, Default)]
    pub(crate) struct Turnover {
        cents: u64,
    }

    #[projector]
    impl Turnover {
        #[event]
        fn placed(&mut self, event: &Placed) {
            self.cents = event.cents;
        }

        #[sync]
        async fn add(&self, tx: &mut Tx<'_>, replaying: Replaying) -> Result<(), Failure> {
            if replaying.get() {
                return Ok(());
            }
            let sum: Option<u64> = tx.get("turnover", "all").await?;
            tx.put("turnover", "all", &(sum.unwrap_or(0) + self.cents))
                .await
        }
    }
}
