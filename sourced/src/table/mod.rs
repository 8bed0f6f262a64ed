//! Table projections: read models whose rows the library creates, changes and deletes.
//!
//! `#[derive(Projection)]` on a struct writes its [`Row`]; `#[projector]` on its `impl` block, with `#[event]` methods that
//! make, change and end rows, writes its [`TableProjector`]. A batch is one read of the rows that it touches, one evolve over
//! all its events and one write, in the transaction that acknowledges it.

mod after;
mod columns;
#[cfg(feature = "chrono")]
mod date;
mod describe;
mod fold;
mod project;
mod run;
mod value;
mod version;

pub use after::{AfterRow, RowChange};
pub use columns::{Column, Condition, Order};
pub use describe::{Describe, FromRow, Kept, ToRow, kept};
pub use project::{
    Delete, IntoRow, Misfit, Projects, RowError, RowProblem, TableHandlers, TableProjector,
    changed, created, either, ended,
};
pub use run::TableReactor;
pub use value::{ColumnError, ColumnValue, KeyValue};
pub use version::{group_of_version, table_of_projector};

use crate::backend::{Table, Values};

/// A row of a read model. `#[derive(Projection)]` writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no row of a table",
    label = "does not derive `Projection`",
    note = "add `#[derive(Projection)]` and `#[projection(table = \"…\")]` to `{Self}`, and `#[key]` to a field"
)]
pub trait Row: Sized + Send + Sync + 'static {
    /// The type of its key field, or a tuple of several.
    type Key: Send + Sync + 'static;
    /// Its columns by their names, for queries.
    type Columns: 'static;

    /// What the table is called, after the backend's own schema or prefix.
    const TABLE: &'static str;
    /// Its columns.
    const COLUMNS: Self::Columns;

    /// Lists the columns.
    fn describe(columns: &mut Describe);

    /// Its key.
    fn key(&self) -> Self::Key;

    /// The key as values.
    ///
    /// # Errors
    /// [`ColumnError`] when the table cannot hold it.
    fn key_values(key: &Self::Key, to: &mut ToRow) -> Result<(), ColumnError>;

    /// The row as values, in the order of the columns.
    ///
    /// # Errors
    /// [`ColumnError`] when the table cannot hold it.
    fn write(&self, to: &mut ToRow) -> Result<(), ColumnError>;

    /// The row of these values.
    ///
    /// # Errors
    /// [`ColumnError`] when they are not of this row.
    fn read(from: &mut FromRow) -> Result<Self, ColumnError>;
}

/// The first version of the table of these rows.
pub fn table_of<R: Row>() -> Table {
    let mut columns = Describe::default();
    R::describe(&mut columns);
    Table {
        name: R::TABLE,
        version: 1,
        columns: columns.columns,
    }
}

/// A key as values.
///
/// # Errors
/// [`ColumnError`] when no table can hold it.
pub fn key_values_of<R: Row>(key: &R::Key) -> Result<Values, ColumnError> {
    let mut to = ToRow::default();
    R::key_values(key, &mut to)?;
    Ok(to.values)
}

/// The row of these values, in a table as [`table_of`] describes it.
///
/// # Errors
/// [`ColumnError`] names the column that is not of this row.
pub fn row_of<R: Row>(table: &Table, values: Values) -> Result<R, ColumnError> {
    let mut from = FromRow::new(values);
    R::read(&mut from).map_err(|error| error.in_column(table, from.n_taken.saturating_sub(1)))
}

/// A row as values.
///
/// # Errors
/// [`ColumnError`] names the column that the table cannot hold.
pub fn values_of<R: Row>(table: &Table, row: &R) -> Result<Values, ColumnError> {
    let mut to = ToRow::default();
    match row.write(&mut to) {
        Ok(()) => Ok(to.values),
        Err(error) => Err(error.in_column(table, to.values.len())),
    }
}
