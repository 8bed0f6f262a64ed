//! Rows that only a version gives which is not live.

use std::fmt;

use super::GroupProgress;
use crate::backend::BackendError;

/// Rows were asked for which the live version of a projection cannot give, as its table lacks a column or keeps it
/// otherwise. The version of this program can, but is not live (yet). [`RowsOf`](super::RowsOf) fails with it:
/// [`Failure::find`](crate::Failure::find) gets it out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub struct NotLive {
    /// The table, without a version.
    pub table: &'static str,
    /// The version of this program.
    pub version: u32,
    /// The version that queries read.
    pub live: u32,
    /// How far the version of this program is; `None` when its group was removed.
    pub progress: Option<GroupProgress>,
    /// What the storage said.
    #[source]
    pub refused: BackendError,
}

impl fmt::Display for NotLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            version,
            live,
            progress,
            refused,
        } = self;
        write!(
            f,
            "version {live} of `{table}` is live, and has no such rows ({refused}); version {version}, which has, "
        )?;
        match progress {
            Some(progress) => write!(
                f,
                "has come to position {} of {}",
                progress.handled_upto, progress.log_end
            ),
            None => f.write_str("was forgotten"),
        }
    }
}
