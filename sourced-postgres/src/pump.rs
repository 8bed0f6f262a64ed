//! The pump: from the log into the lanes, and from delayed to ready. It runs as part of claiming.

use sourced::GroupId;
use sqlx::{PgConnection, Row as _};

use crate::backend::{Attempt, Postgres};

/// What there is to do for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupWork {
    pub(crate) name: String,
    pub(crate) id: i32,
    /// Whether it may be claimed from.
    is_active: bool,
    /// Whether a part of the log is not sorted into lanes.
    behind: bool,
    /// Whether a lease or a delay is over.
    due: bool,
    /// The oldest message of a ready lane.
    oldest: Option<i64>,
}

impl GroupWork {
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_active || self.is_prepared() && self.oldest.is_none()
    }

    fn is_prepared(&self) -> bool {
        !self.behind && !self.due
    }

    /// For sorting: whose work waits longest comes first.
    pub(crate) fn age(&self) -> i64 {
        self.oldest.unwrap_or(i64::MAX)
    }
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
    /// Looks at what there is to do. Writes nothing.
    pub(crate) async fn check(
        &self,
        connection: &mut PgConnection,
        groups: &[GroupId],
    ) -> Attempt<Vec<GroupWork>> {
        let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
        let rows = sqlx::query(self.inner.sql.check.safe())
            .bind(&names[..])
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(GroupWork {
                    name: row.try_get("name")?,
                    id: row.try_get("id")?,
                    is_active: row.try_get("is_active")?,
                    behind: row.try_get("behind")?,
                    due: row.try_get("due")?,
                    oldest: row.try_get("oldest")?,
                })
            })
            .collect()
    }

    /// Brings the lanes of these groups up to date: one step of each.
    pub(crate) async fn prepare_lanes(
        &self,
        connection: &mut PgConnection,
        work: &[GroupWork],
    ) -> Attempt<Prepared> {
        if work.iter().all(GroupWork::is_prepared) {
            return Ok(Prepared::Done);
        }
        let mut behind: Vec<i32> = work.iter().filter(|w| w.behind).map(|w| w.id).collect();
        let due: Vec<i32> = work.iter().filter(|w| w.due).map(|w| w.id).collect();
        behind.sort_unstable();
        let more: bool = sqlx::query_scalar(self.inner.sql.prepare_lanes.safe())
            .bind(&behind[..])
            .bind(&due[..])
            .fetch_one(connection)
            .await?;
        Ok(if more { Prepared::More } else { Prepared::Done })
    }
}
