//! Schedules: messages that are kept now and enter their streams later.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    AppendError, Appended, BackendError, Change, Promotion, Scheduled, Schedules, Scheduling,
    SetAside, StreamAppend, Waiting,
};
use sourced::message::{MessageId, NewMessage};
use sourced::{ExpectedSeq, StreamId, Timestamp};
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::query::Query;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::append::{Appends, Stored};
use crate::backend::{Attempt, Postgres, Retry, retrying};
use crate::connecting::in_step;
use crate::error::{SqlError, SqlErrorKind};
use crate::row::{clamped, get, kind_name, new_message, readable, stream};

#[async_trait]
impl Schedules for Postgres {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        let appends = Appends::checked(appends, &later, &self.inner.limits)?;
        let mut stored = Stored::new();
        for _ in 0..4 {
            let rest = appends.without(&stored)?;
            match retrying!(self, connection => self.schedule_once(&mut connection, &rest, &later).await)
            {
                Ok((placed, scheduling)) => {
                    if !placed.is_empty() {
                        self.inner.hints.raise();
                    }
                    stored.extend(placed);
                    return Ok((appends.placed(&stored)?, scheduling));
                }
                Err(error) if error.is_stored_already() => stored = self.stored(&appends).await?,
                Err(error) => return Err(rest.error(error)),
            }
        }
        Err(AppendError::Backend(BackendError::Corrupt(
            "a message is stored, and then it is not".to_owned(),
        )))
    }

    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        let next_in = self.next_in().await?;
        // Looking in vain opens no transaction.
        if limit == 0 || next_in != Some(Duration::ZERO) {
            return Ok(Promotion::new(0, 0, next_in));
        }
        let limit = limit.min(self.inner.limits.messages);
        let mut retry = Retry::default();
        let mut collisions = 0;
        let (promoted, set_aside) = loop {
            let mut connection = self.connection(&retry).await.map_err(BackendError::from)?;
            let tried: Attempt<_> =
                in_step!(self, &mut connection, step => self.promote_once(&mut step, limit).await);
            connection.rests(&self.inner.connections, &tried);
            match tried {
                Ok(done) => break done,
                // Somebody appended one of the messages under its own id, after it was looked for.
                Err(error) if error.is_stored_already() && collisions < 4 => collisions += 1,
                Err(error) if retry.allows(SqlErrorKind::of(&error)).await => {}
                Err(error) => return Err(error.into()),
            }
        };
        if promoted > 0 {
            self.inner.hints.raise();
        }
        Ok(Promotion::new(promoted, set_aside, self.next_in().await?))
    }

    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        let rows = retrying!(self, connection => match after {
            Some((at, id)) => self.inner.sql.scheduled_after.query()
                .bind(clamped(limit))
                .bind(due(at))
                .bind(id.as_uuid()),
            None => self.inner.sql.scheduled.query().bind(clamped(limit)),
        }
        .fetch_all(&mut *connection)
        .await)?;
        // What cannot be read is set aside when its time comes, with the reason.
        Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        let row = retrying!(self, connection => self.inner.sql.waiting.query()
            .bind(id.as_uuid())
            .fetch_optional(&mut *connection)
            .await)?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(match get(&row, "error")? {
            Some(error) => Waiting::SetAside(error),
            None => Waiting::Until(get::<DateTime<Utc>>(&row, "due_at")?.into()),
        }))
    }

    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        let rows: Vec<(Uuid, String)> = retrying!(self, connection =>
            self.inner.sql.set_aside.query_as()
                .bind(clamped(limit))
                .fetch_all(&mut *connection)
                .await)?;
        let aside = rows.into_iter().map(|(id, error)| SetAside {
            id: id.into(),
            error,
        });
        Ok(aside.collect())
    }

    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        // Sent once: after a lost connection a second try could not tell its own work from a promotion.
        let mut connection = self
            .connection(&Retry::default())
            .await
            .map_err(BackendError::from)?;
        let query = self.inner.sql.cancel.query().bind(id.as_uuid());
        let done: Attempt<PgQueryResult> =
            in_step!(self, &mut connection, step => query.execute(&mut *step).await);
        connection.rests(&self.inner.connections, &done);
        self.changed(id, done.map_err(BackendError::from)?.rows_affected())
            .await
    }

    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        let done = retrying!(self, connection => self.inner.sql.reschedule.query()
            .bind(id.as_uuid())
            .bind(due(at))
            .execute(&mut *connection)
            .await)?;
        self.changed(id, done.rows_affected()).await
    }
}

