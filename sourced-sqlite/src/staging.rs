//! Acknowledgements that read and change rows, many in one transaction: the rows of all of them are read once, changed in
//! memory and written once.

use std::collections::BTreeSet;

use sourced::backend::{Ack, AckError, BackendError, Rehearsals, RowsWanted, StagedRows, Tx};
use sqlx::{Connection as _, SqliteConnection};

use crate::batch::RowsJob;
use crate::draft::{Draft, Outcome};
use crate::sql::{End, Statements};
use crate::tx::SavepointTx;
use crate::{error, lanes, rows, together};

/// Stores what can be stored, in a transaction that goes on. Whoever does not fit is tried alone.
pub(crate) async fn store(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rehearsals: &Rehearsals,
    jobs: &[RowsJob],
) -> Result<Vec<Outcome>, BackendError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut savepoint = connection.begin().await.map_err(error::backend)?;
    let stored = store_together(&mut savepoint, sql, rehearsals, jobs).await;
    let outcomes = match stored {
        Ok(outcomes) => {
            savepoint.commit().await.map_err(error::backend)?;
            outcomes
        }
        // This fails when SQLite has rolled back the whole transaction, and then so does all of it.
        Err(trouble) => {
            savepoint.rollback().await.map_err(error::backend)?;
            tracing::debug!(%trouble, n_acks = jobs.len(), "each of these acknowledgements is made alone");
            jobs.iter().map(|_| None).collect()
        }
    };
    let mut all = Vec::with_capacity(jobs.len());
    for (job, outcome) in jobs.iter().zip(outcomes) {
        all.push(match outcome {
            Some(outcome) => outcome,
            None => store_alone(connection, sql, &job.ack).await?,
        });
    }
    Ok(all)
}

async fn store_alone(
    connection: &mut SqliteConnection,
    sql: &Statements,
    ack: &Ack,
) -> Result<Outcome, BackendError> {
    let mut savepoint = connection.begin().await.map_err(error::backend)?;
    let outcome = lanes::ack(&mut savepoint, sql, ack, None).await;
    let ended = match &outcome {
        Ok(_) => savepoint.commit().await,
        Err(_) => savepoint.rollback().await,
    };
    ended.map_err(error::backend)?;
    Ok(outcome)
}

/// `None` for those that do not fit: nothing of them is stored.
async fn store_together(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rehearsals: &Rehearsals,
    jobs: &[RowsJob],
) -> Result<Vec<Option<Outcome>>, AckError> {
    let plain: Vec<_> = jobs.iter().map(|job| &job.plain).collect();
    let row = together::look_up_claims(connection, sql, &plain).await?;
    let outcomes = Draft::of(&row)?.add_all(&plain);
    let held = outcomes.iter().map(Result::is_ok);
    let held: Vec<&RowsJob> = jobs
        .iter()
        .zip(held)
        .filter(|(_, is)| *is)
        .map(|(job, _)| job)
        .collect();
    let acks: Vec<(&Ack, &RowsWanted)> = held.iter().map(|job| (&job.ack, &job.wanted)).collect();
    let misfits = change_rows(connection, sql, rehearsals, &acks).await?;
    let fitting = held
        .iter()
        .enumerate()
        .filter(|(place, _)| !misfits.contains(place));
    let fitting: Vec<_> = fitting.map(|(_, job)| &job.plain).collect();
    let mut draft = Draft::of(&row)?;
    let stored = draft.add_all(&fitting);
    together::write(connection, sql, &draft, End::Open).await?;
    let (mut stored, mut place) = (stored.into_iter(), 0..);
    let outcome = |outcome: Outcome| match outcome {
        Err(fenced) => Some(Err(fenced)),
        Ok(_) if place.next().is_some_and(|place| misfits.contains(&place)) => None,
        Ok(_) => stored.next(),
    };
    Ok(outcomes.into_iter().map(outcome).collect())
}

/// Runs the sync actions, and writes what came out of those that fit. Gives the places of the others.
async fn change_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rehearsals: &Rehearsals,
    acks: &[(&Ack, &RowsWanted)],
) -> Result<BTreeSet<usize>, AckError> {
    let mut misfits = BTreeSet::new();
    let mut tables = Vec::new();
    for (_, wanted) in acks {
        if !tables.contains(&&wanted.table) {
            tables.push(&wanted.table);
        }
    }
    for table in tables {
        let is_meant = |wanted: &RowsWanted| wanted.table == *table;
        let wanted = acks.iter().map(|(_, wanted)| *wanted);
        let Some(mut staged) = StagedRows::of(wanted.filter(|wanted| is_meant(wanted))) else {
            continue;
        };
        let read = rows::read_rows(connection, sql, table, &staged.keys()).await?;
        staged.fill(read);
        for (place, (ack, wanted)) in acks.iter().enumerate() {
            if is_meant(wanted) && !rehearsals.change(&mut staged, ack) {
                misfits.insert(place);
            }
        }
        let mut ops = SavepointTx { connection, sql };
        let changes = staged.changes();
        let done = Tx::new(&mut ops).change_rows(table, &changes).await;
        done.map_err(AckError::Sync)?;
    }
    Ok(misfits)
}
