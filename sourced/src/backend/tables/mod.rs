//! Tables: read models of typed rows, kept by the backend in real tables of its database.

mod changes;
mod select;
mod value;

pub use changes::{RowChanges, check_keys, check_rows};
pub use select::{RowQuery, Select, Sorting, Test};
pub use value::Value;

use std::fmt;

use async_trait::async_trait;

use super::BackendError;
use crate::stream::GroupId;

/// The values of a row in the order of the table's columns, or of its key.
pub type Values = Vec<Value>;

/// What the backends call tables, views and sequences of their own, behind their prefix or in their schema. No read model may be
/// called so on any of them, or a program that runs on one could not run on another.
const OWN_TABLES: [&str; 24] = [
    "acked_types",
    "documents",
    "given_up_types",
    "group_types",
    "group_work",
    "groups",
    "guard",
    "interventions",
    "known_types",
    "lanes",
    "live_versions",
    "messages",
    "migrations",
    "owed",
    "owing",
    "pending",
    "position_seq",
    "recurrences",
    "refusals",
    "scheduled",
    "schema",
    "snapshot_bases",
    "snapshots",
    "streams",
];

/// A table of rows that a consumer group keeps up to date.
///
/// A backend keeps it as a table of that name, in its own schema or with its own prefix, so that people can query it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it is called: `[a-z_][a-z0-9_]*`, 48 bytes at most, and not as a table of the library's own.
    pub name: &'static str,
    /// Which version of it this is. The first one is called by the name alone, later ones can stand beside it.
    pub version: u32,
    /// Its columns, with at least one of the key.
    pub columns: Vec<Column>,
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it is called, by the rules of tables.
    pub name: &'static str,
    /// What it holds.
    pub of: ColumnType,
    /// Whether it may hold nothing.
    pub nulls: Nulls,
    /// What it is for.
    pub mark: Mark,
}

/// Whether a column may hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// It may.
    Allowed,
    /// It always holds something.
    Refused,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing but its values.
    #[default]
    Plain,
    /// A part of the key, which no two rows share.
    Key,
    /// No two rows have the same value in it.
    Unique,
    /// It is searched by.
    Index,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// Text without NUL, in the order of its bytes.
    Text,
    /// A whole number of 64 bits with a sign.
    Integer,
    /// A number of 64 bits that is neither infinite nor not a number.
    Float,
    /// Yes or no.
    Bool,
    /// Bytes.
    Bytes,
    /// An id.
    Uuid,
    /// A moment, to the microsecond.
    Timestamp,
    /// JSON text, kept byte for byte.
    Json,
}

impl Table {
    /// What the backend calls it, after its own prefix.
    pub fn physical_name(&self) -> String {
        match self.version {
            0 | 1 => self.name.to_owned(),
            version => format!("{}_v{version}", self.name),
        }
    }

