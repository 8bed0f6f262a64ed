//! All holidays that are one stream each, as a table: where to, what is booked, and how it ended.
//!
//! The database has it as `sourced_holidays`, for whoever makes a list of them.

use sourced::prelude::*;

use crate::single::{Cancelled, Confirmed, PartBooked, PartReleased, Started};

/// A holiday in the list.
#[derive(Debug, Clone, PartialEq, Eq, Projection)]
#[projection(table = "holidays")]
pub struct HolidayRow {
    /// Its stream.
    #[key]
    pub holiday: StreamId,
    /// Where to.
    #[index]
    pub destination: String,
    /// How many parts are booked now.
    pub parts_booked: u32,
    /// How it ended; nothing as long as it goes on.
    pub end: Option<String>,
}

#[projector("holidays")]
impl HolidayRow {
    #[event(key = Self::of_stream)]
    fn started(event: &Message<Started>) -> Self {
        Self {
            holiday: event.stream_id.clone(),
            destination: event.payload.destination.clone(),
            parts_booked: 0,
            end: None,
        }
    }

    #[event(key = Self::of_stream)]
    fn part_booked(&mut self, _: &PartBooked) {
        self.parts_booked += 1;
    }

    #[event(key = Self::of_stream)]
    fn part_released(&mut self, _: &PartReleased) {
        self.parts_booked -= 1;
    }

    #[event(key = Self::of_stream)]
    fn confirmed(&mut self, _: &Confirmed) {
        self.end = Some("booked".to_owned());
    }

    #[event(key = Self::of_stream)]
    fn cancelled(&mut self, event: &Cancelled) {
        self.end = Some(format!("cancelled: {}", event.reason));
    }

    fn of_stream<E>(event: &Message<E>) -> StreamId {
        event.stream_id.clone()
    }
}
