//! Consumer groups: who wants which messages, and what an operator does about them.

use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    BackendError, FailedMessage, Group, GroupOrder, GroupState, GroupStatus, Groups, KnownTypes,
    OrderError, ResetFrom, ResetScope, StartFrom,
};
use sourced::env::{Clock as _, SystemClock};
use sourced::message::TypeName;
use sourced::{GroupId, Position, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::types::chrono::{DateTime, Utc};

use crate::backend::{Postgres, retrying};
use crate::connecting::LONG;
use crate::error::SqlError;
use crate::row::{clamped, get, number, position, readable};

#[async_trait]
impl Groups for Postgres {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        let mut types: Vec<&str> = group.types.iter().map(TypeName::as_str).collect();
        types.sort_unstable();
        types.dedup();
        let is_global = group.order == GroupOrder::Global;
        let known: Option<(Vec<String>, bool)> = retrying!(self, connection =>
            self.inner.sql.group_types.query_as()
                .bind(group.id.as_str())
                .fetch_optional(&mut *connection)
                .await)?;
        if known.is_some_and(|known| known.0 == types && known.1 == is_global) {
            return Ok(());
        }
        let (mode, after, since) = match group.start_from {
            StartFrom::Beginning => (0, Position::START, None),
            StartFrom::Now => (1, Position::START, None),
            StartFrom::After(position) => (2, position, None),
            StartFrom::Since(time) => (3, Position::START, Some(time)),
        };
        loop {
            // Doing it twice changes nothing the second time.
            let row = retrying!(self, LONG; connection =>
                self.inner.sql.register_group.query()
                    .bind(group.id.as_str())
                    .bind(&types[..])
                    .bind(mode)
                    .bind(clamped(after.get()))
                    .bind(since.map(time))
                    .bind(is_global)
                    .fetch_one(&mut *connection)
                    .await)?;
            match registered(&row, group)? {
                Registered::Done => break,
                Registered::Behind => self.catch_up(&group.id).await?,
            }
        }
        self.inner.hints.raise();
        Ok(())
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        let noted: Vec<String> = retrying!(self, connection =>
            self.inner.sql.known_types.query_scalar()
                .bind(group.as_str())
                .fetch_all(&mut *connection)
                .await)?;
        let noted = type_names(&noted)?;
        let news = types.iter().filter(|name| !noted.contains(name));
        let news: Vec<&str> = news.map(TypeName::as_str).collect();
        if !news.is_empty() {
            retrying!(self, connection =>
                self.inner.sql.insert_known_types.query()
                    .bind(group.as_str())
                    .bind(&news[..])
                    .execute(&mut *connection)
                    .await)?;
        }
        Ok(KnownTypes::of(noted, types))
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        let stream = match scope {
            ResetScope::All => None,
            ResetScope::Stream(stream) => Some(stream.as_str()),
        };
        let (after, since) = match from {
            ResetFrom::Beginning => (Position::START, None),
            ResetFrom::After(position) => (position, None),
            ResetFrom::Since(time) => (Position::START, Some(time)),
        };
        let is_known: Result<bool, SqlError> = retrying!(self, LONG; connection =>
            self.inner.sql.reset_group.query_scalar()
                .bind(group.as_str())
                .bind(stream)
                .bind(clamped(after.get()))
                .bind(since.map(time))
                .fetch_one(&mut *connection)
                .await);
        let is_known = match (is_known, scope) {
            (Err(error), ResetScope::Stream(stream)) if error.has_no_such_lane() => {
                let (group, stream) = (group.clone(), stream.clone());
                return Err(OrderError::NoSuchLane { group, stream }.into());
            }
            (is_known, _) => is_known?,
        };
        known(group, is_known)?;
        self.inner.hints.raise();
        Ok(())
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        let stopped = retrying!(self, connection =>
            self.inner.sql.stop_group.query()
                .bind(group.as_str())
                .bind(readable(reason))
                .execute(&mut *connection)
                .await)?;
        known(group, stopped.rows_affected() > 0)
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        let started = retrying!(self, connection =>
            self.inner.sql.start_group.query()
                .bind(group.as_str())
                .execute(&mut *connection)
                .await)?;
        known(group, started.rows_affected() > 0)?;
        self.inner.hints.raise();
        Ok(())
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        let is_known: bool = retrying!(self, LONG; connection =>
            self.inner.sql.remove_group.query_scalar()
                .bind(group.as_str())
                .fetch_one(&mut *connection)
                .await)?;
        known(group, is_known)?;
        retrying!(self, connection =>
            self.inner.sql.forget_known_types.query()
                .bind(group.as_str())
                .execute(&mut *connection)
                .await)?;
        self.sweep().await
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        let row = retrying!(self, connection =>
            self.inner.sql.group_state.query()
                .bind(group.as_str())
                .fetch_optional(&mut *connection)
                .await)?;
        let row = row.ok_or_else(|| BackendError::UnknownGroup(group.clone()))?;
        state(&row)
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        let rows = retrying!(self, LONG; connection =>
            self.inner.sql.groups.query()
                .fetch_all(&mut *connection)
                .await)?;
        rows.iter().map(status).collect()
    }
}

