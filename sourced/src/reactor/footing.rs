//! What a reactor's work in a stream stands on, for whoever wants to remove the beginning of the stream.

use std::collections::HashSet;
use std::sync::Arc;

use super::Services;
use crate::backend::Snapshot;
use crate::message::TypeName;
use crate::stream::StreamId;

/// What a reactor needs of the beginning of a stream.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Footing {
    /// Nothing: what it does with a message goes by the message alone, or by what it has saved itself.
    Nothing,
    /// What comes after this snapshot, which fits.
    Snapshot(Arc<Snapshot>),
    /// Every event.
    Events,
}

/// A stream whose beginning somebody wants to remove.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ground<'a> {
    /// The stream.
    pub stream: &'a StreamId,
    /// The types of its messages.
    pub types: &'a HashSet<TypeName>,
    /// What is needed to look.
    pub services: &'a Services,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(
        stream: &'a StreamId,
        types: &'a HashSet<TypeName>,
        services: &'a Services,
    ) -> Self {
        Self {
            stream,
            types,
            services,
        }
    }

    /// Whether the stream has a message of one of these types.
    pub(crate) fn has<'t>(&self, mut types: impl Iterator<Item = &'t TypeName>) -> bool {
        types.any(|name| self.types.contains(name))
    }
}
