//! The booking systems of other people: away at times, and losing answers.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::Part;

/// Stands for the systems of an airline, of hotels and of car rentals.
///
/// A call that comes again with its key gets the answer it got before, and nothing is booked twice.
#[derive(Debug, Default)]
pub struct Agency {
    sold_out: Vec<(Part, String)>,
    desk: Mutex<Desk>,
    is_silent: Notify,
}

#[derive(Debug, Default)]
struct Desk {
    bookings: BTreeMap<String, Booking>,
    troubles: Vec<(Part, Trouble)>,
}

#[derive(Debug)]
struct Booking {
    part: Part,
    number: String,
    is_held: bool,
}

/// What an agency says to a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is booked under this number.
    Booked(String),
    /// There is none left.
    SoldOut,
}

/// It cannot be told whether the agency did it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the agency does not answer")]
pub struct Unreachable;

/// What goes wrong with one call, after the agency has done what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks.
    LostAnswer,
    /// The answer never comes.
    NoAnswer,
}

impl Agency {
    /// Has none of this left for that destination.
    #[must_use]
    pub fn sold_out(mut self, part: Part, destination: &str) -> Self {
        self.sold_out.push((part, destination.to_owned()));
        self
    }

    /// Has trouble with the next call about this.
    #[must_use]
    pub fn in_trouble(self, part: Part, trouble: Trouble) -> Self {
        self.desk().troubles.push((part, trouble));
        self
    }

    /// Books, unless it has done so before under this key.
    ///
    /// # Errors
    /// [`Unreachable`] when it does not answer.
    pub async fn book(
        &self,
        key: &str,
        part: Part,
        destination: &str,
    ) -> Result<Answer, Unreachable> {
        let answer = self.answer(key, part, destination);
        self.come_through(part).await?;
        Ok(answer)
    }

    /// Gives back what is booked under this key. Nothing is booked any more then, whether it was before or not.
    ///
    /// # Errors
    /// [`Unreachable`] when it does not answer.
    pub async fn release(&self, key: &str, part: Part) -> Result<(), Unreachable> {
        if let Some(booking) = self.desk().bookings.get_mut(key) {
            booking.is_held = false;
        }
        self.come_through(part).await
    }

    /// Resolves when a call was made whose answer never comes.
    pub async fn is_silent(&self) {
        self.is_silent.notified().await;
    }

    /// The parts that are booked, in their order.
    pub fn held(&self) -> Vec<Part> {
        let desk = self.desk();
        let held = desk.bookings.values().filter(|booking| booking.is_held);
        let mut parts: Vec<_> = held.map(|booking| booking.part).collect();
        parts.sort_unstable();
        parts
    }

    /// How many bookings were ever made.
    pub fn n_booked(&self) -> usize {
        self.desk().bookings.len()
    }

    fn answer(&self, key: &str, part: Part, destination: &str) -> Answer {
        let is_sold_out = |(sold, there): &(Part, String)| *sold == part && there == destination;
        if self.sold_out.iter().any(is_sold_out) {
            return Answer::SoldOut;
        }
        let mut desk = self.desk();
        let number = format!("{}{}", &part.to_string()[..1], desk.bookings.len() + 1);
        let booking = desk.bookings.entry(key.to_owned()).or_insert(Booking {
            part,
            number,
            is_held: true,
        });
        Answer::Booked(booking.number.clone())
    }

    async fn come_through(&self, part: Part) -> Result<(), Unreachable> {
        match self.next_trouble(part) {
            None => Ok(()),
            Some(Trouble::LostAnswer) => Err(Unreachable),
            Some(Trouble::NoAnswer) => {
                self.is_silent.notify_one();
                pending().await
            }
        }
    }

    fn next_trouble(&self, part: Part) -> Option<Trouble> {
        let troubles = &mut self.desk().troubles;
        let at = troubles.iter().position(|(about, _)| *about == part)?;
        Some(troubles.remove(at).1)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
