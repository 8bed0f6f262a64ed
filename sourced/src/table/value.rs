//! Which types columns can hold.

use std::fmt;

use uuid::Uuid;

use crate::backend::{ColumnType, Nulls, Table, Value};
use crate::message::MessageId;
use crate::stream::StreamId;
use crate::time::Timestamp;

/// A type that a column can hold.
///
/// | field | PostgreSQL | SQLite |
/// |---|---|---|
/// | `String`, `StreamId` | `text`, sorted by bytes | `TEXT` |
/// | `i8` to `i64`, `u8` to `u64` | `bigint` | `INTEGER` |
/// | `f32`, `f64` | `double precision` | `ANY` |
/// | `bool` | `boolean` | `INTEGER`, 0 or 1 |
/// | `Vec<u8>` | `bytea` | `BLOB` |
/// | `Uuid`, `MessageId` | `uuid` | `TEXT`, in small letters |
/// | `Timestamp` | `timestamptz` | `INTEGER`, microseconds since 1970 |
/// | `chrono::NaiveDate`, with the feature `chrono` | `text`, such as `2026-11-22` | `TEXT` |
/// | anything of serde with `#[projection(json)]` | `json` | `TEXT` |
///
/// `Option` of one may be null. What a column cannot hold is refused before anything is stored: a NUL in a text, a number
/// that is not finite, a `u64` above the largest `i64`, a date outside of the years 0 to 9999.
///
/// A type of your own becomes one of these:
///
/// ```
/// use sourced::backend::{ColumnType, Value};
/// use sourced::table::{ColumnError, ColumnValue, KeyValue};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Sku(String);
///
/// impl ColumnValue for Sku {
///     const TYPE: ColumnType = ColumnType::Text;
///
///     fn to_value(&self) -> Result<Value, ColumnError> {
///         self.0.to_value()
///     }
///
///     fn from_value(value: Value) -> Result<Self, ColumnError> {
///         String::from_value(value).map(Self)
///     }
/// }
///
/// // So that it can be part of a key, too.
/// impl KeyValue for Sku {}
/// ```
#[diagnostic::on_unimplemented(
    message = "no column can hold a `{Self}`",
    label = "no type of a column",
    note = "write `#[projection(json)]` above the field to keep it as JSON",
    note = "a type of your own crate can implement `sourced::table::ColumnValue`"
)]
pub trait ColumnValue: Sized {
    /// The type of the column.
    const TYPE: ColumnType;
    /// Whether the column may be null.
    const NULLS: Nulls = Nulls::Refused;

    /// As the column holds it.
    ///
    /// # Errors
    /// [`ColumnError`] when it cannot.
    fn to_value(&self) -> Result<Value, ColumnError>;

    /// From what the column holds.
    ///
    /// # Errors
    /// [`ColumnError`] when that is something else.
    fn from_value(value: Value) -> Result<Self, ColumnError>;
}

/// A type that can be part of a key: never null, and equal only to itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "no type of a key",
    note = "a key is text, a whole number, a `bool`, bytes, a `Uuid`, a `StreamId`, a `MessageId` or a `Timestamp`, and no `Option`; implement `sourced::table::KeyValue` for a type of your own"
)]
pub trait KeyValue: ColumnValue + Clone {}

/// Why a field and a column do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", column.as_ref().map_or(String::new(), |column| format!("column `{column}` ")))]
pub struct ColumnError {
    column: Option<String>,
    what: String,
}

impl ColumnError {
    /// Says what is wrong, as in `is not a colour`. It should not quote the value.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            column: None,
            what: what.into(),
        }
    }

    /// The same with the name of the column at this place of a table.
    pub(super) fn in_column(mut self, table: &Table, at: usize) -> Self {
        let column = table.columns.get(at);
        self.column = column.map(|column| format!("{}.{}", table.name, column.name));
        self
    }

    pub(super) fn not(of: impl fmt::Display) -> Self {
        Self::new(format!("holds no `{of}`"))
    }
}

macro_rules! plain {
    ($($ty:ty => $variant:ident,)*) => {
        $(impl ColumnValue for $ty {
            const TYPE: ColumnType = ColumnType::$variant;

            fn to_value(&self) -> Result<Value, ColumnError> {
                Ok(Value::$variant(self.clone()))
            }

            fn from_value(value: Value) -> Result<Self, ColumnError> {
                match value {
                    Value::$variant(value) => Ok(value),
                    _ => Err(ColumnError::not(Self::TYPE)),
                }
            }
        })*
    };
}

plain! {
    String => Text,
    i64 => Integer,
    f64 => Float,
    bool => Bool,
    Vec<u8> => Bytes,
    Uuid => Uuid,
    Timestamp => Timestamp,
}

macro_rules! integers {
    ($($ty:ident)*) => {
        $(impl ColumnValue for $ty {
            const TYPE: ColumnType = ColumnType::Integer;

            fn to_value(&self) -> Result<Value, ColumnError> {
                let number = i64::try_from(*self);
                let error = || format!("cannot hold a number above {}, the largest `i64`", i64::MAX);
                number.map(Value::Integer).map_err(|_| ColumnError::new(error()))
            }

            fn from_value(value: Value) -> Result<Self, ColumnError> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| ColumnError::not(stringify!($ty)))
            }
        }
        impl KeyValue for $ty {})*
    };
}

integers!(i8 i16 i32 u8 u16 u32 u64);

impl ColumnValue for f32 {
    const TYPE: ColumnType = ColumnType::Float;

    fn to_value(&self) -> Result<Value, ColumnError> {
        Ok(Value::Float(f64::from(*self)))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "what was an `f32` is one again"
    )]
    fn from_value(value: Value) -> Result<Self, ColumnError> {
        f64::from_value(value).map(|number| number as Self)
    }
}

impl ColumnValue for StreamId {
    const TYPE: ColumnType = ColumnType::Text;

    fn to_value(&self) -> Result<Value, ColumnError> {
        Ok(Value::Text(self.as_str().to_owned()))
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        Self::new(String::from_value(value)?).map_err(|_| ColumnError::not("StreamId"))
    }
}

impl ColumnValue for MessageId {
    const TYPE: ColumnType = ColumnType::Uuid;

    fn to_value(&self) -> Result<Value, ColumnError> {
        Ok(Value::Uuid(self.as_uuid()))
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        Uuid::from_value(value).map(Self::from_uuid)
    }
}

impl KeyValue for String {}
impl KeyValue for i64 {}
impl KeyValue for bool {}
impl KeyValue for Vec<u8> {}
impl KeyValue for Uuid {}
impl KeyValue for Timestamp {}
impl KeyValue for StreamId {}
impl KeyValue for MessageId {}

impl<T: ColumnValue> ColumnValue for Option<T> {
    const TYPE: ColumnType = T::TYPE;
    const NULLS: Nulls = {
        assert!(
            matches!(T::NULLS, Nulls::Refused),
            "`None` and `Some(None)` would be the same null: write one `Option`"
        );
        Nulls::Allowed
    };

    fn to_value(&self) -> Result<Value, ColumnError> {
        self.as_ref().map_or(Ok(Value::Null), T::to_value)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}
