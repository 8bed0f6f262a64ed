//! Columns by their names and types, for queries.

use std::fmt;
use std::marker::PhantomData;

use super::value::{ColumnError, ColumnValue};
use crate::backend::{Sorting, Test, Value};

/// A column of rows `R` that holds a `V`. `#[derive(Projection)]` makes one for each field that is not kept as JSON.
///
/// What it is asked becomes a condition of a query: see `App::rows`. Comparisons say no to what is null, but for
/// `eq(None)`.
pub struct Column<R, V> {
    at: usize,
    of: PhantomData<fn() -> (R, V)>,
}

/// What is asked of the rows in a query.
#[must_use = "a condition does nothing until it is given to a query"]
#[derive(Debug)]
pub struct Condition<R> {
    pub(crate) at: usize,
    pub(crate) test: Result<Test, ColumnError>,
    of: PhantomData<fn() -> R>,
}

/// What a query is sorted by.
#[must_use = "an order does nothing until it is given to a query"]
#[derive(Debug)]
pub struct Order<R> {
    pub(crate) at: usize,
    pub(crate) direction: Sorting,
    of: PhantomData<fn() -> R>,
}

impl<R, V> Column<R, V> {
    /// The column at this place of the table.
    pub const fn new(at: usize) -> Self {
        Self {
            at,
            of: PhantomData,
        }
    }

    /// Nothing first, then the smallest value.
    pub fn ascending(&self) -> Order<R> {
        self.order(Sorting::Ascending)
    }

    /// The largest value first, and nothing last.
    pub fn descending(&self) -> Order<R> {
        self.order(Sorting::Descending)
    }

    fn order(&self, direction: Sorting) -> Order<R> {
        Order {
            at: self.at,
            direction,
            of: PhantomData,
        }
    }
}

impl<R, V: ColumnValue> Column<R, V> {
    /// The value is this one.
    pub fn eq(&self, value: impl Into<V>) -> Condition<R> {
        self.test(value, Test::Is)
    }

    /// The value is one of these.
    pub fn is_in<T: Into<V>>(&self, values: impl IntoIterator<Item = T>) -> Condition<R> {
        let values = values.into_iter().map(|value| value.into().to_value());
        let values: Result<Vec<_>, _> = values.collect();
        self.condition(values.map(Test::In))
    }

    /// The value is less than this.
    pub fn lt(&self, value: impl Into<V>) -> Condition<R> {
        self.test(value, Test::Less)
    }

    /// The value is this or less.
    pub fn at_most(&self, value: impl Into<V>) -> Condition<R> {
        self.test(value, Test::AtMost)
    }

    /// The value is more than this.
    pub fn gt(&self, value: impl Into<V>) -> Condition<R> {
        self.test(value, Test::Greater)
    }

    /// The value is this or more.
    pub fn at_least(&self, value: impl Into<V>) -> Condition<R> {
        self.test(value, Test::AtLeast)
    }

    fn test(&self, value: impl Into<V>, test: fn(Value) -> Test) -> Condition<R> {
        self.condition(value.into().to_value().map(test))
    }

    fn condition(&self, test: Result<Test, ColumnError>) -> Condition<R> {
        Condition {
            at: self.at,
            test,
            of: PhantomData,
        }
    }
}

impl<R, V> fmt::Debug for Column<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
