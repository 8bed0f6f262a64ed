//! A holiday as several streams: the bookings run side by side, and the trip waits for all of them.
//!
//! ```text
//! trip-1          Start ─▶ Started ─┬──────────▶ … NoteBooked, NoteRefused ─▶ all answered? ─▶ Confirm, or Release each
//! trip-1-flight                     ├─▶ Book ─▶ Booked, or Refused ─▶ tell the trip
//! trip-1-hotel                      ├─▶ Book ─▶ …
//! trip-1-car                        └─▶ Book ─▶ …
//! ```
//!
//! A reaction sees the state as of its event, so of three answers that come at the same time exactly one is the last.

use std::collections::BTreeMap;
use std::sync::Arc;

use sourced::prelude::*;

use crate::agency::{Agency, Answer};
use crate::{AlreadyStarted, End, Part};

/// What a trip knows of its bookings.
#[derive(Debug, Default)]
pub struct Trip {
    parts: BTreeMap<Part, PartOfTrip>,
    refusal: Option<String>,
    end: Option<End>,
}

/// How far one booking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartOfTrip {
    Asked,
    Booked,
    NotBooked,
}

impl Trip {
    /// How it ended; `None` as long as it goes on.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn parts(&self, now: PartOfTrip) -> impl Iterator<Item = Part> {
        let are = self.parts.iter().filter(move |(_, part)| **part == now);
        are.map(|(part, _)| *part)
    }
}

#[actor]
impl Trip {
    /// Books a trip. Somebody waits for this answer, so a no is a refusal.
    #[command]
    pub fn start(&self, destination: String) -> Result<Started, AlreadyStarted> {
        if self.parts.is_empty() {
            Ok(Started { destination })
        } else {
            Err(AlreadyStarted)
        }
    }

    /// Somebody wants to go there.
    #[event]
    pub fn started(&mut self, _destination: String) {
        let asked = Part::ALL.map(|part| (part, PartOfTrip::Asked));
        self.parts = asked.into();
    }

    /// Each booking gets a stream of its own, and so a lane of its own.
    #[reaction]
    fn ask_for_all(&self, started: &Started, trip: &StreamId) -> [Outgoing<Book>; 3] {
        Part::ALL.map(|part| {
            let book = Book {
                part,
                destination: started.destination.clone(),
                trip: trip.clone(),
            };
            book.to(reservation(trip, part))
        })
    }

    #[command]
    fn note_booked(&self, part: Part) -> PartBooked {
        PartBooked { part }
    }

    /// One answer is here.
    #[event]
    pub fn part_booked(&mut self, part: Part) {
        self.parts.insert(part, PartOfTrip::Booked);
    }

    #[command]
    fn note_refused(&self, part: Part, reason: String) -> PartRefused {
        PartRefused { part, reason }
    }

    /// One answer is here, and it is a no.
    #[event]
    pub fn part_refused(&mut self, part: Part, reason: String) {
        self.parts.insert(part, PartOfTrip::NotBooked);
        self.refusal = Some(reason);
    }

    /// With the last answer it is known whether the trip is booked, or what has to be given back.
    #[reaction(PartBooked, PartRefused)]
    fn settle(&self, trip: &StreamId) -> (Option<Confirm>, Vec<Outgoing<Release>>, Option<Cancel>) {
        if self.parts(PartOfTrip::Asked).next().is_some() {
            return (None, Vec::new(), None);
        }
        if self.refusal.is_none() {
            return (Some(Confirm), Vec::new(), None);
        }
        let booked = self.parts(PartOfTrip::Booked);
        let releases = booked.map(|part| Release.to(reservation(trip, part)));
        (None, releases.collect(), self.cancel_if_nothing_is_booked())
    }

    #[command]
    fn note_released(&self, part: Part) -> PartReleased {
        PartReleased { part }
    }

    /// It is not booked any more.
    #[event]
    pub fn part_released(&mut self, part: Part) {
        self.parts.insert(part, PartOfTrip::NotBooked);
    }

    #[reaction]
    fn cancel_after_the_last(&self, _: &PartReleased) -> Option<Cancel> {
        self.cancel_if_nothing_is_booked()
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

impl Trip {
    fn cancel_if_nothing_is_booked(&self) -> Option<Cancel> {
        let is_booked = self.parts(PartOfTrip::Booked).next().is_some();
        (!is_booked).then_some(Cancel)
    }
}

/// The stream of one booking of a trip.
fn reservation(trip: &StreamId, part: Part) -> String {
    format!("{trip}-{part}")
}

/// One booking, in a stream of its own.
#[derive(Debug, Default)]
pub struct Reservation {
    /// Which part of which trip.
    of: Option<(Part, StreamId)>,
}

#[actor]
impl Reservation {
    /// Leads to an event whatever the agency says; when it says nothing, it is asked again.
    #[command]
    async fn book(
        &self,
        part: Part,
        destination: String,
        trip: StreamId,
        id: &StreamId,
        agency: Res<Arc<Agency>>,
    ) -> Result<ReservationEvent, Failure> {
        // The stream is the key: one reservation is one booking, however often it is asked for.
        let answer = agency.book(id.as_str(), part, &destination).await?;
        Ok(match answer {
            Answer::Booked(number) => Booked { part, number, trip }.into(),
            Answer::SoldOut => Refused {
                part,
                reason: format!("no {part} to {destination}"),
                trip,
            }
            .into(),
        })
    }

    /// The agency holds it, under this number.
    #[event]
    pub fn booked(&mut self, part: Part, _number: String, trip: StreamId) {
        self.of = Some((part, trip));
    }

    #[reaction]
    fn tell_booked(&self, booked: &Booked) -> Outgoing<NoteBooked> {
        let part = booked.part;
        NoteBooked { part }.to(&booked.trip)
    }

    /// The agency has none.
    #[event]
    pub fn refused(&mut self, part: Part, _reason: String, trip: StreamId) {
        self.of = Some((part, trip));
    }

    #[reaction]
    fn tell_refused(&self, refused: &Refused) -> Outgoing<NoteRefused> {
        let (part, reason) = (refused.part, refused.reason.clone());
        NoteRefused { part, reason }.to(&refused.trip)
    }

    /// Cannot be refused; when the agency says nothing, it is asked again.
    #[command]
    async fn release(
        &self,
        id: &StreamId,
        agency: Res<Arc<Agency>>,
    ) -> Result<Option<Released>, Failure> {
        let Some((part, trip)) = self.of.clone() else {
            // The trip asks only for what was booked, so no chain ends here.
            return Ok(None);
        };
        agency.release(id.as_str(), part).await?;
        Ok(Some(Released { part, trip }))
    }

    /// The agency holds it no more.
    #[event]
    pub fn released(&mut self, _part: Part, _trip: StreamId) {}

    #[reaction]
    fn tell_released(&self, released: &Released) -> Outgoing<NoteReleased> {
        let part = released.part;
        NoteReleased { part }.to(&released.trip)
    }
}
