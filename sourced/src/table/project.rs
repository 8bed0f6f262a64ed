//! How events make, change and end rows.

use std::error::Error as StdError;
use std::fmt;

use super::after::{self, AfterOf};
use super::{AfterRow, ColumnError, Row, key_values_of};
use crate::backend::{GroupOrder, Values};
use crate::failure::Failure;
use crate::message::{Event, Message, StoredMessage, TypeName};
use crate::reactor::{Clash, FromContext, Needs, OldShape, Rows};
use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::topology::Flow;

/// A read model that is a table. `#[projector]` writes this.
pub trait TableProjector: Row {
    /// Its name, which is the consumer group of its first version.
    const NAME: &'static str;
    /// Which version it is. Each has a table and a consumer group of its own.
    const VERSION: u32 = 1;

    /// In which order its events come.
    const ORDER: GroupOrder = GroupOrder::PerStream;

    /// Fills the table of handlers.
    fn handlers(handlers: &mut TableHandlers<Self>);
}

/// Rows that know what an event makes of them. `#[event]` methods write this.
pub trait Projects<E: Event>: Row {
    /// The key of the row that the event is about.
    fn key_of(message: &Message<E>) -> Self::Key;

    /// What the event makes of the row, or of none.
    ///
    /// # Errors
    /// [`Misfit`] when the event is about a row that is not there, or makes one that is.
    fn project(row: Option<Self>, message: &Message<E>) -> Result<Option<Self>, Misfit>;
}

/// Returned by an `#[event]` method that ends its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delete;

/// What an `#[event]` method of a table may return: the row, `Option` of it, or [`Delete`].
#[diagnostic::on_unimplemented(
    message = "an `#[event]` method of a table cannot return `{Self}`",
    label = "no row of this table",
    note = "return `Self`, `Option<Self>` or `Delete`"
)]
pub trait IntoRow<R> {
    /// The row, unless there is to be none.
    fn into_row(self) -> Option<R>;
}

impl<R: Row> IntoRow<R> for R {
    fn into_row(self) -> Option<R> {
        Some(self)
    }
}

impl<R: Row> IntoRow<R> for Option<R> {
    fn into_row(self) -> Option<R> {
        self
    }
}

impl<R: Row> IntoRow<R> for Delete {
    fn into_row(self) -> Option<R> {
        None
    }
}

/// Why an event and a row do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The event makes a row that is there.
    #[error(
        "makes a row that is there already; take `row: Option<Self>` in its method where that may be, and `rebuild` the group instead of resetting it"
    )]
    Exists,
    /// The event changes or ends a row that is not there.
    #[error(
        "is about a row that is not there; take `row: Option<Self>` in its method where that may be, and mind that streams have no order among each other"
    )]
    Missing,
    /// The row has another key than the event.
    #[error("leads to a row of another key: the key of a row never changes")]
    OtherKey,
}

/// `fn added(event: &Added) -> Self`: a row that is not there yet.
///
/// # Errors
/// [`Misfit::Exists`] when it is.
#[expect(clippy::needless_pass_by_value, reason = "as the others take it")]
pub fn created<R: Row, T: IntoRow<R>>(
    row: Option<R>,
    make: impl FnOnce() -> T,
) -> Result<Option<R>, Misfit> {
    match row {
        Some(_) => Err(Misfit::Exists),
        None => Ok(make().into_row()),
    }
}

/// `fn amended(&mut self, event: &Amended)`: a row that is there.
///
/// # Errors
/// [`Misfit::Missing`] when it is not.
pub fn changed<R: Row>(row: Option<R>, change: impl FnOnce(&mut R)) -> Result<Option<R>, Misfit> {
    let mut row = row.ok_or(Misfit::Missing)?;
    change(&mut row);
    Ok(Some(row))
}

/// `fn completed(self, event: &Completed) -> Delete`: a row that is there, and may go.
///
/// # Errors
/// [`Misfit::Missing`] when it is not there.
pub fn ended<R: Row, T: IntoRow<R>>(
    row: Option<R>,
    end: impl FnOnce(R) -> T,
) -> Result<Option<R>, Misfit> {
    let row = row.ok_or(Misfit::Missing)?;
    Ok(end(row).into_row())
}

