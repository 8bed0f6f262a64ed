//! What can go wrong around an app.

use std::fmt;

use crate::actor::{OutgoingError, outage};
use crate::backend::{AppendError, BackendError, TableError};
use crate::message::{BrokenRules, PayloadError, ReservedKey, TypeName};
use crate::reactor::Clash;
use crate::stream::{GroupId, InvalidName, RecurrenceId};
use crate::topology::Problem;

/// Why an app could not be built.
///
/// Its `Debug` is its `Display`, which says what to do: that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Handlers ask for resources that nobody registered; all of them are named.
    #[error("resources are missing: {}; add `.resource(..)` for each", names.join(", "))]
    MissingResources {
        /// The types, with the group that asks for them.
        names: Vec<String>,
    },
    /// Two reactors have the same consumer group, so each would take messages from the other.
    #[error("two reactors have the group `{0}`: give one of them another name")]
    DuplicateGroup(GroupId),
    /// Two actors decide the same command, so it would be decided twice.
    #[error("the command `{command}` is decided by both `{first}` and `{second}`: it must be one")]
    TwoDeciders {
        /// The command's type.
        command: TypeName,
        /// One actor's group.
        first: GroupId,
        /// The other's.
        second: GroupId,
    },
    /// A reactor handles two types that are read under one stored name: a message and what it was before, perhaps, of
    /// which only the newest is to be handled.
    #[error("`{group}`: {clash}; handle the newer type only, or give one of them another name")]
    AmbiguousName {
        /// The reactor's group.
        group: GroupId,
        /// The name and the types.
        clash: Clash,
    },
    /// A reaction dispatches a command that no registered actor decides, so it would wait for ever.
    #[error(
        "`{dispatched_by}` dispatches the command `{command}`, which nobody decides: register the actor that does"
    )]
    NobodyDecides {
        /// The command's type.
        command: TypeName,
        /// The group of the reaction.
        dispatched_by: GroupId,
    },
    /// Two Rust types are stored under one name, so what one of them wrote would be read as the other.
    #[error(
        "`{type_name}` is the stored name of both `{first}` and `{second}`: rename one, or use one type"
    )]
    TwoDefinitions {
        /// The stored name.
        type_name: TypeName,
        /// The path of one type.
        first: &'static str,
        /// The path of the other.
        second: &'static str,
    },
    /// Two recurrences have the same name, so each would take ticks from the other.
    #[error("two recurrences have the name `{0}`: give one of them another name")]
    DuplicateRecurrence(RecurrenceId),
    /// The rule of a recurrence has no ticks to come.
    #[error("`{id}` never recurs: there is no tick to come by the rule `{rule}`")]
    NeverRecurs {
        /// The name of the recurrence.
        id: RecurrenceId,
        /// Its rule.
        rule: String,
    },
    /// The command that is made at each tick of a recurrence cannot be dispatched.
    #[error("the command of the recurrence `{id}` cannot be dispatched: {error}")]
    Recurrence {
        /// The name of the recurrence.
        id: RecurrenceId,
        /// Why.
        #[source]
        error: DispatchError,
    },
    /// A recurrence has no proper name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Two table projections have the same table.
    #[error(
        "both `{first}` and `{second}` keep the table `{table}`: give one of them another name with `#[projection(table = \"…\")]`"
    )]
    DuplicateTable {
        /// The table.
        table: &'static str,
        /// The group of one.
        first: GroupId,
        /// The group of the other.
        second: GroupId,
    },
    /// The table of a projection is there, and is another one, or that of another group.
    #[error("`{group}`: {error}")]
    Table {
        /// The group of the projection.
        group: GroupId,
        /// What is wrong with it.
        #[source]
        error: TableError,
    },
    /// The storage did not take the registration.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

impl BuildError {
    pub(super) fn of_table(group: &GroupId, error: TableError) -> Self {
        match error {
            TableError::Backend(error) => Self::Backend(error),
            error => {
                let group = group.clone();
                Self::Table { group, error }
            }
        }
    }
}

impl From<Problem> for BuildError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::TwoDefinitions {
                type_name,
                first,
                second,
            } => Self::TwoDefinitions {
                type_name,
                first,
                second,
            },
            Problem::NobodyDecides {
                command,
                dispatched_by,
            } => Self::NobodyDecides {
                command,
                dispatched_by,
            },
        }
    }
}

/// Why a command was not dispatched. Nothing was stored.
///
/// Its `Debug` is its `Display`, as that of [`BuildError`].
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// No registered actor decides it, so it would wait for ever.
    #[error("no registered actor decides `{0}`: register the one that does")]
    NobodyDecides(TypeName),
    /// It says no stream, and there is no event whose stream it could go to.
    #[error("the command `{0}` has no stream: say `.to(stream)`")]
    NoStream(TypeName),
    /// It was told to wait, and is asked to be handled at once, or at each tick.
    #[error(
        "the command `{0}` is for later: dispatch it, or let a unit or a recurrence have it without `.at(..)` or `.after(..)`"
    )]
    IsForLater(TypeName),
    /// Its stream has no proper name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Its payload cannot be stored.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Its metadata, or that of the app, has a name that belongs to the library.
    #[error(transparent)]
    Metadata(#[from] ReservedKey),
    /// Its fields break rules; all of them are here.
    #[error(transparent)]
    Rules(#[from] BrokenRules),
    /// The storage did not take it.
    #[error("{0}")]
    Append(#[from] AppendError),
}

/// What `main` prints is what helps.
macro_rules! debug_says_what_to_do {
    ($($error:ty),*) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}
debug_says_what_to_do!(BuildError, DispatchError);

impl From<OutgoingError> for DispatchError {
    fn from(error: OutgoingError) -> Self {
        match error {
            OutgoingError::Name(error) => Self::Name(error),
            OutgoingError::Payload(error) => Self::Payload(error),
            OutgoingError::Metadata(error) => Self::Metadata(error),
            OutgoingError::Rules(error) => Self::Rules(error),
        }
    }
}

outage!(DispatchError);
