//! From structs to rows and back: what derived code calls, a line per field.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{ColumnError, ColumnValue, KeyValue};
use crate::backend::{Column, ColumnType, Mark, Nulls, Value, Values};
use crate::message::Payload;

/// Collects the columns of a table.
#[derive(Debug, Default)]
pub struct Describe {
    pub(super) columns: Vec<Column>,
}

impl Describe {
    /// A column that is part of the key.
    pub fn key<T: KeyValue>(&mut self, name: &'static str, kept: Kept<T>) -> &mut Self {
        self.push(name, kept, Mark::Key)
    }

    /// A column.
    pub fn column<T>(&mut self, name: &'static str, kept: Kept<T>) -> &mut Self {
        self.push(name, kept, Mark::Plain)
    }

    /// A column with an index.
    pub fn index<T>(&mut self, name: &'static str, kept: Kept<T>) -> &mut Self {
        self.push(name, kept, Mark::Index)
    }

    /// A column in which no two rows have the same value.
    pub fn unique<T>(&mut self, name: &'static str, kept: Kept<T>) -> &mut Self {
        self.push(name, kept, Mark::Unique)
    }

    /// A column that holds its field as JSON.
    pub fn json<T: Serialize + DeserializeOwned>(&mut self, name: &'static str) -> &mut Self {
        self.columns.push(Column {
            name,
            of: ColumnType::Json,
            nulls: Nulls::Refused,
            mark: Mark::Plain,
        });
        self
    }

    fn push<T>(&mut self, name: &'static str, kept: Kept<T>, mark: Mark) -> &mut Self {
        self.columns.push(Column {
            name,
            of: kept.of,
            nulls: kept.nulls,
            mark,
        });
        self
    }
}

/// How a type is kept in a column. Made by [`kept`], the one place that asks whether it can be.
pub struct Kept<T> {
    of: ColumnType,
    nulls: Nulls,
    to: fn(&T) -> Result<Value, ColumnError>,
    from: fn(Value) -> Result<T, ColumnError>,
}

/// How this type is kept in a column.
pub fn kept<T: ColumnValue>() -> Kept<T> {
    Kept {
        of: T::TYPE,
        nulls: T::NULLS,
        to: T::to_value,
        from: T::from_value,
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kept<T> {}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}

/// Takes the values of a row.
#[derive(Debug, Default)]
pub struct ToRow {
    pub(super) values: Values,
}

impl ToRow {
    /// The next value.
    ///
    /// # Errors
    /// [`ColumnError`] when no column can hold it.
    pub fn put<T>(&mut self, kept: Kept<T>, value: &T) -> Result<(), ColumnError> {
        self.values.push((kept.to)(value)?);
        Ok(())
    }

    /// The next value, as JSON.
    ///
    /// # Errors
    /// [`ColumnError`] when it cannot be read back from JSON as it is.
    pub fn json<T: Serialize + DeserializeOwned>(&mut self, value: &T) -> Result<(), ColumnError> {
        let json = Payload::encode(value).map_err(|error| ColumnError::new(error.to_string()))?;
        self.values.push(Value::Json(json.as_str().to_owned()));
        Ok(())
    }
}

/// Gives the values of a row.
pub struct FromRow {
    values: std::vec::IntoIter<Value>,
    pub(super) n_taken: usize,
}

impl FromRow {
    pub(super) fn new(values: Values) -> Self {
        Self {
            values: values.into_iter(),
            n_taken: 0,
        }
    }

    fn next(&mut self) -> Result<Value, ColumnError> {
        self.n_taken += 1;
        let value = self.values.next();
        value.ok_or_else(|| ColumnError::new("is not in the row"))
    }

    /// The next value.
    ///
    /// # Errors
    /// [`ColumnError`] when it is not one.
    pub fn take<T>(&mut self, kept: Kept<T>) -> Result<T, ColumnError> {
        (kept.from)(self.next()?)
    }

    /// The next value, from JSON.
    ///
    /// # Errors
    /// [`ColumnError`] when it is not one.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, ColumnError> {
        let Value::Json(json) = self.next()? else {
            return Err(ColumnError::new("is not JSON"));
        };
        let value = Payload::from_storage(json).decode();
        value.map_err(|error| ColumnError::new(error.to_string()))
    }
}

impl fmt::Debug for FromRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromRow")
            .field("n_taken", &self.n_taken)
            .finish_non_exhaustive()
    }
}
