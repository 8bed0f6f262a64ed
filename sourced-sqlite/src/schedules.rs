//! Schedules: messages that are kept now and enter their streams later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    AppendError, Appended, BackendError, Change, Limits, Promotion, Scheduled, Schedules,
    Scheduling, SetAside, StreamAppend, Waiting,
};
use sourced::message::MessageId;
use sourced::{ExpectedSeq, GroupId, StreamId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::row::{self, kind_text, limit, metadata_text, uuid};
use crate::sql::Statements;
use crate::{append, error};

#[async_trait]
impl Schedules for Sqlite {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        Limits::default().check_all(&appends, &later)?;
        append::refuse_repetitions(&appends, &later)?;
        let sql = Arc::clone(&self.inner.sql);
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let appended = append::append(connection, &sql, &appends).await?;
                    let scheduling = schedule(connection, &sql, &later).await?;
                    Ok((appended, scheduling))
                })
            })
            .await
    }

    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        let next_in = self.next_in().await?;
        // Looking in vain takes no lock.
        if limit == 0 || next_in != Some(Duration::ZERO) {
            return Ok(Promotion::new(0, 0, next_in));
        }
        let sql = Arc::clone(&self.inner.sql);
        let (promoted, set_aside) = self
            .inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { promote(connection, &sql, limit).await })
            })
            .await?;
        Ok(Promotion::new(promoted, set_aside, self.next_in().await?))
    }

    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        page: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        // No id is less than the empty one.
        let id = after.map_or(Vec::new(), |(_, id)| bytes(id));
        let rows = sqlx::query(self.inner.sql.scheduled.clone())
            .bind(after.map_or(i64::MIN, |(at, _)| at.as_micros()))
            .bind(id)
            .bind(limit(page))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        // What cannot be read is set aside when its time comes, with the reason.
        Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        let row = sqlx::query(self.inner.sql.waiting.clone())
            .bind(bytes(id))
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(match row::optional_text(&row, 1)? {
            Some(error) => Waiting::SetAside(error.to_owned()),
            None => Waiting::Until(time(&row, 0)?),
        }))
    }

    async fn set_aside(&self, page: usize) -> Result<Vec<SetAside>, BackendError> {
        let rows = sqlx::query(self.inner.sql.set_aside.clone())
            .bind(limit(page))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        rows.iter()
            .map(|row| {
                Ok(SetAside {
                    id: uuid(row, 0)?.into(),
                    error: row.try_get(1).map_err(error::backend)?,
                })
            })
            .collect()
    }

    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        self.change(id, None).await
    }

    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        self.change(id, Some(at)).await
    }
}

impl Sqlite {
    /// How long until the next message's time comes.
    async fn next_in(&self) -> Result<Option<Duration>, BackendError> {
        let row = sqlx::query(self.inner.sql.next_in.clone())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let micros: i64 = row.try_get(0).map_err(error::backend)?;
        Ok(Some(Duration::from_micros(
            u64::try_from(micros).unwrap_or(0),
        )))
    }

    /// Gives it another time, or takes it out.
    async fn change(&self, id: MessageId, at: Option<Timestamp>) -> Result<Change, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let done = self.inner.writer.run(Effect::Lasting, move |connection| {
            Box::pin(async move {
                let query = match at {
                    None => sqlx::query(sql.cancel.clone()).bind(bytes(id)),
                    Some(at) => sqlx::query(sql.reschedule.clone())
                        .bind(bytes(id))
                        .bind(at.as_micros()),
                };
                let done = query.execute(&mut *connection).await;
                if done.map_err(error::backend)?.rows_affected() > 0 {
                    return Ok(Change::Done);
                }
                let places = places(connection, &sql, &[id]).await?;
                Ok(match places.get(&id) {
                    Some(_) => Change::AlreadyStored,
                    None => Change::Unknown,
                })
            })
        });
        done.await
    }
}

/// Keeps messages for later. On an error, what it did until then is left to the savepoint around it.
pub(crate) async fn schedule(
    connection: &mut SqliteConnection,
    sql: &Statements,
    later: &[Scheduled],
) -> Result<Vec<Scheduling>, AppendError> {
    if later.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<MessageId> = later.iter().map(|scheduled| scheduled.message.id).collect();
    let known = places(connection, sql, &ids).await?;
    let mut scheduling = Vec::with_capacity(later.len());
    for scheduled in later {
        let id = scheduled.message.id;
        let what = match known.get(&id) {
            Some(place) if place.stream != scheduled.stream.as_str() => {
                return Err(AppendError::IdTaken { id });
            }
            Some(place) if place.is_stored => Scheduling::AlreadyStored,
            Some(_) => Scheduling::AlreadyScheduled,
            None => {
                insert(connection, sql, scheduled).await?;
                Scheduling::Done
            }
        };
        scheduling.push(what);
    }
    Ok(scheduling)
}

