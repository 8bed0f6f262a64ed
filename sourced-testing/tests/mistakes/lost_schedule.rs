//! **A lost schedule.** Twenty days after an order its customer is reminded of it.
//!
//! - Wrong: the page that places the order schedules the reminder after it, in a call of its own. Who gets no answer to
//!   the first call never makes the second one.
//! - Right: the order reacts to its event. The reminder is kept in the transaction that acknowledges the event, or the
//!   event is handled again.
//! - The story: `NO ANSWER`, `gives up`, and no `keeps order.remind`.

use std::time::Duration;

use sourced::prelude::*;
use sourced_testing::simulation::Client;

use crate::shop::{Order, Remind};

const LATER: Duration = Duration::from_hours(24 * 20);

pub(crate) mod wrong {
    use super::*;

    pub(crate) async fn place(client: &Client, order: &str, cents: u64) -> Result<(), Failure> {
        client.actor::<Order>(order).place(cents).await?;
        client.dispatch(|| Remind.to(order).after(LATER)).await?;
        Ok(())
    }
}

pub(crate) mod right {
    use super::*;

    pub(crate) async fn place(client: &Client, order: &str, cents: u64) -> Result<(), Failure> {
        client.actor::<Order>(order).place(cents).await?;
        Ok(())
    }

    /// What [`Order`] returns when it was placed.
    pub(crate) fn reminder(order: &StreamId) -> Outgoing<Remind> {
        Remind.to(order).after(LATER)
    }
}
