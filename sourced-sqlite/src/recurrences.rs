//! Recurrences: how far the ticks of what recurs have come.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{
    Advance, AppendError, BackendError, Limits, Progress, Recurrences, Seen, StreamAppend,
};
use sourced::{RecurrenceId, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::sql::Statements;
use crate::{append, error};

#[async_trait]
impl Recurrences for Sqlite {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        let row = sqlx::query(self.inner.sql.recurrence.clone())
            .bind(id.as_str())
            .fetch_one(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        let time = |column| row.try_get(column).map_err(error::backend);
        let rule: Option<String> = row.try_get(1).map_err(error::backend)?;
        let progress = match (rule, time(2)?) {
            (Some(rule), Some(since)) => Some(Progress {
                rule,
                since: Timestamp::from_micros(since),
                last: time(3)?.map(Timestamp::from_micros),
            }),
            _ => None,
        };
        let now = row.try_get(0).map_err(error::backend)?;
        Ok(Seen {
            now: Timestamp::from_micros(now),
            progress,
        })
    }

    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        Limits::default().check_all(&appends, &[])?;
        append::refuse_repetitions(&appends, &[])?;
        let sql = Arc::clone(&self.inner.sql);
        let (id, from, to) = (id.clone(), from.cloned(), to.clone());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    if !advance(connection, &sql, &id, from.as_ref(), &to).await? {
                        return Ok(Advance::Behind);
                    }
                    let appended = append::append(connection, &sql, &appends).await?;
                    Ok(Advance::Done(appended))
                })
            })
            .await
    }
}

/// Moves the progress, if it is the one seen. On an error later, that is left to the savepoint around it.
async fn advance(
    connection: &mut SqliteConnection,
    sql: &Statements,
    id: &RecurrenceId,
    from: Option<&Progress>,
    to: &Progress,
) -> Result<bool, BackendError> {
    let statement = match from {
        Some(_) => sql.advance_recurrence.clone(),
        None => sql.begin_recurrence.clone(),
    };
    let mut query = sqlx::query(statement)
        .bind(id.as_str())
        .bind(to.rule.as_str())
        .bind(to.since.as_micros())
        .bind(to.last.map(Timestamp::as_micros));
    if let Some(from) = from {
        query = query
            .bind(from.rule.as_str())
            .bind(from.since.as_micros())
            .bind(from.last.map(Timestamp::as_micros));
    }
    let done = query.execute(connection).await.map_err(error::backend)?;
    Ok(done.rows_affected() > 0)
}
