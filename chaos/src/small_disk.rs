//! A file system that is filled up, and gets its space back.

use std::fs::{File, remove_file};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// It holds the database; all its other space can be taken by a file of no use.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    ballast: PathBuf,
    full_until: Option<Instant>,
}

impl SmallDisk {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            ballast: folder.join("ballast"),
            full_until: None,
        }
    }

    /// Leaves no space until then.
    pub(crate) fn fill(&mut self, until: Instant) -> anyhow::Result<()> {
        const CHUNK: [u8; 4096] = [b'.'; 4096];
        self.full_until = self.full_until.max(Some(until));
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(&self.ballast)?;
        loop {
            match ballast.write_all(&CHUNK) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives the space back, if it is time.
    pub(crate) fn free(&mut self, now: Instant) -> anyhow::Result<()> {
        if self.full_until.is_some_and(|until| until <= now) {
            self.full_until = None;
            remove_file(&self.ballast)?;
        }
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        _ = remove_file(&self.ballast);
    }
}