impl Postgres {
    pub(crate) async fn schedule_once(
        &self,
        connection: &mut PgConnection,
        appends: &Appends,
        later: &[Scheduled],
    ) -> Attempt<(Stored, Vec<Scheduling>)> {
        let schedules = Arrays::of(later);
        if appends.is_empty() {
            let query = self.inner.sql.schedule.query().bind(None::<&str>);
            let row = schedules.bind(query).fetch_one(connection).await?;
            return Ok((Stored::new(), scheduling(&row)?));
        }
        let arrays = appends.arrays();
        let query = self.inner.sql.append_and_schedule.query();
        let query = schedules.bind(arrays.bind(query));
        let row = query.fetch_one(connection).await?;
        Ok((appends.read_places(&row)?, scheduling(&row)?))
    }

    /// One transaction: lock what is due, append it, and take it out. Gives how many were promoted and how many set
    /// aside.
    async fn promote_once(
        &self,
        connection: &mut PgConnection,
        limit: usize,
    ) -> Attempt<(usize, usize)> {
        let sql = &self.inner.sql;
        let mut transaction = connection.begin().await?;
        let rows = sql
            .due
            .query()
            .bind(clamped(limit))
            .fetch_all(&mut *transaction)
            .await?;
        let mut due = Vec::new();
        let mut aside: Vec<(Uuid, String)> = Vec::new();
        for row in &rows {
            match read(row) {
                Ok(scheduled) => due.push(scheduled),
                Err(error) => aside.push((row.try_get("id")?, readable(&error.to_string()))),
            }
        }
        let ids: Vec<Uuid> = due.iter().map(|one| one.message.id.as_uuid()).collect();
        let stored: Vec<(Uuid, String)> = sql
            .streams_of_ids
            .query_as()
            .bind(&ids[..])
            .fetch_all(&mut *transaction)
            .await?;
        let stored: HashMap<Uuid, String> = stored.into_iter().collect();
        let mut promoted: Vec<Uuid> = Vec::new();
        let mut new = Vec::new();
        for scheduled in due {
            let id = scheduled.message.id;
            match stored.get(&id.as_uuid()) {
                Some(name) if name != scheduled.stream.as_str() => {
                    aside.push((id.as_uuid(), AppendError::IdTaken { id }.to_string()));
                    continue;
                }
                Some(_) => {}
                None => new.push((scheduled.stream, scheduled.message)),
            }
            promoted.push(id.as_uuid());
        }
        let appends = Appends::promoted(by_stream(new));
        if !appends.is_empty() {
            self.append_once(&mut transaction, &appends).await?;
        }
        sql.delete_scheduled
            .query()
            .bind(&promoted[..])
            .execute(&mut *transaction)
            .await?;
        let (ids, errors): (Vec<Uuid>, Vec<String>) = aside.into_iter().unzip();
        if !ids.is_empty() {
            sql.put_aside
                .query()
                .bind(&ids[..])
                .bind(&errors[..])
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok((promoted.len(), ids.len()))
    }

    /// How long until the next message's time comes.
    async fn next_in(&self) -> Result<Option<Duration>, BackendError> {
        let micros: Option<i64> = retrying!(self, connection =>
            self.inner.sql.next_in.query_scalar()
                .fetch_optional(&mut *connection)
                .await)?;
        Ok(micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))))
    }

    async fn changed(&self, id: MessageId, n_rows: u64) -> Result<Change, BackendError> {
        if n_rows > 0 {
            return Ok(Change::Done);
        }
        let stored: Vec<(Uuid, String)> = retrying!(self, connection =>
            self.inner.sql.streams_of_ids.query_as()
                .bind(&[id.as_uuid()][..])
                .fetch_all(&mut *connection)
                .await)?;
        if stored.is_empty() {
            Ok(Change::Unknown)
        } else {
            Ok(Change::AlreadyStored)
        }
    }
}

