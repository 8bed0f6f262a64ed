//! Limits: what is too large is refused before anything is stored.

use super::{BackendError, Scheduled, Snapshot, StreamAppend};
use crate::message::{MAX_PAYLOAD_DEPTH, Metadata, NewMessage, depth};

/// The largest things a store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one payload; 1 MiB by default.
    pub payload_bytes: usize,
    /// Bytes of one message's metadata as JSON; 64 KiB by default. It may be nested as deeply as a payload.
    pub metadata_bytes: usize,
    /// Messages of one append, over all its streams; 10,000 by default.
    pub messages: usize,
    /// Bytes of the state in one snapshot; 8 MiB by default.
    pub snapshot_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: 1024 * 1024,
            metadata_bytes: 64 * 1024,
            messages: 10_000,
            snapshot_bytes: 8 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Checks an append before it is sent anywhere.
    ///
    /// # Errors
    /// [`LimitExceeded`] for the first thing that is too large.
    pub fn check(&self, appends: &[StreamAppend]) -> Result<(), LimitExceeded> {
        self.check_all(appends, &[])
    }

    /// Checks an append together with what is to be scheduled.
    ///
    /// # Errors
    /// [`LimitExceeded`] for the first thing that is too large.
    pub fn check_all(
        &self,
        appends: &[StreamAppend],
        later: &[Scheduled],
    ) -> Result<(), LimitExceeded> {
        let streams = appends.iter().map(|append| &append.stream);
        let streams = streams.chain(later.iter().map(|scheduled| &scheduled.stream));
        over(
            "appends to `*`, which is the whole log and no stream",
            streams.filter(|stream| stream.is_log()).count(),
            0,
        )?;
        let now = appends.iter().flat_map(|append| &append.messages);
        let messages = now.chain(later.iter().map(|scheduled| &scheduled.message));
        over(
            "messages in one append",
            messages.clone().count(),
            self.messages,
        )?;
        messages
            .into_iter()
            .try_for_each(|message| self.check_message(message))
    }

    /// Checks a snapshot before it is sent anywhere.
    ///
    /// # Errors
    /// [`BackendError::Refused`] with [`LimitExceeded`] when its state is too large.
    pub fn check_snapshot(&self, snapshot: &Snapshot) -> Result<(), BackendError> {
        let found = snapshot.state.as_str().len();
        over("bytes in a snapshot", found, self.snapshot_bytes)
            .map_err(|error| BackendError::Refused(Box::new(error)))
    }

    fn check_message(&self, message: &NewMessage) -> Result<(), LimitExceeded> {
        over(
            "bytes in a payload",
            message.payload.as_str().len(),
            self.payload_bytes,
        )?;
        if message.metadata.is_empty() {
            return Ok(());
        }
        self.check_metadata(&message.metadata)
    }

    /// It may come from outside, and a message whose metadata cannot be read is lost to every reader.
    fn check_metadata(&self, metadata: &Metadata) -> Result<(), LimitExceeded> {
        let json = serde_json::to_string(metadata).unwrap_or_default();
        over(
            "bytes in a message's metadata",
            json.len(),
            self.metadata_bytes,
        )?;
        over(
            "levels in a message's metadata",
            depth(&json),
            MAX_PAYLOAD_DEPTH,
        )?;
        let back = serde_json::from_str::<Metadata>(&json);
        over(
            "entries of a message's metadata that cannot be read back",
            usize::from(!back.is_ok_and(|back| &back == metadata)),
            0,
        )
    }
}

fn over(what: &'static str, found: usize, limit: usize) -> Result<(), LimitExceeded> {
    if found <= limit {
        Ok(())
    } else {
        Err(LimitExceeded { what, found, limit })
    }
}

/// Something is too large to be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("too many {what}: {found}, the limit is {limit}")]
pub struct LimitExceeded {
    /// What was counted.
    pub what: &'static str,
    /// How many there are.
    pub found: usize,
    /// How many there may be.
    pub limit: usize,
}
