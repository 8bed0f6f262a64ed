//! **An order between streams.** The overview has a row per order, from the events of the order and of its payment.
//!
//! - Wrong: an order is charged after it was placed, so there is a row. But the streams are handled side by side: what
//!   happened later may come first, and finds none.
//! - Right: each event says what it knows, whether there is a row or not.
//! - The story: `handles payment-of-order-1 .. for overview` before `handles order-1 .. for overview`.

use sourced::prelude::*;
use sourced::table::Row;

/// What both kinds of overview say of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) order: String,
    pub(crate) cents: u64,
    pub(crate) is_charged: bool,
    pub(crate) is_cancelled: bool,
}

pub(crate) trait Overviews: Row + Into<Entry> {}

pub(crate) mod wrong {
    use super::*;
    use crate::shop::{Cancelled, Charged, Placed};

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
        fn placed(event: &Message<Placed>) -> Self {
            Self {
                order: Self::of_stream(event),
                cents: event.payload.cents,
                ..Self::default()
            }
        }

        #[event(key = order)]
        fn charged(row: Option<Self>, _: &Charged) -> Option<Self> {
            let mut row = row?;
            row.is_charged = true;
            Some(row)
        }

        #[event(key = Self::of_stream)]
        fn cancelled(&mut self, _: &Cancelled) {
            self.is_cancelled = true;
        }
    }

    super::entry!(Overview);
}

pub(crate) mod right {
    use super::*;
    use crate::shop::{Cancelled, Charged, Placed};

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

        #[event(key = Self::of_stream)]
        fn cancelled(&mut self, _: &Cancelled) {
            self.is_cancelled = true;
        }
    }

    super::entry!(Overview);
}

macro_rules! entry {
    ($overview:ty) => {
        impl $overview {
            /// The key of a row, for events of the order itself.
            fn of_stream<E>(event: &Message<E>) -> String {
                event.stream_id.to_string()
            }
        }

        impl From<$overview> for $crate::order_between_streams::Entry {
            fn from(row: $overview) -> Self {
                Self {
                    order: row.order,
                    cents: row.cents,
                    is_charged: row.is_charged,
                    is_cancelled: row.is_cancelled,
                }
            }
        }

        impl $crate::order_between_streams::Overviews for $overview {}
    };
}
pub(crate) use entry;
