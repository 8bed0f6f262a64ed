//! What a broken backend does with tables.

use std::time::Duration;

use sourced::backend::{
    BackendError, Claims as _, Groups as _, Live, ResetFrom, ResetScope, RowQuery, Swap, Swapped,
    Table, TableError, Tables, Values, Versions,
};
use sourced::{GroupId, Position};

use crate::broken::{Broken, Fault, backend};

fn nobody() -> GroupId {
    GroupId::new("nobody").expect("it is a name")
}

backend! {
    Tables for Broken {
        async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
            if self.has(Fault::MakesTablesAlone) {
                return self.memory.ensure_table(table, &nobody()).await;
            }
            self.memory.ensure_table(table, group).await
        }

        async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
            if self.has(Fault::EmptiesTablesAlone) {
                self.memory.drop_table(table).await?;
                let made = self.memory.ensure_table(table, &nobody()).await;
                return made.map_err(|error| BackendError::Refused(error.into()));
            }
            self.memory.rebuild_table(table, group).await
        }

        async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
            let mut query = query.clone();
            if self.has(Fault::IgnoresWherePagesBegin) {
                query.after = None;
            }
            self.memory.rows(table, &query).await
        }
    } else {
        drop_table(table: &Table) -> Result<(), BackendError>;
    }
}

backend! {
    Versions for Broken {
        async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
            let is_blind = self.has(Fault::SwapsWhateverWaits);
            if !is_blind && !self.has(Fault::SwapsUnfenced) {
                return self.memory.swap(swap).await;
            }
            let to = std::slice::from_ref(&swap.to);
            if !is_blind && self.memory.pending_lanes(to).await? > 0 {
                return Ok(Swapped::Behind);
            }
            if is_blind {
                // Setting it back to where it is takes its claims back.
                let (all, end) = (ResetScope::All, ResetFrom::After(Position::new(u64::MAX >> 1)));
                self.memory.reset_group(&swap.from, &all, end).await?;
            }
            let swapped = self.memory.roll_back(swap).await;
            self.memory.stop_group(&swap.from, "swapped").await?;
            swapped
        }

        async fn hold(&self, group: &GroupId, length: Duration, rest: Duration) -> Result<bool, BackendError> {
            if self.has(Fault::HoldsNobody) {
                return Ok(true);
            }
            if self.has(Fault::HoldsForGood) {
                self.memory.stop_group(group, "held").await?;
                return Ok(true);
            }
            let rest = if self.has(Fault::HoldsWithoutRest) { Duration::ZERO } else { rest };
            self.memory.hold(group, length, rest).await
        }

        async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
            if self.has(Fault::ForgetsWhatIsLive) {
                self.memory.remove_group(group).await?;
                self.memory.drop_table(table).await?;
                return Ok(true);
            }
            self.memory.forget(table, group).await
        }
    } else {
        live(table: &str) -> Result<Option<Live>, BackendError>;
        enter(table: &Table, first: &GroupId) -> Result<Live, BackendError>;
        roll_back(swap: &Swap) -> Result<Swapped, BackendError>;
    }
}
