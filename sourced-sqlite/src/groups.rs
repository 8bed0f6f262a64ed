//! Consumer groups, and what an operator does about them.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{
    BackendError, FailedMessage, Group, GroupOrder, GroupState, GroupStatus, Groups, KnownTypes,
    OrderError, ResetFrom, ResetScope,
};
use sourced::message::TypeName;
use sourced::{GroupId, Position, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::error;
use crate::row::{optional_text, signed, unsigned};
use crate::sql::Statements;
use crate::stretches;
use crate::types::{self, Registered};

#[async_trait]
impl Groups for Sqlite {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        // Every start of every process registers all its groups: the common case takes no lock.
        if types::are_known(&mut *self.reader().await?, &self.inner.sql, group).await? {
            return Ok(());
        }
        loop {
            let sql = Arc::clone(&self.inner.sql);
            let group = group.clone();
            let registered = self
                .inner
                .writer
                .run(Effect::Lasting, move |connection| {
                    Box::pin(async move { types::register(connection, &sql, &group).await })
                })
                .await?;
            if registered == Registered::Done {
                self.inner.signal.raise();
                return Ok(());
            }
        }
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        let noted: Vec<String> = sqlx::query_scalar(self.inner.sql.known_types.clone())
            .bind(group.as_str())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        let noted = type_names(&noted)?;
        let news: Vec<_> = types.iter().filter(|name| !noted.contains(name)).collect();
        if !news.is_empty() {
            let sql = Arc::clone(&self.inner.sql);
            let (group, news) = (group.clone(), json(&news));
            let note = self.inner.writer.run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let note = sqlx::query(sql.insert_known_types.clone());
                    let note = note.bind(group.as_str()).bind(&news).execute(connection);
                    note.await.map(drop).map_err(error::backend)
                })
            });
            note.await?;
        }
        Ok(KnownTypes::of(noted, types))
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let (group, scope) = (group.clone(), scope.clone());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { reset(connection, &sql, &group, &scope, from).await })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let (group, reason) = (group.clone(), reason.to_owned());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let stop = sqlx::query(sql.stop_group.clone())
                        .bind(group.as_str())
                        .bind(reason);
                    change(connection, stop, &group).await
                })
            })
            .await
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let group = group.clone();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let start = sqlx::query(sql.start_group.clone()).bind(group.as_str());
                    change(connection, start, &group).await
                })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let group = group.clone();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let forget = sqlx::query(sql.forget_known_types.clone());
                    let forget = forget.bind(group.as_str()).execute(&mut *connection);
                    forget.await.map_err(error::backend)?;
                    let remove = sqlx::query(sql.remove_group.clone()).bind(group.as_str());
                    change(connection, remove, &group).await
                })
            })
            .await?;
        self.sweep().await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        let row = sqlx::query(self.inner.sql.group_state.clone())
            .bind(group.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?
            .ok_or_else(|| BackendError::UnknownGroup(group.clone()))?;
        state(&row, 0)
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        let rows = sqlx::query(self.inner.sql.groups.clone())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        rows.iter().map(status).collect()
    }
}

/// Reads a state from its name, its reason, its time, and the position and type of the message.
fn state(row: &SqliteRow, first: usize) -> Result<GroupState, BackendError> {
    let name: &str = row.try_get(first).map_err(error::backend)?;
    if name == "active" {
        return Ok(GroupState::Active);
    }
    let why = optional_text(row, first + 1)?
        .unwrap_or_default()
        .to_owned();
    let at: Option<i64> = row.try_get(first + 2).map_err(error::backend)?;
    let at = Timestamp::from_micros(at.unwrap_or(0));
    Ok(match name {
        "failed" => GroupState::Failed {
            error: why,
            message: failed_message(row, first + 3)?,
            at,
        },
        _ => GroupState::Stopped { reason: why, at },
    })
}

fn failed_message(row: &SqliteRow, first: usize) -> Result<Option<FailedMessage>, BackendError> {
    let Some(name) = optional_text(row, first + 1)? else {
        return Ok(None);
    };
    Ok(Some(FailedMessage {
        position: Position::new(unsigned(row, first)?),
        type_name: TypeName::new(name)
            .map_err(|_| BackendError::Corrupt("a type name".to_owned()))?,
    }))
}

fn type_names(names: &[impl AsRef<str>]) -> Result<Vec<TypeName>, BackendError> {
    let names = names.iter().map(|name| TypeName::new(name.as_ref()));
    let names = names.collect::<Result<_, _>>();
    names.map_err(|_| BackendError::Corrupt("a type name".to_owned()))
}

