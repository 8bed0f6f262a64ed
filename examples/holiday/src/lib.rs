//! A holiday: flight, hotel and car are booked, or what was booked is given back.
//!
//! The same business twice. In [`single`] it is one stream, whose steps run one after another. In [`several`] each
//! booking is a stream of its own, so that they run side by side, and the trip waits for all of them. [`agency`] stands
//! for the booking systems of other people, which are away at times and lose answers. [`overview`] is a table of holidays
//! for whoever makes a list of them.
//!
//! # A chain must not end in a refusal
//!
//! A workflow is a chain: an event leads by a reaction to the next command, whose event leads to the one after it. A
//! refused command leads to no event. Its refusal is recorded and answered, and nothing reacts to it: the chain ends
//! there, and the flight that was booked before stays booked.
//!
//! So a no is a refusal only where somebody waits for the answer: [`single::Holiday::start`] refuses to start twice.
//! Inside the chain a no is something that happened, and is written down as an event: a booking leads to `PartBooked`
//! or to `PartRefused`, one as good as the other, and each has a reaction. What gives a booking back is asked for
//! nothing that it could refuse.
//!
//! What cannot be reached is neither: a [`Failure`](sourced::Failure) is tried again. When it persists, its stream is
//! parked, which is logged, and the chain waits there for a person.
//!
//! # A call is made again
//!
//! Nobody can store a result together with the effect of a call to somebody else. When a process dies in between, or the
//! stream gets another event during the call, the call is made again. So every call carries a key that is the same each
//! time: the name of what is booked, not a number made for the call.

#[expect(
    clippy::missing_errors_doc,
    reason = "the errors of a domain say it themselves"
)]
pub mod several;
#[expect(
    clippy::missing_errors_doc,
    reason = "the errors of a domain say it themselves"
)]
pub mod single;

pub mod agency;
pub mod overview;

use std::fmt;

use serde::{Deserialize, Serialize};
use sourced::{App, AppBuilder};

/// What a holiday is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The way there and back.
    Flight,
    /// A room.
    Hotel,
    /// To get around.
    Car,
}

impl Part {
    /// All parts, in the order in which they are booked.
    pub const ALL: [Self; 3] = [Self::Flight, Self::Hotel, Self::Car];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flight => "flight",
            Self::Hotel => "hotel",
            Self::Car => "car",
        })
    }
}

/// How booking a holiday ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything is booked.
    Booked,
    /// Nothing is booked, because of this.
    Cancelled(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booked => f.write_str("booked"),
            Self::Cancelled(reason) => write!(f, "cancelled: {reason}"),
        }
    }
}

/// Why a holiday is not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the holiday was started before")]
pub struct AlreadyStarted;

/// Both forms of the business, without a backend and an agency.
pub fn app() -> AppBuilder {
    App::builder()
        .register::<single::Holiday>()
        .register::<several::Trip>()
        .register::<several::Reservation>()
        .register::<overview::HolidayRow>()
}
