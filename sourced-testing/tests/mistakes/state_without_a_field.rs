//! **A state without a field.** A voucher is used once. Its actor keeps snapshots.
//!
//! - Wrong: a field is left out of what is stored, as one that can be worked out. Nobody does so when a snapshot is read, and
//!   the voucher is good again: after as many events as lie between two snapshots, and so in no test.
//! - Right: the state is all of what decisions ask for.
//! - The story is a law's: one event, and the field before and after.

pub(crate) mod wrong {
    use serde::{Deserialize, Serialize};
    use sourced::prelude::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    pub(crate) struct Voucher {
        #[serde(skip)]
        is_used: bool,
    }

    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[error("it is used already")]
    pub(crate) struct IsUsed;

    #[actor(snapshot_every = 50)]
    impl Voucher {
        #[command]
        fn redeem(&self) -> Result<Redeemed, IsUsed> {
            if self.is_used {
                return Err(IsUsed);
            }
            Ok(Redeemed)
        }

        #[event]
        fn redeemed(&mut self) {
            self.is_used = true;
        }
    }
}

pub(crate) mod right {
    use serde::{Deserialize, Serialize};
    use sourced::prelude::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    pub(crate) struct Voucher {
        is_used: bool,
    }

    #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
    #[error("it is used already")]
    pub(crate) struct IsUsed;

    #[actor(snapshot_every = 50)]
    impl Voucher {
        #[command]
        fn redeem(&self) -> Result<Redeemed, IsUsed> {
            if self.is_used {
                return Err(IsUsed);
            }
            Ok(Redeemed)
        }

        #[event]
        fn redeemed(&mut self) {
            self.is_used = true;
        }
    }
}