fn status(row: &SqliteRow) -> Result<GroupStatus, BackendError> {
    let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
    let name: &str = row.try_get(0).map_err(error::backend)?;
    let types: &str = row.try_get(8).map_err(error::backend)?;
    let types: Vec<&str> = serde_json::from_str(types).map_err(|_| corrupt("a list of types"))?;
    let oldest: Option<i64> = row.try_get(11).map_err(error::backend)?;
    let oldest = oldest.and_then(|oldest| u64::try_from(oldest).ok());
    Ok(GroupStatus {
        id: GroupId::new(name).map_err(|_| corrupt("a group's name"))?,
        types: type_names(&types)?,
        state: state(row, 1)?,
        sorted_upto: Position::new(unsigned(row, 6)?),
        log_end: Position::new(unsigned(row, 7)?),
        pending: unsigned(row, 9)?.min(GroupStatus::MOST_COUNTED),
        parked: unsigned(row, 10)?,
        oldest_pending: oldest.map(Position::new),
        is_replaying: row.try_get(12).map_err(error::backend)?,
    })
}

pub(crate) async fn reset(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
    scope: &ResetScope,
    from: ResetFrom,
) -> Result<(), BackendError> {
    let row = sqlx::query(sql.find_group.clone())
        .bind(group.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?
        .ok_or_else(|| BackendError::UnknownGroup(group.clone()))?;
    let (id, start): (i64, i64) = (number(&row, 0)?, number(&row, 1)?);
    let after = match from {
        ResetFrom::Beginning => 0,
        ResetFrom::After(position) => signed(position.get()),
        ResetFrom::Since(time) => before(connection, sql, time).await?,
    };
    let stream = match scope {
        ResetScope::All => None,
        ResetScope::Stream(stream) => Some(stream.as_str()),
    };
    if types::order(&row, 3)? == GroupOrder::Global {
        if let ResetScope::Stream(stream) = scope
            && !stream.is_log()
        {
            let (group, stream) = (group.clone(), stream.clone());
            return Err(BackendError::from(OrderError::NoSuchLane { group, stream }));
        }
        let raise = sqlx::query(sql.raise_acked_types.clone()).bind(id);
        raise
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    let reset = sqlx::query(sql.reset.clone())
        .bind(id)
        .bind(after.max(start))
        .bind(stream);
    reset
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    let steps = match stream {
        None => vec![
            sqlx::query(sql.rewind_upto.clone())
                .bind(id)
                .bind(after.max(start)),
            sqlx::query(sql.fence_group.clone()).bind(id),
        ],
        Some(stream) => vec![sqlx::query(sql.reopen_stream.clone()).bind(id).bind(stream)],
    };
    for step in steps {
        let done = step.execute(&mut *connection).await;
        done.map_err(error::backend)?;
    }
    stretches::take_back(connection, sql, id).await
}

/// The position before the first message made at this time or later; the end of the log when there is none.
pub(crate) async fn before(
    connection: &mut SqliteConnection,
    sql: &Statements,
    time: Timestamp,
) -> Result<i64, BackendError> {
    let row = sqlx::query(sql.before.clone())
        .bind(time.as_micros())
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    if let Some(row) = row {
        return number(&row, 0);
    }
    let row = sqlx::query(sql.log_end.clone()).fetch_one(connection).await;
    number(&row.map_err(error::backend)?, 0)
}

impl Sqlite {
    /// Deletes what removed groups have left.
    pub(crate) async fn sweep(&self) -> Result<(), BackendError> {
        loop {
            let sql = Arc::clone(&self.inner.sql);
            let has_more = self
                .inner
                .writer
                .run(Effect::Lasting, move |connection| {
                    Box::pin(async move { sweep(connection, &sql).await })
                })
                .await?;
            if !has_more {
                return Ok(());
            }
        }
    }
}

/// Deletes some of what removed groups have left, and says whether there may be more.
async fn sweep(connection: &mut SqliteConnection, sql: &Statements) -> Result<bool, BackendError> {
    let row = sqlx::query(sql.swept.clone())
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    let lanes: String = row.try_get(0).map_err(error::backend)?;
    let has_lanes = lanes != "[]";
    for statement in [&sql.sweep_owed, &sql.sweep_lanes] {
        let delete = sqlx::query(statement.clone()).bind(lanes.as_str());
        delete
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    if !has_lanes {
        for statement in [
            &sql.sweep_types,
            &sql.sweep_acked_types,
            &sql.sweep_interventions,
        ] {
            let delete = sqlx::query(statement.clone());
            delete
                .execute(&mut *connection)
                .await
                .map_err(error::backend)?;
        }
    }
    Ok(has_lanes)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

async fn change(
    connection: &mut SqliteConnection,
    query: Query<'_>,
    group: &GroupId,
) -> Result<(), BackendError> {
    let done = query.execute(connection).await.map_err(error::backend)?;
    match done.rows_affected() {
        0 => Err(BackendError::UnknownGroup(group.clone())),
        _ => Ok(()),
    }
}

pub(crate) fn number(row: &SqliteRow, column: usize) -> Result<i64, BackendError> {
    row.try_get(column).map_err(error::backend)
}
