//! Tables of handlers: a row for every name under which a message may have been stored.

use std::any::{TypeId, type_name};
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::message::{MessageType, TypeName};

/// A table from type names to functions.
pub(crate) struct Rows<R> {
    rows: HashMap<TypeName, Row<R>, RandomState>,
    clashes: Vec<Clash>,
}

struct Row<R> {
    of: (TypeId, &'static str),
    function: R,
}

/// One stored name that two types are read under, so that nobody can tell which handler a message is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored as `{name}`, a message is read both as `{first}` and as `{second}`")]
pub struct Clash {
    /// The stored name.
    pub name: TypeName,
    /// One Rust type.
    pub first: &'static str,
    /// The other.
    pub second: &'static str,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self {
            rows: HashMap::default(),
            clashes: Vec::new(),
        }
    }
}

impl<R: Copy> Rows<R> {
    /// A row for each name of the message.
    pub(crate) fn insert<M: MessageType>(&mut self, function: R) {
        let of = (TypeId::of::<M>(), type_name::<M>());
        for name in TypeName::all_of::<M>() {
            let earlier = self.rows.insert(name.clone(), Row { of, function });
            if let Some(earlier) = earlier.filter(|earlier| earlier.of != of) {
                self.clashes.push(Clash {
                    name,
                    first: earlier.of.1,
                    second: of.1,
                });
            }
        }
    }

    /// The function for messages stored under this name.
    pub(crate) fn get(&self, name: &TypeName) -> Option<R> {
        self.rows.get(name).map(|row| row.function)
    }

    /// All names, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &TypeName> {
        self.rows.keys()
    }

    /// The names that two types claim.
    pub(crate) fn clashes(&self) -> &[Clash] {
        &self.clashes
    }
}