/// Reads what the `schedule` function of the database gave.
pub(crate) fn scheduling(row: &PgRow) -> Attempt<Vec<Scheduling>> {
    let known: Vec<i32> = row.try_get("known")?;
    known
        .into_iter()
        .map(|known| match known {
            0 => Ok(Scheduling::Done),
            1 => Ok(Scheduling::AlreadyScheduled),
            2 => Ok(Scheduling::AlreadyStored),
            _ => Err(SqlError::corrupt("an unknown answer to scheduling")),
        })
        .collect()
}

fn by_stream(messages: Vec<(StreamId, NewMessage)>) -> Vec<StreamAppend> {
    let mut appends: Vec<StreamAppend> = Vec::new();
    let mut index_of: HashMap<StreamId, usize> = HashMap::new();
    for (stream, message) in messages {
        let index = *index_of.entry(stream.clone()).or_insert(appends.len());
        if index == appends.len() {
            appends.push(StreamAppend {
                stream,
                expected: ExpectedSeq::Any,
                messages: Vec::new(),
            });
        }
        appends[index].messages.push(message);
    }
    appends
}

fn read(row: &PgRow) -> Result<Scheduled, BackendError> {
    Ok(Scheduled {
        at: get::<DateTime<Utc>>(row, "due_at")?.into(),
        stream: stream(get(row, "stream")?)?,
        message: new_message(row, |what| {
            BackendError::Corrupt(format!("{what} of a scheduled message"))
        })?,
    })
}

/// A time as Postgres can tell it: it knows none before 4713 BC, and what is that old has long come.
fn due(at: Timestamp) -> DateTime<Utc> {
    at.max(Timestamp::from_micros(0)).into()
}

/// What is scheduled, as arrays.
#[derive(Debug, Default)]
pub(crate) struct Arrays<'a> {
    due: Vec<DateTime<Utc>>,
    streams: Vec<&'a str>,
    ids: Vec<Uuid>,
    kinds: Vec<&'a str>,
    types: Vec<&'a str>,
    causations: Vec<Uuid>,
    correlations: Vec<Uuid>,
    created: Vec<DateTime<Utc>>,
    decided: Vec<Option<&'a str>>,
    metadata: Vec<Option<String>>,
    payloads: Vec<&'a str>,
}

impl<'q> Arrays<'q> {
    pub(crate) fn of(later: &'q [Scheduled]) -> Self {
        let mut arrays = Self::default();
        for scheduled in later {
            let message = &scheduled.message;
            arrays.due.push(due(scheduled.at));
            arrays.streams.push(scheduled.stream.as_str());
            arrays.ids.push(message.id.as_uuid());
            arrays.kinds.push(kind_name(message.kind));
            arrays.types.push(message.type_name.as_str());
            arrays.causations.push(message.causation_id.as_uuid());
            arrays.correlations.push(message.correlation_id.as_uuid());
            arrays.created.push(message.created_at.into());
            let decided = message.decided_by.as_ref().map(AsRef::as_ref);
            arrays.decided.push(decided);
            let metadata = &message.metadata;
            // Its values are JSON already, so that writing them cannot fail.
            let metadata = (!metadata.is_empty()).then(|| serde_json::to_string(metadata).ok());
            arrays.metadata.push(metadata.flatten());
            arrays.payloads.push(message.payload.as_str());
        }
        arrays
    }

    /// Binds them as the next eleven parameters.
    pub(crate) fn bind<'s>(
        &'s self,
        query: Query<'s, sqlx::Postgres, PgArguments>,
    ) -> Query<'s, sqlx::Postgres, PgArguments>
    where
        'q: 's,
    {
        query
            .bind(&self.due[..])
            .bind(&self.streams[..])
            .bind(&self.ids[..])
            .bind(&self.kinds[..])
            .bind(&self.types[..])
            .bind(&self.causations[..])
            .bind(&self.correlations[..])
            .bind(&self.created[..])
            .bind(&self.decided[..])
            .bind(&self.metadata[..])
            .bind(&self.payloads[..])
    }
}
