//! Identifiers.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::{Clock, Random};

/// Makes identifiers that nobody else makes.
pub trait Ids: fmt::Debug + Send + Sync + 'static {
    /// A new one.
    fn next_id(&self) -> Uuid;
}

/// UUIDv7: the time in milliseconds, then 74 random bits. New ids land side by side in an index.
#[derive(Debug, Clone)]
pub struct V7Ids {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl V7Ids {
    /// Ids from this clock and this chance; the same two give the same ids again.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }
}

impl Ids for V7Ids {
    fn next_id(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_micros() / 1_000).unwrap_or(0);
        let mut bits = [0; 10];
        bits[..8].copy_from_slice(&self.random.next_u64().to_le_bytes());
        bits[8..].copy_from_slice(&self.random.next_u64().to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }
}
