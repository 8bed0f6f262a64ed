//! Recurrences: how far the ticks of what recurs have come.

use async_trait::async_trait;
use sourced::backend::{
    Advance, AppendError, BackendError, Progress, Recurrences, Seen, StreamAppend,
};
use sourced::{RecurrenceId, Timestamp};
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use crate::append::{Appends, Stored};
use crate::backend::{Attempt, Postgres, retrying};
use crate::row::get;

#[async_trait]
impl Recurrences for Postgres {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        let row = retrying!(self, connection => self.inner.sql.progress.query()
            .bind(id.as_str())
            .fetch_one(&mut *connection)
            .await)?;
        let time = |time: DateTime<Utc>| Timestamp::from(time);
        let progress = match get::<Option<String>>(&row, "rule")? {
            Some(rule) => Some(Progress {
                rule,
                since: time(get(&row, "since")?),
                last: get::<Option<_>>(&row, "last")?.map(time),
            }),
            None => None,
        };
        Ok(Seen {
            now: time(get(&row, "now")?),
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
        let appends = Appends::checked(appends, &[], &self.inner.limits)?;
        let mut stored = Stored::new();
        for _ in 0..4 {
            let rest = appends.without(&stored)?;
            // After a lost connection, a second try may find its own work and say `Behind`. Nothing is done twice.
            match retrying!(self, connection => self.advance_once(&mut connection, id, from, to, &rest).await)
            {
                Ok(Some(placed)) => {
                    if !placed.is_empty() {
                        self.inner.hints.raise();
                    }
                    stored.extend(placed);
                    return Ok(Advance::Done(appends.placed(&stored)?));
                }
                Ok(None) => return Ok(Advance::Behind),
                Err(error) if error.is_stored_already() => stored = self.stored(&appends).await?,
                Err(error) => return Err(rest.error(error)),
            }
        }
        Err(AppendError::Backend(BackendError::Corrupt(
            "a message is stored, and then it is not".to_owned(),
        )))
    }
}

impl Postgres {
    /// One transaction: move the progress, which locks it until the messages are stored, and append them. `None` when the
    /// progress is not the one seen.
    async fn advance_once(
        &self,
        connection: &mut PgConnection,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: &Appends,
    ) -> Attempt<Option<Stored>> {
        let sql = &self.inner.sql;
        let mut transaction = connection.begin().await?;
        let statement = match from {
            Some(_) => &sql.advance,
            None => &sql.begin,
        };
        let mut query = statement
            .query()
            .bind(id.as_str())
            .bind(to.rule.as_str())
            .bind(DateTime::from(to.since))
            .bind(to.last.map(DateTime::from));
        if let Some(from) = from {
            query = query
                .bind(from.rule.as_str())
                .bind(DateTime::from(from.since))
                .bind(from.last.map(DateTime::from));
        }
        if query.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let stored = if appends.is_empty() {
            Stored::new()
        } else {
            self.append_once(&mut transaction, appends).await?
        };
        transaction.commit().await?;
        Ok(Some(stored))
    }
}
