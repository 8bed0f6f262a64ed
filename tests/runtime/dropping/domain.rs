//! What the calls are about: accounts whose deposits are noted in books, and counted in documents and rows.
//!
//! ```text
//! account-1: deposit ──▶ deposited ──▶ book-of-account-1: note ──▶ noted
//! ```
//!
//! Each deposit has the number of the call that made it. A document and a row of each account have a digest of these
//! numbers, which tells whether one was missed, counted twice, or came out of order.

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

use crate::cut::pass;

pub const LEDGERS: &str = "ledgers";

/// So that it differs when two numbers change places, too.
pub fn digest(before: i64, call: u64) -> i64 {
    before.wrapping_mul(31).wrapping_add(call.cast_signed())
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub n_deposits: u64,
}

#[actor(snapshot_every = 3)]
impl Account {
    /// Waits for something, as commands may.
    #[command]
    pub async fn deposit(&self, call: u64) -> Deposited {
        pass(1).await;
        Deposited {
            call,
            nth: self.n_deposits + 1,
        }
    }

    /// Into another account, too.
    #[command]
    pub fn share(&self, call: u64, with: Other<Account>) -> (Deposited, Elsewhere<Deposited>) {
        let mine = Deposited {
            call,
            nth: self.n_deposits + 1,
        };
        let nth = with.n_deposits + 1;
        (mine, with.emit(Deposited { call, nth }))
    }

    #[event]
    pub fn deposited(&mut self, _call: u64, nth: u64) {
        self.n_deposits = nth;
    }

    #[reaction]
    fn have_it_noted(&self, event: &Message<Deposited>) -> Outgoing<Note> {
        let call = event.payload.call;
        Note { call }.to(format!("book-of-{}", event.stream_id))
    }
}

#[derive(Debug, Default)]
pub struct Book;

#[actor]
impl Book {
    #[command]
    pub fn note(&self, call: u64) -> Noted {
        Noted { call }
    }

    #[event]
    pub fn noted(&mut self, _call: u64) {}
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub n: u64,
    pub digest: i64,
}

#[projector]
impl Ledger {
    #[event]
    fn deposited(&mut self, event: &Deposited) {
        self.n += 1;
        self.digest = digest(self.digest, event.call);
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put(LEDGERS, id, self).await
    }
}

/// What a book has noted, in a row.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "notes")]
pub struct Notes {
    #[key]
    pub call: u64,
    pub n: u64,
}

#[projector]
impl Notes {
    #[event]
    fn noted(row: Option<Self>, event: &Noted) -> Self {
        Self {
            call: event.call,
            n: row.map_or(0, |row| row.n) + 1,
        }
    }
}

/// A projector that no app registers: what operators do about its group is nobody's trouble.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Spare {
    n: u64,
}

#[event("dropping.broke")]
pub struct Broke {}

#[projector]
impl Spare {
    #[event]
    fn broke(&mut self, _: &Broke) {
        self.n += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("spare", id, self).await
    }
}

/// The first version of a table, which nothing is in.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct Tab {
    #[key]
    pub call: u64,
}

#[event("dropping.tabbed")]
pub struct Tabbed {
    pub call: u64,
}

#[projector("tabs")]
impl Tab {
    #[event]
    fn tabbed(event: &Tabbed) -> Self {
        Self { call: event.call }
    }
}

/// The second one.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct NewTab {
    #[key]
    pub call: u64,
}

#[projector("tabs", version = 2)]
impl NewTab {
    #[event]
    fn tabbed(event: &Tabbed) -> Self {
        Self { call: event.call }
    }
}
