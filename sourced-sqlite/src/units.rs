//! Units: a whole chain of messages stored at once, outside of any claim.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{
    AppendError, Appended, BackendError, JoinError, Joined, Lane, Limits, UnitCommit, UnitError,
    Units,
};
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::joined::JoinedTransaction;
use crate::row::signed;
use crate::sql::Statements;
use crate::{append, error, lanes, schedules};

#[async_trait]
impl Units for Sqlite {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        check(&unit)?;
        let sql = Arc::clone(&self.inner.sql);
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { commit(connection, &sql, &unit).await })
            })
            .await
    }

    async fn join<'t>(
        &self,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Box<dyn Joined + 't>, JoinError> {
        Ok(Box::new(JoinedTransaction::check(self, connection).await?))
    }
}

/// Refuses what no look at the storage is needed for.
pub(crate) fn check(unit: &UnitCommit) -> Result<(), AppendError> {
    Limits::default().check_all(&unit.appends, &unit.schedules)?;
    append::refuse_repetitions(&unit.appends, &unit.schedules)
}

/// All or nothing: on an error the savepoint around it is rolled back.
pub(crate) async fn commit(
    connection: &mut SqliteConnection,
    sql: &Statements,
    unit: &UnitCommit,
) -> Result<Vec<Appended>, UnitError> {
    // There is no other writer, so what is quiet now stays so.
    let appended = append::append(connection, sql, &unit.appends).await?;
    schedules::schedule(connection, sql, &unit.schedules).await?;
    for lane in &unit.settled {
        settle(connection, sql, unit, &appended, lane).await?;
    }
    lanes::refuse(connection, sql, &unit.refusals).await?;
    if !unit.syncs.is_empty() {
        lanes::sync(connection, sql, &unit.syncs).await?;
    }
    Ok(appended)
}

/// Moves a lane on to the end of what was appended to its stream, if nothing waits in between.
async fn settle(
    connection: &mut SqliteConnection,
    sql: &Statements,
    unit: &UnitCommit,
    appended: &[Appended],
    lane: &Lane,
) -> Result<(), UnitError> {
    let streams = unit.appends.iter().flat_map(|append| {
        let stream = &append.stream;
        append.messages.iter().map(move |_| stream)
    });
    let places = streams.zip(appended).filter(|(of, _)| **of == lane.stream);
    let places: Vec<&Appended> = places.map(|(_, place)| place).collect();
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        let text = format!(
            "nothing was appended to the settled stream `{}`",
            lane.stream
        );
        return Err(BackendError::Refused(text.into()).into());
    };
    let row = sqlx::query(sql.is_waiting.clone())
        .bind(lane.group.as_str())
        .bind(lane.stream.as_str())
        .bind(signed(first.seq.get()))
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Err(BackendError::UnknownGroup(lane.group.clone()).into());
    };
    let is_waiting: bool = row.try_get(0).map_err(error::backend)?;
    if is_waiting || gave_up(connection, sql, unit, &lane.group).await? {
        return Err(UnitError::Busy {
            group: lane.group.clone(),
            stream: lane.stream.clone(),
        });
    }
    sqlx::query(sql.settle.clone())
        .bind(lane.group.as_str())
        .bind(lane.stream.as_str())
        .bind(signed(last.position.get()))
        .bind(signed(last.seq.get()))
        .execute(connection)
        .await
        .map_err(error::backend)?;
    Ok(())
}

/// Whether the group does not handle by now what it handled in the unit.
async fn gave_up(
    connection: &mut SqliteConnection,
    sql: &Statements,
    unit: &UnitCommit,
    group: &GroupId,
) -> Result<bool, UnitError> {
    for (_, of) in unit.handled.iter().filter(|(by, _)| by == group) {
        let row = sqlx::query(sql.handles.clone())
            .bind(group.as_str())
            .bind(of.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(error::backend)?;
        if row.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}
