//! The upkeep of a broken backend.

use sourced::backend::{
    BackendError, Groups as _, Left, ReadStream, RecentStreams, Statistics, TruncateError,
    Truncation, Upkeep,
};
use sourced::{Position, StoredMessage};

use crate::broken::{Broken, Fault, backend};

backend! {
    Upkeep for Broken {
        async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
            match self.memory.truncate_stream(truncation).await {
                Err(TruncateError::Waiting { group, .. })
                    if self.has(Fault::RemovesWhatIsWaitedFor) =>
                {
                    self.memory.remove_group(&group).await?;
                    self.memory.truncate_stream(truncation).await
                }
                truncated => truncated,
            }
        }

        async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
            match self.memory.restore(messages).await {
                Err(BackendError::Refused(_)) if self.has(Fault::PutsBackAnything) => Ok(0),
                restored => restored,
            }
        }
    } else {
        read_left(read: &ReadStream) -> Result<Left, BackendError>;
        recent_streams(before: Option<Position>, limit: usize) -> Result<RecentStreams, BackendError>;
        statistics() -> Result<Statistics, BackendError>;
    }
}
