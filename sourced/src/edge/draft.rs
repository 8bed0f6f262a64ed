//! Drafts: commands that were read, before they are let through.

use super::EdgeError;
use crate::message::{Command, Metadata, Payload, PayloadError, Principal, TypeName};
use crate::registry::Violation;
use crate::stream::StreamId;

/// A command that was read, for hooks to change and guards to look at.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) type_name: TypeName,
    pub(super) payload: Payload,
    pub(super) stream: Option<StreamId>,
    pub(super) principal: Principal,
    pub(super) metadata: Metadata,
}

impl Draft {
    /// The command's type.
    pub fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// What it says, as it would be stored.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The command, when it is a `C`.
    ///
    /// # Errors
    /// [`PayloadError::Decode`] when a hook made something of it that is no `C` any more.
    pub fn command<C: Command>(&self) -> Result<Option<C>, PayloadError> {
        if self.type_name == TypeName::of::<C>() {
            C::read(C::NAME, &self.payload).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The stream it is for; `None` when it starts a new one.
    pub fn stream_id(&self) -> Option<&StreamId> {
        self.stream.as_ref()
    }

    /// Whom it is from.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the program says about it.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Adds metadata.
    pub fn add_metadata(&mut self, metadata: Metadata) {
        self.metadata = self.metadata.merged(metadata);
    }

    /// The answer of a hook that finds fields wrong.
    pub fn invalid(&self, violations: impl IntoIterator<Item = Violation>) -> EdgeError {
        EdgeError::Invalid {
            command: self.type_name.clone(),
            violations: violations.into_iter().collect(),
        }
    }

    pub(super) fn replace<C: Command>(&mut self, command: &C) -> Result<(), EdgeError> {
        self.payload = Payload::of(command)?.payload;
        Ok(())
    }
}
