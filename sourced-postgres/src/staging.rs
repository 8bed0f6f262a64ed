//! Acknowledgements of one transaction that read and change rows: those of all of them are read once, changed in memory and
//! written once.

use std::collections::BTreeSet;

use sourced::Failure;
use sourced::backend::{Ack, BackendError, Rehearsals, RowsWanted, StagedRows, Tx, TxOps as _};
use sqlx::PgConnection;

use crate::ack::Trouble;
use crate::connecting::LONG;
use crate::sql::Sql;
use crate::tx::Operations;

/// Which of the acknowledgements do not fit, by their places.
pub(crate) type Misfits = BTreeSet<usize>;

/// Runs the sync actions of those that want rows, and writes what came out unless there are misfits: then nothing is
/// written, and the transaction is good for nothing.
pub(crate) async fn change_rows(
    connection: &mut PgConnection,
    sql: &Sql,
    rehearsals: &Rehearsals,
    acks: &[(&Ack, Option<&RowsWanted>)],
) -> Result<Misfits, Trouble> {
    let mut operations = Operations {
        connection,
        sql,
        answer_within: LONG,
    };
    let mut misfits = Misfits::new();
    let mut tables = Vec::new();
    let wanted = || acks.iter().filter_map(|(_, wanted)| *wanted);
    // Everybody locks tables in the order of their names, as rows in that of their keys.
    let names = wanted().map(|wanted| wanted.table.physical_name());
    let names: BTreeSet<String> = names.collect();
    for name in names {
        let is_meant = |wanted: &RowsWanted| wanted.table.physical_name() == name;
        let Some(mut rows) = StagedRows::of(wanted().filter(|wanted| is_meant(wanted))) else {
            return Err(refused("two tables of one name"));
        };
        let read = operations.read_rows(rows.table(), &rows.keys()).await;
        rows.fill(read.map_err(of_backend)?);
        for (place, (ack, wanted)) in acks.iter().enumerate() {
            if wanted.is_some_and(is_meant) && !rehearsals.change(&mut rows, ack) {
                misfits.insert(place);
            }
        }
        tables.push(rows);
    }
    if misfits.is_empty() {
        for rows in tables {
            let table = rows.table().clone();
            let changes = rows.changes();
            let done = Tx::new(&mut operations).change_rows(&table, &changes).await;
            done.map_err(Trouble::Sync)?;
        }
    }
    Ok(misfits)
}

fn of_backend(error: BackendError) -> Trouble {
    Trouble::Sync(Failure::from(error))
}

fn refused(text: &str) -> Trouble {
    of_backend(BackendError::Refused(text.into()))
}
