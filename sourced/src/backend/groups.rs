//! Consumer groups: who wants which messages.

use async_trait::async_trait;

use super::BackendError;
use crate::message::TypeName;
use crate::stream::GroupId;

/// The consumer groups a backend knows.
#[async_trait]
pub trait Groups: Send + Sync {
    /// Makes a group known, or updates the types it handles. Registering the same again changes nothing.
    ///
    /// `start_from` counts only when the group is new.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn register_group(&self, group: &Group) -> Result<(), BackendError>;
}

/// A consumer group: progress of its own over the messages of some types.
#[doc(alias = "subscription")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// The types of messages it handles. Others never become work for it.
    pub types: Vec<TypeName>,
    /// Where a new group starts.
    pub start_from: StartFrom,
}

/// Where a new consumer group starts reading the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// At the first message ever stored.
    #[default]
    Beginning,
    /// After the last message stored when the group is registered.
    Now,
}
