//! A holiday as one stream: its steps run one after another.
//!
//! ```text
//! Start ─▶ Started ─▶ Book(flight) ─▶ PartBooked ─▶ Book(hotel) ─▶ PartBooked ─▶ Book(car) ─▶ PartBooked ─▶ Confirm
//!                          │                            │                           │
//!                          ▼                            ▼                           ▼
//!                     PartRefused                  PartRefused                 PartRefused
//!                          └────────────┬───────────────┴───────────────────────────┘
//!                                       ▼
//!                 Release(last booked) ─▶ PartReleased ─▶ … ─▶ Cancel
//! ```
//!
//! Only [`Start`] is public: the other commands are the chain's own, and nobody else can send them from Rust.

use std::sync::Arc;

use sourced::prelude::*;

use crate::agency::{Agency, Answer};
use crate::{AlreadyStarted, End, Part};

/// How far the booking of a holiday has come.
#[derive(Debug, Default)]
pub struct Holiday {
    destination: Option<String>,
    /// What is booked now, in the order of booking.
    booked: Vec<Part>,
    refusal: Option<String>,
    end: Option<End>,
}

impl Holiday {
    /// How it ended; `None` as long as it goes on.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }
}

#[actor]
impl Holiday {
    /// Books a holiday. Somebody waits for this answer, so a no is a refusal.
    #[command]
    pub fn start(&self, destination: String) -> Result<Started, AlreadyStarted> {
        match self.destination {
            None => Ok(Started { destination }),
            Some(_) => Err(AlreadyStarted),
        }
    }

    /// Somebody wants to go there.
    #[event]
    pub fn started(&mut self, destination: String) {
        self.destination = Some(destination);
    }

    /// The parts are booked in their order, each when the one before it is.
    #[reaction(Started, PartBooked)]
    fn go_on(&self) -> (Option<Book>, Option<Confirm>) {
        match Part::ALL.get(self.booked.len()) {
            Some(&part) => (Some(Book { part }), None),
            None => (None, Some(Confirm)),
        }
    }

    /// Leads to an event whatever the agency says; when it says nothing, it is asked again.
    #[command]
    async fn book(
        &self,
        part: Part,
        id: &StreamId,
        agency: Res<Arc<Agency>>,
    ) -> Result<HolidayEvent, Failure> {
        let destination = self.destination.as_deref().unwrap_or_default();
        let answer = agency.book(&key(id, part), part, destination).await?;
        Ok(match answer {
            Answer::Booked(number) => PartBooked { part, number }.into(),
            Answer::SoldOut => PartRefused {
                part,
                reason: format!("no {part} to {destination}"),
            }
            .into(),
        })
    }

    /// The agency holds it, under this number.
    #[event]
    pub fn part_booked(&mut self, part: Part, _number: String) {
        self.booked.push(part);
    }

    /// The agency has none.
    #[event]
    pub fn part_refused(&mut self, _part: Part, reason: String) {
        self.refusal = Some(reason);
    }

    /// What was booked before is given back, the last one first.
    #[reaction(PartRefused, PartReleased)]
    fn go_back(&self) -> (Option<Release>, Option<Cancel>) {
        match self.booked.last() {
            Some(&part) => (Some(Release { part }), None),
            None => (None, Some(Cancel)),
        }
    }

    /// Cannot be refused; when the agency says nothing, it is asked again.
    #[command]
    async fn release(
        &self,
        part: Part,
        id: &StreamId,
        agency: Res<Arc<Agency>>,
    ) -> Result<PartReleased, Failure> {
        agency.release(&key(id, part), part).await?;
        Ok(PartReleased { part })
    }

    /// The agency holds it no more.
    #[event]
    pub fn part_released(&mut self, part: Part) {
        self.booked.retain(|booked| *booked != part);
    }

    #[command]
    fn confirm(&self) -> Confirmed {
        Confirmed
    }

    /// Everything is booked.
    #[event]
    pub fn confirmed(&mut self) {
        self.end = Some(End::Booked);
    }

    #[command]
    fn cancel(&self) -> Cancelled {
        let reason = self.refusal.clone().unwrap_or_default();
        Cancelled { reason }
    }

    /// Nothing is booked, because of this.
    #[event]
    pub fn cancelled(&mut self, reason: String) {
        self.end = Some(End::Cancelled(reason));
    }
}

/// The same for every try of a booking, and for its release.
fn key(holiday: &StreamId, part: Part) -> String {
    format!("{holiday}/{part}")
}

#[cfg(test)]
mod tests {
    use sourced_testing::given;

    use super::*;
    use crate::agency::{Trouble, Unreachable};

    fn booked(part: Part) -> PartBooked {
        let number = part.to_string();
        PartBooked { part, number }
    }

    fn without_a_car() -> PartRefused {
        let (part, reason) = (Part::Car, "no car to Rome".to_owned());
        PartRefused { part, reason }
    }

    fn started() -> Started {
        let destination = "Rome".to_owned();
        Started { destination }
    }

    #[test]
    fn the_parts_are_booked_one_after_another() {
        let book = |part| Book { part };
        given::<Holiday>(())
            .when(started())
            .then(book(Part::Flight));
        given::<Holiday>(started())
            .when(booked(Part::Flight))
            .then(book(Part::Hotel));
        given::<Holiday>((started(), [Part::Flight, Part::Hotel].map(booked)))
            .when(booked(Part::Car))
            .then(Confirm);
    }

    #[test]
    fn what_is_booked_is_given_back_the_last_one_first() {
        let release = |part| Release { part };
        let released = |part| PartReleased { part };
        let refused = || {
            let both = [Part::Flight, Part::Hotel].map(booked);
            given::<Holiday>((started(), both))
        };
        refused().when(without_a_car()).then(release(Part::Hotel));
        let refused = || refused().and(without_a_car());
        refused()
            .when(released(Part::Hotel))
            .then(release(Part::Flight));
        refused()
            .and(released(Part::Hotel))
            .when(released(Part::Flight))
            .then(Cancel);
    }

    #[test]
    fn a_silent_agency_is_asked_again() {
        let silent = Agency::default().in_trouble(Part::Flight, Trouble::LostAnswer);
        given::<Holiday>(started())
            .with(Arc::new(silent))
            .when(Book { part: Part::Flight })
            .then_failed(Unreachable);
    }
}
