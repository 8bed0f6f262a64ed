//! **A forgotten event.** The overview has been there for a year when orders learn to be cancelled.
//!
//! - Wrong: nobody has told the overview, and nothing fails: it is a read model of orders that are all open.
//! - Right: [`right::Overview`](crate::order_between_streams::right::Overview) has a method for it.
//! - The story: a `cancelled` that no `overview` ever gets.

pub(crate) mod wrong {
    use sourced::prelude::*;

    use crate::order_between_streams::entry;
    use crate::shop::{Charged, Placed};

    #[derive(Debug, Default, Projection)]
    pub(crate) struct Overview {
        #[key]
        order: String,
        cents: u64,
        is_charged: bool,
        is_cancelled: bool,
    }

    #[projector]
    impl Overview {
        #[event(key = Self::of_stream)]
        fn placed(row: Option<Self>, event: &Message<Placed>) -> Self {
            let mut row = row.unwrap_or_default();
            row.order = Self::of_stream(event);
            row.cents = event.payload.cents;
            row
        }

        #[event(key = order)]
        fn charged(row: Option<Self>, event: &Charged) -> Self {
            let mut row = row.unwrap_or_default();
            row.order.clone_from(&event.order);
            row.is_charged = true;
            row
        }
    }

    entry!(Overview);
}