impl Postgres {
    /// Deletes what removed groups have left.
    pub(crate) async fn sweep(&self) -> Result<(), BackendError> {
        loop {
            let has_more: bool = retrying!(self, LONG; connection =>
                self.inner.sql.sweep_groups.query_scalar()
                    .fetch_one(&mut *connection)
                    .await)?;
            if !has_more {
                return Ok(());
            }
        }
    }
}

/// What registering came to, unless it was refused.
enum Registered {
    Done,
    /// The pump was set back, and has to catch up first.
    Behind,
}

fn registered(row: &PgRow, group: &Group) -> Result<Registered, BackendError> {
    let outcome: &str = get(row, "outcome")?;
    let of_type = || {
        let name = get::<Option<&str>>(row, "of_type")?.unwrap_or_default();
        TypeName::new(name).map_err(|_| BackendError::Corrupt("a type name".to_owned()))
    };
    let acked = || position(get::<Option<i64>>(row, "acked")?.unwrap_or_default());
    let id = group.id.clone();
    Err(BackendError::from(match outcome {
        "done" => return Ok(Registered::Done),
        "behind" => return Ok(Registered::Behind),
        "given_up" => OrderError::GivenUp {
            group: id,
            type_name: of_type()?,
            acked: acked()?,
        },
        "passed" => OrderError::Passed {
            group: id,
            type_name: of_type()?,
            acked: acked()?,
        },
        _ => OrderError::Other {
            group: id,
            known: match group.order {
                GroupOrder::PerStream => GroupOrder::Global,
                GroupOrder::Global => GroupOrder::PerStream,
            },
            asked: group.order,
        },
    }))
}

fn state(row: &PgRow) -> Result<GroupState, BackendError> {
    let name: &str = get(row, "state")?;
    if name == "active" {
        return Ok(GroupState::Active);
    }
    let why: Option<String> = get(row, "state_reason")?;
    let why = why.unwrap_or_default();
    let at: Option<DateTime<Utc>> = get(row, "state_at")?;
    let at = at.map_or(Timestamp::from_micros(0), Timestamp::from);
    Ok(match name {
        "failed" => GroupState::Failed {
            error: why,
            message: failed_message(row)?,
            at,
        },
        _ => GroupState::Stopped { reason: why, at },
    })
}

fn failed_message(row: &PgRow) -> Result<Option<FailedMessage>, BackendError> {
    let Some(name) = get::<Option<&str>>(row, "state_type")? else {
        return Ok(None);
    };
    Ok(Some(FailedMessage {
        position: position(get(row, "state_pos")?)?,
        type_name: TypeName::new(name)
            .map_err(|_| BackendError::Corrupt("a type name".to_owned()))?,
    }))
}

fn type_names(names: &[String]) -> Result<Vec<TypeName>, BackendError> {
    let names = names.iter().map(TypeName::new).collect::<Result<_, _>>();
    names.map_err(|_| BackendError::Corrupt("a type name".to_owned()))
}

fn status(row: &PgRow) -> Result<GroupStatus, BackendError> {
    let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
    let types: Vec<String> = get(row, "types")?;
    let pending: u64 = number(get(row, "pending")?)?;
    let oldest: Option<i64> = get(row, "oldest")?;
    Ok(GroupStatus {
        id: GroupId::new(get::<&str>(row, "name")?).map_err(|_| corrupt("a group's name"))?,
        types: type_names(&types)?,
        state: state(row)?,
        sorted_upto: position(get(row, "hi")?)?,
        log_end: position(get(row, "log_end")?)?,
        pending: pending.min(GroupStatus::MOST_COUNTED),
        parked: number(get(row, "parked")?)?,
        oldest_pending: oldest.map(position).transpose()?,
        is_replaying: get(row, "is_replaying")?,
    })
}

impl Postgres {
    /// One step of the pump, for a group whose types can change only when it has come to where it was.
    pub(crate) async fn catch_up(&self, group: &GroupId) -> Result<(), BackendError> {
        let sorted: Option<i64> = retrying!(self, connection =>
            self.inner.sql.pump_group.query_scalar()
                .bind(group.as_str())
                .fetch_optional(&mut *connection)
                .await)?;
        if sorted == Some(0) {
            // Somebody else is at it, or a lane is in a slow transaction.
            SystemClock.sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

fn known(group: &GroupId, is_known: bool) -> Result<(), BackendError> {
    if is_known {
        return Ok(());
    }
    Err(BackendError::UnknownGroup(group.clone()))
}

fn time(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.as_micros()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