/// Where an id is known by now.
struct Known {
    stream: String,
    is_stored: bool,
}

async fn places(
    connection: &mut SqliteConnection,
    sql: &Statements,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Known>, BackendError> {
    let ids = append::json_of_ids(ids.iter().copied());
    let mut known = HashMap::new();
    // What is stored is looked up last and counts.
    for (statement, is_stored) in [(&sql.find_scheduled, false), (&sql.find_ids, true)] {
        let rows = sqlx::query(statement.clone())
            .bind(ids.as_str())
            .fetch_all(&mut *connection)
            .await
            .map_err(error::backend)?;
        for row in &rows {
            let stream = row.try_get("name").map_err(error::backend)?;
            known.insert(uuid(row, 0)?.into(), Known { stream, is_stored });
        }
    }
    Ok(known)
}

async fn insert(
    connection: &mut SqliteConnection,
    sql: &Statements,
    scheduled: &Scheduled,
) -> Result<(), BackendError> {
    let message = &scheduled.message;
    let done = sqlx::query(sql.insert_scheduled.clone())
        .bind(bytes(message.id))
        .bind(scheduled.at.as_micros())
        .bind(scheduled.stream.as_str())
        .bind(kind_text(message.kind))
        .bind(message.type_name.as_str())
        .bind(message.decided_by.as_ref().map(GroupId::as_str))
        .bind(message.causation_id.as_uuid().into_bytes().to_vec())
        .bind(message.correlation_id.as_uuid().into_bytes().to_vec())
        .bind(message.created_at.as_micros())
        .bind(metadata_text(&message.metadata)?)
        .bind(message.payload.as_str())
        .execute(connection)
        .await;
    done.map(drop).map_err(error::backend)
}

/// Moves what is due into the log. Gives how many were promoted and how many set aside.
///
/// There is no other writer, so everything is looked up first, and then nothing can be refused.
async fn promote(
    connection: &mut SqliteConnection,
    sql: &Statements,
    page: usize,
) -> Result<(usize, usize), BackendError> {
    let rows = sqlx::query(sql.due.clone())
        .bind(limit(page))
        .fetch_all(&mut *connection)
        .await
        .map_err(error::backend)?;
    let mut due = Vec::new();
    let mut aside: Vec<(i64, String)> = Vec::new();
    for row in &rows {
        let nth: i64 = row.try_get(0).map_err(error::backend)?;
        match read(row) {
            Ok(scheduled) => due.push((nth, scheduled)),
            Err(error) => aside.push((nth, error.to_string())),
        }
    }
    let ids: Vec<MessageId> = due.iter().map(|(_, one)| one.message.id).collect();
    let known = places(connection, sql, &ids).await?;
    let mut appends: Vec<StreamAppend> = Vec::new();
    let mut index_of: HashMap<StreamId, usize> = HashMap::new();
    let mut promoted = Vec::new();
    for (nth, scheduled) in due {
        let Scheduled {
            stream, message, ..
        } = scheduled;
        let id = message.id;
        let stored = known.get(&id).filter(|place| place.is_stored);
        if stored.is_some_and(|place| place.stream != stream.as_str()) {
            aside.push((nth, AppendError::IdTaken { id }.to_string()));
            continue;
        }
        promoted.push(nth);
        if stored.is_some() {
            continue;
        }
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
    let refused = |error: AppendError| BackendError::Refused(Box::new(error));
    append::append(connection, sql, &appends)
        .await
        .map_err(|error| match error {
            AppendError::Backend(error) => error,
            other => refused(other),
        })?;
    let done = sqlx::query(sql.delete_scheduled.clone())
        .bind(append::json(&promoted))
        .execute(&mut *connection)
        .await;
    done.map_err(error::backend)?;
    for (nth, reason) in &aside {
        let done = sqlx::query(sql.put_aside.clone())
            .bind(nth)
            .bind(reason.as_str())
            .execute(&mut *connection)
            .await;
        done.map_err(error::backend)?;
    }
    Ok((promoted.len(), aside.len()))
}

/// Reads a row of `sourced_scheduled_columns`.
fn read(row: &SqliteRow) -> Result<Scheduled, BackendError> {
    let corrupt = |what: &str| BackendError::Corrupt(format!("{what} of a scheduled message"));
    let name: &str = row.try_get(2).map_err(error::backend)?;
    Ok(Scheduled {
        at: time(row, 1)?,
        stream: StreamId::new(name).map_err(|_| corrupt("the stream's name"))?,
        message: row::new_message(row, 3, corrupt)?,
    })
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, BackendError> {
    let micros = row.try_get(column).map_err(error::backend)?;
    Ok(Timestamp::from_micros(micros))
}

fn bytes(id: MessageId) -> Vec<u8> {
    Uuid::into_bytes(id.as_uuid()).to_vec()
}
