//! All that a table projection may look like.

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::table::{Row, table_of};
use sourced::{MessageId, Timestamp};

#[event("order.placed")]
pub struct Placed {
    pub customer: String,
    pub day: u32,
    pub r#type: String,
}

#[event("order.cancelled")]
pub struct Cancelled {
    pub by: String,
    pub on: u32,
}

#[event("order.noted")]
pub struct Noted;

#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
}

mod tables {
    use super::*;

    #[derive(Debug, Projection)]
    #[projection(table = "days")]
    pub struct Day {
        #[key]
        pub(crate) customer: String,
        #[key]
        pub(crate) day: u32,
        #[unique]
        pub(crate) last_order: Option<MessageId>,
        #[index]
        pub(crate) at: Timestamp,
        #[projection(json)]
        pub(crate) lines: Vec<Line>,
        #[projection(column = "kind")]
        pub(crate) r#type: String,
        pub(crate) ratio: f32,
        pub(crate) raw: Vec<u8>,
        pub(crate) is_open: bool,
    }
}

use tables::Day;

impl Day {
    fn new(event: &Message<Placed>) -> Self {
        Self {
            customer: event.payload.customer.clone(),
            day: event.payload.day,
            last_order: Some(event.id),
            at: event.created_at,
            lines: Vec::new(),
            r#type: event.payload.r#type.clone(),
            ratio: 0.5,
            raw: Vec::new(),
            is_open: true,
        }
    }
}

#[projector("days_of_customers")]
impl Day {
    #[event]
    fn placed(row: Option<Self>, event: &Message<Placed>) -> Option<Self> {
        row.or_else(|| Some(Self::new(event)))
    }

    #[event(key = Self::of_cancelled)]
    fn cancelled(self, event: &Cancelled) -> Option<Self> {
        (event.on > 1).then_some(self)
    }

    #[event(key = noted::day)]
    fn noted(&mut self, _: &Noted) {}

    #[after_sync]
    async fn announce(&self, now: Now) -> Result<(), Failure> {
        _ = now;
        Ok(())
    }

    #[after_sync]
    fn forget(&self, change: RowChange, _: Replaying, prices: Res<u32>) {
        match change {
            RowChange::Created | RowChange::Changed => _ = *prices,
            RowChange::Deleted => {}
        }
    }

    fn of_cancelled(event: &Message<Cancelled>) -> (String, u32) {
        (event.payload.by.clone(), event.payload.on)
    }
}

mod noted {
    pub fn day(event: &sourced::Message<super::Noted>) -> (String, u32) {
        (event.stream_id.to_string(), 1)
    }
}

fn main() {
    /// Inside of a function, too, and with a key that is a raw word.
    #[derive(Projection)]
    struct Kind {
        #[key]
        r#type: String,
    }

    #[projector]
    impl Kind {
        #[event]
        fn placed(row: Option<Self>, event: &Placed) -> Self {
            _ = row;
            Self { r#type: event.r#type.clone() }
        }
    }

    assert_eq!((Day::TABLE, Kind::TABLE), ("days", "kind"));
    let names: Vec<_> = table_of::<Day>().columns.iter().map(|column| column.name).collect();
    assert_eq!(names[5..7], ["kind", "ratio"]);
    drop(sourced::App::builder().register::<Day>().register::<Kind>());
}
