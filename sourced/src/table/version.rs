//! Versions of a table projection: each has a table and a consumer group of its own.

use super::{TableProjector, table_of};
use crate::backend::Table;
use crate::stream::GroupId;

/// The table that a projector keeps.
pub fn table_of_projector<R: TableProjector>() -> Table {
    Table {
        version: R::VERSION,
        ..table_of::<R>()
    }
}

/// The consumer group of a version of a projection: its name for the first one, `name@2` for the second.
///
/// # Panics
/// When the name is not a group id, which `#[projector]` does not let happen.
pub fn group_of_version(name: &str, version: u32) -> GroupId {
    let group = match version {
        0 | 1 => GroupId::new(name),
        version => GroupId::new(format!("{name}@{version}")),
    };
    group.expect("a projector's name is a group id")
}