/// `fn counted(row: Option<Self>, event: &Added) -> Self`: a row that may be there or not.
///
/// # Errors
/// None.
pub fn either<R: Row, T: IntoRow<R>>(
    row: Option<R>,
    make: impl FnOnce(Option<R>) -> T,
) -> Result<Option<R>, Misfit> {
    Ok(make(row).into_row())
}

/// An event, decoded: what it makes of its row.
pub(super) trait Change<R>: Send + Sync {
    /// What it makes of the row, or of none.
    fn apply(&self, row: Option<R>) -> Result<Option<R>, Misfit>;
    /// Its envelope, for what is said of it.
    fn event(&self) -> Message<()>;
}

impl<R: Projects<E>, E: Event> Change<R> for Message<E> {
    fn apply(&self, row: Option<R>) -> Result<Option<R>, Misfit> {
        R::project(row, self)
    }

    fn event(&self) -> Message<()> {
        self.envelope()
    }
}

/// The key of the row that an event is about, and what it makes of it.
pub(super) type Step<R> = (Values, Box<dyn Change<R>>);

type StepOf<R> = fn(&StoredMessage) -> Result<Step<R>, Failure>;

/// The handlers of a table projector, a row each.
pub struct TableHandlers<R> {
    rows: Rows<StepOf<R>>,
    pub(super) after: Option<AfterOf<R>>,
    pub(super) needs: Needs,
    pub(super) flow: Flow,
}

impl<R: TableProjector> TableHandlers<R> {
    pub(super) fn of_projector(group: GroupId) -> Self {
        let mut flow = Flow::of_type::<R>(group);
        flow.is_read_model = true;
        flow.has_effects = true;
        let mut handlers = Self {
            rows: Rows::default(),
            after: None,
            needs: Needs::default(),
            flow,
        };
        R::handlers(&mut handlers);
        handlers
    }

    /// An event that makes, changes or ends a row.
    pub fn event<E: Event>(&mut self) -> &mut Self
    where
        R: Projects<E>,
    {
        self.rows.insert::<E>(step::<R, E>);
        self.flow.evolves::<E>();
        self
    }

    /// It does something about its rows after the commit.
    pub fn after_sync(&mut self) -> &mut Self
    where
        R: AfterRow,
    {
        self.after = Some(after::after_of::<R>);
        self
    }

    /// Something its methods ask for.
    pub fn needs<T: FromContext>(&mut self) -> &mut Self {
        self.needs.add::<T>();
        self
    }

    pub(super) fn types(&self) -> Vec<TypeName> {
        self.rows.names().cloned().collect()
    }

    pub(super) fn clashes(&self) -> &[Clash] {
        self.rows.clashes()
    }

    /// What a message makes of its row; `None` when there is no handler for it.
    pub(super) fn step(&self, message: &StoredMessage) -> Option<Result<Step<R>, Failure>> {
        let step = self.rows.get(&message.type_name)?;
        Some(step(message))
    }
}

fn step<R: Projects<E>, E: Event>(message: &StoredMessage) -> Result<Step<R>, Failure> {
    let message: Message<E> = message.decode().map_err(OldShape::from)?;
    let key = key_values_of::<R>(&R::key_of(&message))?;
    Ok((key, Box::new(message)))
}

impl<R> fmt::Debug for TableHandlers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.rows.names()).finish()
    }
}

/// Why an event could not be brought into its table.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{group}`: `{type_name}` at seq {seq} of `{stream}` (position {position}), for the row {key} of `{table}`: {why}"
)]
#[non_exhaustive]
pub struct RowError {
    /// The group of the table.
    pub group: GroupId,
    /// The type of the event.
    pub type_name: TypeName,
    /// Its stream.
    pub stream: StreamId,
    /// Its place there.
    pub seq: Seq,
    /// Its place in the log.
    pub position: Position,
    /// The table.
    pub table: &'static str,
    /// The key of the row, as text.
    pub key: String,
    /// What is wrong.
    #[source]
    pub why: RowProblem,
}

/// What is wrong with an event and its row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// They do not go together.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The row that is there is not one of this table, or the one that came out cannot be.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The method panicked.
    #[error("{0}")]
    Panicked(String),
    /// The database refused to read or to write the table, and will refuse again.
    #[error(
        "{0}; where somebody has altered the table, put it back as its struct says, or drop it and start the program again, which fills it anew; then retry what is parked"
    )]
    Table(#[source] Box<dyn StdError + Send + Sync>),
}
