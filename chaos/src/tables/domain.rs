//! What is projected: orders that are opened, amended, closed and opened again, in three tables.

use rand::random;
use sourced::prelude::*;

/// A customer opens an order.
#[event("tables.opened")]
pub(crate) struct Opened {
    pub(crate) customer: String,
    pub(crate) product: u32,
    pub(crate) cents: i64,
}

/// An order becomes dearer or cheaper.
#[event("tables.amended")]
pub(crate) struct Amended {
    pub(crate) customer: String,
    pub(crate) product: u32,
    pub(crate) cents: i64,
}

/// An order ends. The next one of its stream may be opened.
#[event("tables.closed")]
pub(crate) struct Closed {
    pub(crate) customer: String,
    pub(crate) product: u32,
}

/// A row per stream, made once and then changed by every event.
#[derive(Debug, Projection)]
#[projection(table = "stream_totals")]
pub(crate) struct StreamTotal {
    #[key]
    stream: StreamId,
    events: u64,
    cents: i64,
    /// Another order of the same events comes to another number.
    trail: i64,
}

#[projector]
impl StreamTotal {
    #[event(key = Self::of_stream)]
    fn opened(row: Option<Self>, event: &Message<Opened>) -> Self {
        Self::counted(row, event, event.payload.cents)
    }

    #[event(key = Self::of_stream)]
    fn amended(row: Option<Self>, event: &Message<Amended>) -> Self {
        Self::counted(row, event, event.payload.cents)
    }

    #[event(key = Self::of_stream)]
    fn closed(row: Option<Self>, event: &Message<Closed>) -> Self {
        Self::counted(row, event, 0)
    }

    fn of_stream<E>(event: &Message<E>) -> StreamId {
        event.stream_id.clone()
    }

    fn counted<E>(row: Option<Self>, event: &Message<E>, cents: i64) -> Self {
        maybe_panic();
        let row = row.unwrap_or_else(|| Self {
            stream: event.stream_id.clone(),
            events: 0,
            cents: 0,
            trail: 0,
        });
        Self {
            events: row.events + 1,
            cents: row.cents + cents,
            trail: (row.trail * 31 + event.seq.get().cast_signed()) % 1_000_000_007,
            ..row
        }
    }
}

/// A row of many streams: whose orders lie in many of them is changed by many workers at the same time.
#[derive(Debug, Projection)]
#[projection(table = "customer_totals")]
pub(crate) struct CustomerTotal {
    #[key]
    customer: String,
    #[key]
    product: u32,
    opened: u64,
    closed: u64,
    cents: i64,
}

#[projector]
impl CustomerTotal {
    #[event]
    fn opened(row: Option<Self>, event: &Opened) -> Self {
        let mut row = row.unwrap_or_else(|| Self::none(&event.customer, event.product));
        row.opened += 1;
        row.cents += event.cents;
        row
    }

    #[event]
    fn amended(row: Option<Self>, event: &Amended) -> Self {
        maybe_panic();
        let mut row = row.unwrap_or_else(|| Self::none(&event.customer, event.product));
        row.cents += event.cents;
        row
    }

    #[event]
    fn closed(row: Option<Self>, event: &Closed) -> Self {
        let mut row = row.unwrap_or_else(|| Self::none(&event.customer, event.product));
        row.closed += 1;
        row
    }

    fn none(customer: &str, product: u32) -> Self {
        Self {
            customer: customer.to_owned(),
            product,
            opened: 0,
            closed: 0,
            cents: 0,
        }
    }
}

/// Rows that come and go. An event that is handled twice, or out of its turn, does not fit its row.
#[derive(Debug, Projection)]
#[projection(table = "open_orders")]
pub(crate) struct OpenOrder {
    #[key]
    order_id: StreamId,
    #[index]
    customer: String,
    cents: i64,
    amendments: u32,
}

#[projector]
impl OpenOrder {
    #[event(key = Self::of_stream)]
    fn opened(event: &Message<Opened>) -> Self {
        Self {
            order_id: event.stream_id.clone(),
            customer: event.payload.customer.clone(),
            cents: event.payload.cents,
            amendments: 0,
        }
    }

    #[event(key = Self::of_stream)]
    fn amended(&mut self, event: &Amended) {
        maybe_panic();
        self.cents += event.cents;
        self.amendments += 1;
    }

    #[event(key = Self::of_stream)]
    fn closed(self, _: &Closed) -> Delete {
        Delete
    }

    fn of_stream<E>(event: &Message<E>) -> StreamId {
        event.stream_id.clone()
    }
}

/// Once in 20,000 times.
///
/// # Panics
/// On purpose.
fn maybe_panic() {
    assert!(random::<f64>() > 0.000_05, "bad luck");
}
