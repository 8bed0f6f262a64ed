//! The file that a path leads to: it may be another one later, when a copy is put in its place.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sourced::Timestamp;
use sourced::backend::{BackendError, KnownHistory, Sighting};
use sourced::env::{Clock as _, SystemClock};

/// A path, and which file was there last.
///
/// Connections stay with the file they have opened, wherever that is moved to: so everybody who is about to use one looks
/// whether it is still the one to use.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    known: KnownHistory,
    replaced_at: Mutex<Option<Timestamp>>,
}

impl File {
    /// The file that is there now.
    pub(crate) fn at(path: PathBuf) -> Result<Self, BackendError> {
        let file = Self {
            path,
            known: KnownHistory::default(),
            replaced_at: Mutex::default(),
        };
        file.look()?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How often it was replaced.
    pub(crate) fn setbacks(&self) -> u64 {
        self.known.setbacks()
    }

    /// Looks whether it is still the same one; gives how often it was replaced.
    pub(crate) fn look(&self) -> Result<u64, BackendError> {
        let before = self.setbacks();
        let place = Some(identity(&self.path)?);
        // Whoever opens a connection from now on opens what was just seen.
        let now = SystemClock.now();
        self.known.compare(Sighting {
            place,
            ..Sighting::default()
        });
        let setbacks = self.setbacks();
        if setbacks != before {
            let mut replaced_at = self
                .replaced_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *replaced_at = Some(now);
        }
        Ok(setbacks)
    }

    /// Whether a connection of this age is one to the file that is there.
    pub(crate) fn is_of(&self, age: Duration) -> bool {
        let replaced_at = self
            .replaced_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        replaced_at.is_none_or(|at| age < SystemClock.now().saturating_since(at))
    }
}

/// What tells the file from another one at the same path.
#[cfg(unix)]
fn identity(path: &Path) -> Result<String, BackendError> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = metadata(path)?;
    Ok(format!("{}:{}", metadata.dev(), metadata.ino()))
}

/// Nobody can put another file in the place of an open one here.
#[cfg(not(unix))]
fn identity(path: &Path) -> Result<String, BackendError> {
    metadata(path).map(|_| String::new())
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, BackendError> {
    std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => BackendError::Unavailable("the file is gone".into()),
        _ => BackendError::Unavailable(Box::new(error)),
    })
}
