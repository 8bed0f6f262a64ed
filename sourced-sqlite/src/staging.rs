//! Acknowledgements that read and change rows, many in one transaction: the rows of all of them are read once, changed in
//! memory and written once.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use sourced::backend::{Ack, AckError, BackendError, Rehearsals, RowsWanted, StagedRows, Tx};
use sqlx::{Connection as _, SqliteConnection};

use crate::batch::{RowsJob, panicked};
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
    match jobs {
        [] => return Ok(Vec::new()),
        // There is nothing to share, and nothing to rehearse for.
        [job] => return Ok(vec![store_alone(connection, sql, &job.ack).await?]),
        _ => {}
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
    let outcome = AssertUnwindSafe(lanes::ack(&mut savepoint, sql, ack, None))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(panicked().into()));
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
    let held = jobs.iter().enumerate().zip(&outcomes);
    let held: Vec<(usize, &RowsJob)> = held
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(job, _)| job)
        .collect();
    let misfits = change_rows(connection, sql, rehearsals, &held).await?;
    // The places of the claims are those of the look-up, so the list stays whole.
    let mut draft = Draft::of(&row)?;
    draft.leave_out(&misfits);
    let outcomes = draft.add_all(&plain);
    together::write(connection, sql, &draft, End::Open).await?;
    let outcomes = outcomes.into_iter().enumerate();
    Ok(outcomes
        .map(|(place, outcome)| (!misfits.contains(&place)).then_some(outcome))
        .collect())
}

/// Runs the sync actions, and writes what came out of those that fit. Gives the places of the others.
async fn change_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    rehearsals: &Rehearsals,
    jobs: &[(usize, &RowsJob)],
) -> Result<BTreeSet<usize>, AckError> {
    let mut misfits = BTreeSet::new();
    let mut tables = Vec::new();
    for (_, job) in jobs {
        if !tables.contains(&&job.wanted.table) {
            tables.push(&job.wanted.table);
        }
    }
    for table in tables {
        let is_meant = |wanted: &RowsWanted| wanted.table == *table;
        let wanted = jobs.iter().map(|(_, job)| &job.wanted);
        let Some(mut staged) = StagedRows::of(wanted.filter(|wanted| is_meant(wanted))) else {
            continue;
        };
        let read = rows::read_rows(connection, sql, table, &staged.keys()).await?;
        staged.fill(read);
        for (place, job) in jobs {
            if is_meant(&job.wanted) && !rehearsals.change(&mut staged, &job.ack) {
                misfits.insert(*place);
            }
        }
        let mut ops = SavepointTx { connection, sql };
        let changes = staged.changes();
        let done = Tx::new(&mut ops).change_rows(table, &changes).await;
        done.map_err(AckError::Sync)?;
    }
    Ok(misfits)
}
