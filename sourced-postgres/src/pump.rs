//! The pump: from the log into the lanes, and from delayed to ready. It runs as part of claiming.

use sourced::GroupId;
use sourced::backend::{ClaimRequest, STRETCH};
use sqlx::{PgConnection, Row as _};

use crate::backend::{Attempt, Postgres};
use crate::claims::micros;
use crate::error::SqlError;
use crate::row::clamped;

/// A group that is asked for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupWork {
    pub(crate) name: String,
    pub(crate) id: i32,
    /// The oldest message of a ready lane, of a group that may be claimed from.
    pub(crate) oldest: Option<i64>,
    /// It has one lane, of the whole log.
    pub(crate) is_global: bool,
    /// It can be given a stretch of the log.
    pub(crate) has_stretch: bool,
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
    /// Brings the lanes of these groups up to date, one step of each, and looks at what is ready, and at the log now and
    /// then. Writes nothing when there is nothing to do.
    pub(crate) async fn look(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
    ) -> Attempt<(Vec<GroupWork>, Prepared)> {
        self.inner.history.look_again(connection).await?;
        let names = |groups: &[GroupId]| groups.iter().map(GroupId::to_string).collect();
        let (groups, stretches): (Vec<_>, Vec<_>) =
            (names(&request.groups), names(&request.stretches));
        let rows = self
            .inner
            .sql
            .look
            .query()
            .bind(&groups[..])
            .bind(&stretches[..])
            .bind(clamped(STRETCH))
            .bind(micros(request.lease))
            .fetch_all(connection)
            .await?;
        let mut work = Vec::with_capacity(rows.len());
        let mut prepared = Prepared::Done;
        for row in &rows {
            // Where nothing can be claimed, nothing that is new may ever come either.
            if row.try_get("is_read_only")? {
                return Err(SqlError::read_only());
            }
            work.push(GroupWork {
                name: row.try_get("group_name")?,
                id: row.try_get("group_id")?,
                oldest: row.try_get("oldest_ready")?,
                is_global: row.try_get("is_global")?,
                has_stretch: row.try_get("has_stretch")?,
            });
            if row.try_get("has_more")? {
                prepared = Prepared::More;
            }
        }
        Ok((work, prepared))
    }
}
