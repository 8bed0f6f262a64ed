//! What is told of rows after the commit, by all processes.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where it is written down; nowhere for those who only read.
#[derive(Debug, Default)]
pub(super) struct Told(Option<Mutex<File>>);

impl Told {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path(folder))?;
        Ok(Self(Some(Mutex::new(file))))
    }

    /// One write, so that what several processes say does not get mixed.
    pub(super) fn note(&self, version: u64, stall: u64, sales: u64) -> std::io::Result<()> {
        let Some(file) = &self.0 else { return Ok(()) };
        let line = format!("{version} {stall} {sales}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("told")
}

/// How often something was told by version 1 and 2, and how often again.
pub(super) fn count(folder: &Path) -> anyhow::Result<([u64; 2], u64)> {
    let (mut told, mut by_version, mut repeated) = (HashSet::new(), [0, 0], 0);
    let text = std::fs::read_to_string(path(folder))?;
    for line in text.lines() {
        let (version, of_stall) = line.split_once(' ').unwrap_or_default();
        by_version[usize::from(version == "2")] += 1;
        repeated += u64::from(!told.insert(of_stall));
    }
    Ok((by_version, repeated))
}
