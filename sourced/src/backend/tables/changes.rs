//! Changes of rows, and what rows no table can hold.

use super::super::BackendError;
use super::super::keys::check_indexed;
use super::{Mark, Nulls, Table, Value, Values};

/// What becomes of the rows that a batch touches. No key stands in it twice, and each was read in the same transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowChanges {
    /// Rows that were not there.
    pub created: Vec<Values>,
    /// Rows that were there, as they are now. Their keys are the same.
    pub changed: Vec<Values>,
    /// The keys of rows that were there, and are to go.
    pub deleted: Vec<Values>,
}

impl RowChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty() && self.deleted.is_empty()
    }
}

/// Whether a table can hold these rows, and give them back as they are. For backends, before anything is stored.
///
/// # Errors
/// [`BackendError::Refused`] names the column, not the value; with [`KeyError`](crate::backend::KeyError) where an index could
/// not hold it.
pub fn check_rows(table: &Table, rows: &[Values]) -> Result<(), BackendError> {
    let refused = |text: String| Err(BackendError::Refused(text.into()));
    for row in rows {
        if row.len() != table.columns.len() {
            let (has, wants) = (row.len(), table.columns.len());
            return refused(format!(
                "a row of `{}` has {has} values for {wants} columns",
                table.name
            ));
        }
        for (column, value) in table.columns.iter().zip(row) {
            if let Err(why) = check_value(column.of, column.nulls, value) {
                return refused(format!(
                    "`{}` of a row of `{}` {why}",
                    column.name, table.name
                ));
            }
            if let Mark::Unique | Mark::Index = column.mark {
                let named = || format!("`{}` of a row of `{}`", column.name, table.name);
                check_indexed([value].into_iter(), named)?;
            }
        }
        check_key(table, &table.key_of(row))?;
    }
    Ok(())
}

/// Whether there can be rows of these keys.
///
/// # Errors
/// [`BackendError::Refused`] names the column, not the value; with [`KeyError`](crate::backend::KeyError) where an index could
/// not hold the key.
pub fn check_keys(table: &Table, keys: &[Values]) -> Result<(), BackendError> {
    for key in keys {
        for ((_, column), value) in table.key().zip(key) {
            if let Err(why) = check_value(column.of, Nulls::Refused, value) {
                let text = format!("`{}` of a key of `{}` {why}", column.name, table.name);
                return Err(BackendError::Refused(text.into()));
            }
        }
        check_key(table, key)?;
    }
    Ok(())
}

fn check_key(table: &Table, key: &Values) -> Result<(), BackendError> {
    let named = || {
        let columns: Vec<&str> = table.key().map(|(_, column)| column.name).collect();
        format!(
            "the key (`{}`) of a row of `{}`",
            columns.join("`, `"),
            table.name
        )
    };
    Ok(check_indexed(key.iter(), named)?)
}

fn check_value(of: super::ColumnType, nulls: Nulls, value: &Value) -> Result<(), &'static str> {
    match value {
        Value::Null if nulls == Nulls::Refused => Err("is nothing, where something has to be"),
        Value::Null => Ok(()),
        value if value.of() != Some(of) => Err("has another type"),
        Value::Text(text) if text.contains('\0') => Err("has a NUL, which no database keeps"),
        Value::Float(number) if !number.is_finite() => Err("is not a finite number"),
        _ => Ok(()),
    }
}