    /// The columns of the key, and where they stand.
    pub fn key(&self) -> impl Iterator<Item = (usize, &Column)> + Clone {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| column.mark == Mark::Key)
    }

    /// The key of a row.
    pub fn key_of(&self, row: &[Value]) -> Values {
        let value = |(at, _)| row.get(at).cloned().unwrap_or(Value::Null);
        self.key().map(value).collect()
    }

    /// Whether its names can stand in SQL, it has a key, and its name is not that of a table of the library's own. For
    /// backends, before they look at a table of that name.
    ///
    /// # Errors
    /// [`BackendError::Refused`] names what is wrong.
    pub fn check(&self) -> Result<(), BackendError> {
        let columns = self.columns.iter().map(|column| column.name);
        if let Some(name) = [self.name].into_iter().chain(columns).find(|n| !is_name(n)) {
            let text = format!(
                "`{name}` cannot be the name of a table or a column: it must be small ASCII letters, digits and `_`, 48 at most, and not start with a digit"
            );
            return Err(BackendError::Refused(text.into()));
        }
        if OWN_TABLES.contains(&self.name) {
            let name = self.name;
            let text = format!(
                "`{name}` is a table of the library's own, and cannot be that of a read model: give it another name, as in `#[projection(table = \"{name}_view\")]`"
            );
            return Err(BackendError::Refused(text.into()));
        }
        if self.key().next().is_none() {
            let text = format!("the table `{}` has no key", self.name);
            return Err(BackendError::Refused(text.into()));
        }
        Ok(())
    }

    /// What a table of the storage lacks to be this one, or has too much.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, found: &[FoundColumn]) -> Result<(), TableError> {
        let differs = |column: &str, what: String| TableError::Differs {
            table: self.physical_name(),
            column: column.to_owned(),
            what,
        };
        for column in &self.columns {
            let Some(there) = found.iter().find(|there| there.name == column.name) else {
                return Err(differs(column.name, "is not there".to_owned()));
            };
            let is_key = column.mark == Mark::Key;
            let what = if there.of != Some(column.of) {
                format!("is `{}` and not `{}`", there.said, column.of)
            } else if there.is_key != is_key && is_key {
                "is not part of the key".to_owned()
            } else if there.is_key != is_key {
                "is part of the key".to_owned()
            } else if there.nulls != column.nulls && column.nulls == Nulls::Allowed {
                "may not be null".to_owned()
            } else if there.nulls != column.nulls {
                "may be null".to_owned()
            } else if there.is_unique && column.mark != Mark::Unique && !is_key {
                "is unique".to_owned()
            } else {
                continue;
            };
            return Err(differs(column.name, what));
        }
        let is_ours = |name: &str| self.columns.iter().any(|column| column.name == name);
        let too_much = found.iter().find(|there| {
            !is_ours(&there.name) && !there.has_default && there.nulls == Nulls::Refused
        });
        match too_much {
            Some(there) => Err(differs(
                &there.name,
                "has to be filled, and no field fills it".to_owned(),
            )),
            None => Ok(()),
        }
    }
}

/// Whether it can be the name of a table or a column.
fn is_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    starts_well && name.len() <= 48 && name.chars().all(goes_on)
}

/// A column as a backend found it in its database.
#[derive(Debug, Clone)]
pub struct FoundColumn {
    /// What it is called.
    pub name: String,
    /// What it holds, if it is something of ours.
    pub of: Option<ColumnType>,
    /// Its type in the words of the database.
    pub said: String,
    /// Whether it may hold nothing.
    pub nulls: Nulls,
    /// Whether it is part of the key.
    pub is_key: bool,
    /// Whether it alone has to be unique, without being the key.
    pub is_unique: bool,
    /// Whether it is filled when nobody does.
    pub has_default: bool,
}

impl TableError {
    /// For a table that has rows, and a group that is not known. For backends.
    pub fn occupied(table: &Table, group: &GroupId) -> Self {
        Self::Occupied {
            table: table.physical_name(),
            group: group.clone(),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
        })
    }
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A table of that name is there, and is another one.
    #[error(
        "the table `{table}` differs from its struct: column `{column}` {what}; change one of the two, or drop the table: the next start makes it anew and fills it from the log"
    )]
    Differs {
        /// The table, without the prefix or schema of the backend.
        table: String,
        /// Where it differs.
        column: String,
        /// How.
        what: String,
    },
    /// It has rows already, which a new group would meet with the events that made them.
    #[error(
        "the table `{table}` has rows, and the group `{group}` is new: drop the table, so that it is made anew and filled from the log, or give the group the name that it had"
    )]
    Occupied {
        /// The table, without the prefix or schema of the backend.
        table: String,
        /// The group that nobody knows.
        group: GroupId,
    },
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

/// The tables of read models. Their rows are changed in the transaction that acknowledges: see [`Tx`](super::Tx).
#[async_trait]
pub trait Tables: Send + Sync {
    /// Makes the table if it is not there.
    ///
    /// - *one-transaction*: where a group of that name is known already, it is set back to its beginning in the same
    ///   transaction, so that a table which somebody dropped is filled again.
    /// - Indexes that are missing are added; everything else must be as described.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when a read model cannot be called so: see [`Table::check`]. [`TableError::Differs`] when there is another table of that name, [`TableError::Occupied`] when it has rows and the
    /// group is not known; nothing is changed then.
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError>;

    /// Empties the table and sets its group back to the beginning, both or neither.
    ///
    /// - *fenced*: what is being handled for the group stores nothing any more.
    ///
    /// # Errors
    /// [`BackendError::UnknownGroup`] when there is no such group.
    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError>;

    /// Removes the table with all its rows; it need not be there.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn drop_table(&self, table: &Table) -> Result<(), BackendError>;

    /// Reads rows as they are committed.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer, or holds something that is no row of this table.
    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError>;
}
