//! Running a table projector over a batch: its events are decoded outside of the transaction, and folded inside.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::after::{AfterCommit, ChangedRows};
use super::fold::{Decoded, Fold};
use super::project::{Step, TableHandlers, TableProjector};
use super::{group_of_version, table_of_projector};
use crate::backend::{BackendError, GroupOrder, Table, check_keys};
use crate::failure::Failure;
use crate::message::{StoredMessage, TypeName};
use crate::reactor::{Batch, Clash, EventFailure, Handled, Needs, Reactor, guarded_now};
use crate::stream::GroupId;
use crate::topology::Flow;

/// Runs a table projector.
pub struct TableReactor<R> {
    group: GroupId,
    table: Arc<Table>,
    handlers: TableHandlers<R>,
}

impl<R: TableProjector> TableReactor<R> {
    /// The reactor of this projector.
    ///
    /// # Panics
    /// When the projector's name is not a group id, which `#[projector]` does not let happen.
    pub fn shared() -> Arc<dyn Reactor> {
        let group = group_of_version(R::NAME, R::VERSION);
        Arc::new(Self {
            handlers: TableHandlers::of_projector(group.clone()),
            table: Arc::new(table_of_projector::<R>()),
            group,
        })
    }
}

impl<R: TableProjector> TableReactor<R> {
    /// What a message makes of its row, whose key the table can hold.
    fn step(&self, message: &StoredMessage) -> Result<Option<Step<R>>, Failure> {
        let Some((key, change)) = self.handlers.step(message).transpose()? else {
            return Ok(None);
        };
        check_keys(&self.table, std::slice::from_ref(&key))?;
        Ok(Some((key, change)))
    }
}

#[async_trait]
impl<R: TableProjector> Reactor for TableReactor<R> {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        self.handlers.types()
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.handlers.needs
    }

    fn clashes(&self) -> Vec<Clash> {
        self.handlers.clashes().to_vec()
    }

    fn flow(&self) -> Flow {
        self.handlers.flow.clone()
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn announces(&self) -> bool {
        self.handlers.after.is_some()
    }

    fn projection(&self) -> Option<&'static str> {
        Some(R::NAME)
    }

    fn order(&self) -> GroupOrder {
        R::ORDER
    }

    fn takes_stretches(&self) -> bool {
        // Which of two versions has to tell is known by stream.
        R::ORDER == GroupOrder::PerStream && !self.announces()
    }

    fn takes_part_in_units(&self) -> bool {
        R::ORDER == GroupOrder::PerStream
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let mut handled = Handled::default();
        let mut events = Vec::with_capacity(batch.deliveries.len());
        for delivery in batch.deliveries {
            let message = &delivery.message;
            batch.begins_with(message);
            let step = guarded_now(|| self.step(message)).and_then(|step| step);
            match step {
                Ok(step) => events.extend(step.map(|(key, change)| Decoded {
                    key,
                    change,
                    is_replay: delivery.replaying,
                })),
                Err(failure) => {
                    handled.failure = Some(EventFailure::at(&self.group, message, failure));
                    break;
                }
            }
            handled.upto = Some(message.position);
        }
        if !events.is_empty() {
            let changed = self.handlers.after.map(|after| {
                let rows = ChangedRows::default();
                let after = AfterCommit::new(after, &self.table, &rows, batch);
                handled.afterwards.push(Arc::new(after));
                rows
            });
            let (group, table) = (self.group.clone(), Arc::clone(&self.table));
            let fold = Fold::new(group, table, events, changed);
            handled.syncs.push(Arc::new(fold));
        }
        Ok(handled)
    }
}

impl<R> fmt::Debug for TableReactor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReactor")
            .field("group", &self.group)
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}
