//! What the processes work on: deposits into accounts, noted in books, confirmed a little later; and visits.
//!
//! ```text
//! account-7: deposit ──▶ deposited ──▶ book-3: note ──▶ noted ── half a second ──▶ account-7: confirm ──▶ confirmed
//!                └─ refused, one in ten
//!            visit ──▶ visited
//! ```

use std::time::Duration;

use sourced::Rejected;
use sourced::prelude::*;

use crate::trouble::Trouble;

/// So many accounts.
pub(crate) const ACCOUNTS: u64 = 40;
/// So many books, which many accounts share.
pub(crate) const BOOKS: u64 = 40;
/// How long a confirmation waits.
const PAUSE: Duration = Duration::from_millis(500);

/// An account remembers nothing but how many deposits and visits it had.
#[derive(Debug, Default)]
pub(crate) struct Account {
    n_deposits: u64,
    n_visits: u64,
}

/// Said to one deposit in ten.
#[derive(Debug, thiserror::Error)]
#[error("the number {0} is not welcome")]
pub(crate) struct Unwelcome(u64);

/// Whether this deposit will be refused.
pub(crate) fn is_unwelcome(number: u64) -> bool {
    number % 10 == 9
}

#[actor]
impl Account {
    #[command]
    pub(crate) async fn deposit(
        &self,
        number: u64,
        trouble: Res<Trouble>,
    ) -> Result<Deposited, Rejected<Unwelcome>> {
        trouble.maybe().await?;
        if is_unwelcome(number) {
            return Err(Unwelcome(number).into());
        }
        Ok(Deposited {
            number,
            nth: self.n_deposits + 1,
        })
    }

    /// `nth` is what the state of the decision said; it has to be what a reader counts.
    #[event]
    pub(crate) fn deposited(&mut self, number: u64, nth: u64) {
        _ = (number, nth);
        self.n_deposits += 1;
    }

    #[reaction]
    async fn note(
        &self,
        event: &Message<Deposited>,
        trouble: Res<Trouble>,
    ) -> Result<Outgoing<Note>, Failure> {
        trouble.maybe().await?;
        let number = event.payload.number;
        let account = event.stream_id.to_string();
        Ok(Note { number, account }.to(format!("book-{}", number % BOOKS)))
    }

    #[command]
    pub(crate) fn visit(&self, number: u64) -> Visited {
        let nth = self.n_visits + 1;
        Visited { number, nth }
    }

    /// As of a deposit.
    #[event]
    pub(crate) fn visited(&mut self, number: u64, nth: u64) {
        _ = (number, nth);
        self.n_visits += 1;
    }

    #[command]
    pub(crate) fn confirm(&self, number: u64) -> Confirmed {
        Confirmed { number }
    }

    #[event]
    pub(crate) fn confirmed(&mut self, number: u64) {
        _ = number;
    }
}

/// A book keeps nothing in memory.
#[derive(Debug, Default)]
pub(crate) struct Book;

#[actor]
impl Book {
    #[command]
    pub(crate) fn note(&self, number: u64, account: String) -> Noted {
        Noted { number, account }
    }

    #[event]
    pub(crate) fn noted(&mut self, number: u64, account: String) {
        _ = (number, account);
    }

    #[reaction]
    async fn have_confirmed(
        &self,
        noted: &Noted,
        trouble: Res<Trouble>,
    ) -> Result<Outgoing<Confirm>, Failure> {
        trouble.maybe().await?;
        let confirm = Confirm {
            number: noted.number,
        };
        Ok(confirm.to(&noted.account).after(PAUSE))
    }
}

/// How many deposits an account had, as a projector that knows its states from batch to batch.
#[derive(Debug)]
pub(crate) struct Tally {
    account: String,
    n_deposits: u64,
}

/// The collection of its documents.
pub(crate) const TALLIES: &str = "tallies";

#[projector]
impl Tally {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            account: id.to_string(),
            n_deposits: 0,
        }
    }

    #[event]
    fn deposited(&mut self, event: &Deposited) {
        _ = event;
        self.n_deposits += 1;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put(TALLIES, &self.account, &self.n_deposits).await
    }
}
