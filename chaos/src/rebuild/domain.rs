//! Tills that sell, and what each stall has taken: a table in two versions.

use std::sync::Arc;

use sourced::prelude::*;

use super::told::Told;

/// So many tills.
pub(super) const TILLS: u64 = 200;
/// So many stalls, each of which sells at all tills.
pub(super) const STALLS: u64 = 400;

/// A till remembers nothing.
#[derive(Debug, Default)]
pub(super) struct Till;

#[actor]
impl Till {
    #[command]
    pub(super) fn sell(&self, stall: u64, cents: u64) -> Sold {
        Sold { stall, cents }
    }

    #[event]
    pub(super) fn sold(&mut self, stall: u64, cents: u64) {
        _ = (stall, cents);
    }
}

/// What a stall has taken. The programs of both versions read rows of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Projection)]
#[projection(table = "takings")]
pub(super) struct Takings {
    #[key]
    pub(super) stall: u64,
    pub(super) sales: u64,
    pub(super) cents: u64,
    /// Which version has made the row.
    pub(super) version: u64,
}

#[projector("takings")]
impl Takings {
    #[event]
    fn sold(row: Option<Self>, event: &Sold) -> Self {
        let (sales, cents) = row.map_or((0, 0), |row| (row.sales, row.cents));
        Self {
            stall: event.stall,
            sales: sales + 1,
            cents: cents + event.cents,
            version: 1,
        }
    }

    #[after_sync]
    fn tell(&self, told: Res<Arc<Told>>) -> Result<(), Failure> {
        Ok(told.note(1, self.stall, self.sales)?)
    }
}

/// The same in the newer program.
#[derive(Debug, Clone, PartialEq, Eq, Projection)]
#[projection(table = "takings")]
pub(super) struct TakingsOfTwo {
    #[key]
    stall: u64,
    sales: u64,
    cents: u64,
    version: u64,
}

impl From<TakingsOfTwo> for Takings {
    fn from(row: TakingsOfTwo) -> Self {
        Self {
            stall: row.stall,
            sales: row.sales,
            cents: row.cents,
            version: row.version,
        }
    }
}

#[projector("takings", version = 2)]
impl TakingsOfTwo {
    #[event]
    fn sold(row: Option<Self>, event: &Sold) -> Self {
        let (sales, cents) = row.map_or((0, 0), |row| (row.sales, row.cents));
        Self {
            stall: event.stall,
            sales: sales + 1,
            cents: cents + event.cents,
            version: 2,
        }
    }

    #[after_sync]
    fn tell(&self, told: Res<Arc<Told>>) -> Result<(), Failure> {
        Ok(told.note(2, self.stall, self.sales)?)
    }
}
