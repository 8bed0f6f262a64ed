//! The pump: from the log into the lanes, and from delayed to ready. It runs as part of claiming.

use sourced::GroupId;
use sqlx::{PgConnection, Row as _};

use crate::backend::{Attempt, Postgres};

/// A group that is asked for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupWork {
    pub(crate) name: String,
    pub(crate) id: i32,
    /// The oldest message of a ready lane, of a group that may be claimed from.
    pub(crate) oldest: Option<i64>,
    /// It has one lane, of the whole log.
    pub(crate) is_global: bool,
}

/// Whether preparing has to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// The lanes are up to date, or somebody else sees to it.
    Done,
    /// There is more in the log.
    More,
}

impl Postgres {
    /// Brings the lanes of these groups up to date, one step of each, and looks at what is ready. Writes nothing when
    /// there is nothing to do.
    pub(crate) async fn look(
        &self,
        connection: &mut PgConnection,
        groups: &[GroupId],
    ) -> Attempt<(Vec<GroupWork>, Prepared)> {
        let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
        let rows = self
            .inner
            .sql
            .look
            .query()
            .bind(&names[..])
            .fetch_all(connection)
            .await?;
        let mut work = Vec::with_capacity(rows.len());
        let mut prepared = Prepared::Done;
        for row in &rows {
            work.push(GroupWork {
                name: row.try_get("group_name")?,
                id: row.try_get("group_id")?,
                oldest: row.try_get("oldest_ready")?,
                is_global: row.try_get("is_global")?,
            });
            if row.try_get("has_more")? {
                prepared = Prepared::More;
            }
        }
        Ok((work, prepared))
    }
}
