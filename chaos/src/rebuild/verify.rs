//! Compares the table with the log, and the log with what was acknowledged.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use futures_util::TryStreamExt as _;
use sourced::{App, MessageId, Selection, TypeName};

use super::domain::{Sold, Takings};
use super::sales::{LANES, command_id};
use super::{Report, told};
use crate::dispatcher::{acknowledged, path};

/// Reads the log and the live table, and fills the report.
pub(super) async fn verify(app: &App, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut ids: HashSet<MessageId> = HashSet::new();
    let mut expected: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut log = app.log(Selection::all()).stream();
    while let Some(message) = log.try_next().await? {
        report.messages += 1;
        if !ids.insert(message.id) {
            report.doubled += 1;
        }
        if message.type_name == TypeName::of::<Sold>() {
            let sold = message.decode::<Sold>()?.payload;
            let (sales, cents) = expected.entry(sold.stall).or_default();
            *sales += 1;
            *cents += sold.cents;
        }
    }
    for lane in 0..LANES {
        let lost = (0..acknowledged(&path(folder, lane))?)
            .filter(|nth| !ids.contains(&command_id(lane, *nth)));
        report.acked_lost += lost.count() as u64;
    }
    ([_, report.told_by_new], report.told_again) = told::count(folder)?;
    let rows = app.rows::<Takings>().all().await;
    let rows = rows.map_err(|error| anyhow::anyhow!("the table cannot be read: {error:#}"))?;
    compare(&expected, &rows, report);
    Ok(())
}

fn compare(expected: &BTreeMap<u64, (u64, u64)>, rows: &[Takings], report: &mut Report) {
    let there: BTreeMap<u64, &Takings> = rows.iter().map(|row| (row.stall, row)).collect();
    for (stall, (sales, cents)) in expected {
        let found = there
            .get(stall)
            .map_or((0, 0), |row| (row.sales, row.cents));
        if found != (*sales, *cents) {
            eprintln!("wrong: stall {stall} has {found:?} instead of ({sales}, {cents})");
        }
        report.events_lost += sales.saturating_sub(found.0);
        report.doubled += found.0.saturating_sub(*sales);
        report.other_rows += u64::from(found.0 == *sales && found.1 != *cents);
    }
    let is_unknown = |row: &&Takings| !expected.contains_key(&row.stall) || row.version != 2;
    report.other_rows += rows.iter().filter(is_unknown).count() as u64;
}
