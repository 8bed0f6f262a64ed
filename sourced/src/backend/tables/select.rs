//! Queries: which rows, in which order, from where on; and their SQL.

use std::fmt::Write as _;

use super::{Column, Table, Value, Values};

/// Which rows of a table, in which order. Whatever the order is by, the key comes last, so that it is always the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowQuery {
    /// Columns by their places, and what is asked of them; all of it.
    pub filters: Vec<(usize, Test)>,
    /// Columns by their places, and the direction.
    pub order: Vec<(usize, Sorting)>,
    /// Only what comes after this row in that order. It need not be there any more.
    pub after: Option<Values>,
    /// No more than these.
    pub limit: Option<usize>,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is this one, which may be nothing.
    Is(Value),
    /// It is one of these.
    In(Values),
    /// It is something, and less than this.
    Less(Value),
    /// It is something, and this or less.
    AtMost(Value),
    /// It is more than this.
    Greater(Value),
    /// It is this or more.
    AtLeast(Value),
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorting {
    /// Nothing first, then the smallest.
    Ascending,
    /// The largest first, and nothing last.
    Descending,
}

impl RowQuery {
    /// So many of them.
    pub fn limited(limit: usize) -> Self {
        Self {
            limit: Some(limit),
            ..Self::default()
        }
    }

    /// The order with the key at its end.
    pub fn full_order(&self, table: &Table) -> Vec<(usize, Sorting)> {
        let mut order = self.order.clone();
        for (at, _) in table.key() {
            if !order.iter().any(|(ordered, _)| *ordered == at) {
                order.push((at, Sorting::Ascending));
            }
        }
        order
    }

    /// Whether a row is one of those that are asked for, by its values alone.
    pub fn matches(&self, row: &[Value]) -> bool {
        self.filters.iter().all(|(at, test)| {
            let value = &row[*at];
            match test {
                Test::Is(other) => value == other,
                Test::In(others) => !value.is_null() && others.contains(value),
                Test::Less(other) => !value.is_null() && value < other,
                Test::AtMost(other) => !value.is_null() && value <= other,
                Test::Greater(other) => value > other,
                Test::AtLeast(other) => !other.is_null() && value >= other,
            }
        })
    }
}

/// A query as SQL, for backends that speak it: text with the places of its values, `$1` and so on, and the values. No value
/// and no name that was not checked stands in the text.
#[derive(Debug)]
pub struct Select {
    /// The text.
    pub text: String,
    /// What stands in its places.
    pub values: Values,
}

impl Select {
    /// Selects from a table that is called so in SQL.
    pub fn new(name: &str, table: &Table, query: &RowQuery) -> Self {
        Self::read_as(name, table, query, |_, column| column.to_owned())
    }

    /// The same, where each column is read as the function says; it is given the column and its name in quotes.
    pub fn read_as(
        name: &str,
        table: &Table,
        query: &RowQuery,
        read: impl Fn(&Column, &str) -> String,
    ) -> Self {
        let columns: Vec<String> = table.columns.iter().map(|c| quoted(c.name)).collect();
        let both = table.columns.iter().zip(&columns);
        let read: Vec<String> = both.map(|(column, name)| read(column, name)).collect();
        let mut select = Self {
            text: format!("SELECT {} FROM {name}", read.join(", ")),
            values: Vec::new(),
        };
        let order = query.full_order(table);
        let mut conditions: Vec<String> = query
            .filters
            .iter()
            .map(|(at, test)| select.test(&columns[*at], test))
            .collect();
        if let Some(after) = &query.after {
            conditions.push(select.after(&columns, &order, after));
        }
        if !conditions.is_empty() {
            _ = write!(select.text, " WHERE {}", conditions.join(" AND "));
        }
        let ordered = order.iter().map(|(at, direction)| {
            let words = match direction {
                Sorting::Ascending => "ASC NULLS FIRST",
                Sorting::Descending => "DESC NULLS LAST",
            };
            // The key is never null; an index serves it as it is.
            let is_key = table.columns[*at].mark == super::Mark::Key;
            let words = match direction {
                Sorting::Ascending if is_key => "ASC",
                Sorting::Descending if is_key => "DESC",
                _ => words,
            };
            format!("{} {words}", columns[*at])
        });
        _ = write!(
            select.text,
            " ORDER BY {}",
            ordered.collect::<Vec<_>>().join(", ")
        );
        if let Some(limit) = query.limit {
            _ = write!(select.text, " LIMIT {limit}");
        }
        select
    }

    /// The place of a value.
    fn place(&mut self, value: &Value) -> String {
        self.values.push(value.clone());
        format!("${}", self.values.len())
    }

    fn test(&mut self, column: &str, test: &Test) -> String {
        let (operator, value) = match test {
            Test::Is(Value::Null) => return format!("{column} IS NULL"),
            Test::In(values) => {
                let places: Vec<String> = values
                    .iter()
                    .filter(|value| !value.is_null())
                    .map(|value| self.place(value))
                    .collect();
                // No list can be empty in SQL.
                return match places.len() {
                    0 => "1 = 0".to_owned(),
                    _ => format!("{column} IN ({})", places.join(", ")),
                };
            }
            Test::Is(value) => ("=", value),
            Test::Less(value) => ("<", value),
            Test::AtMost(value) => ("<=", value),
            Test::Greater(Value::Null) => return format!("{column} IS NOT NULL"),
            Test::Greater(value) => (">", value),
            Test::AtLeast(value) => (">=", value),
        };
        if value.is_null() {
            return "1 = 0".to_owned();
        }
        format!("{column} {operator} {}", self.place(value))
    }

    /// What comes after a row: equal in the first columns, and beyond it in the next.
    fn after(&mut self, columns: &[String], order: &[(usize, Sorting)], after: &[Value]) -> String {
        let mut ways = Vec::new();
        for (n_equal, (at, direction)) in order.iter().enumerate() {
            let (column, value) = (&columns[*at], &after[*at]);
            let beyond = match (direction, value) {
                (Sorting::Ascending, value) => self.test(column, &Test::Greater(value.clone())),
                (Sorting::Descending, Value::Null) => continue,
                (Sorting::Descending, value) => {
                    let less = self.test(column, &Test::Less(value.clone()));
                    format!("({less} OR {column} IS NULL)")
                }
            };
            let mut way: Vec<String> = order[..n_equal]
                .iter()
                .map(|(at, _)| self.test(&columns[*at], &Test::Is(after[*at].clone())))
                .collect();
            way.push(beyond);
            ways.push(format!("({})", way.join(" AND ")));
        }
        match ways.len() {
            0 => "1 = 0".to_owned(),
            _ => format!("({})", ways.join(" OR ")),
        }
    }
}

/// A name that was checked, in quotes.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
