//! Why input from outside did not become a command.

use crate::failure::Failure;
use crate::message::{PayloadError, ReservedKey, TypeName};
use crate::registry::Violation;
use crate::stream::InvalidName;

/// Why input from outside did not become a command. Nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// No command of this name is let through, whether it exists or not.
    #[error("there is no command `{name}`{}; there are {}", did_you_mean(nearest.as_deref()), listed(exposed))]
    UnknownCommand {
        /// What the client asked for.
        name: String,
        /// What it probably meant.
        nearest: Option<String>,
        /// The commands that are let through.
        exposed: Vec<TypeName>,
    },
    /// The text is no JSON.
    #[error(transparent)]
    Json(PayloadError),
    /// Fields are wrong; all that could be found out is here, in the order of the paths.
    #[error("`{command}` is not valid: {}", joined(violations))]
    Invalid {
        /// The command's type.
        command: TypeName,
        /// What is wrong.
        violations: Vec<Violation>,
    },
    /// Whoever sent it may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody said which stream it is for.
    #[error("the command `{0}` has no stream: say `.to(stream)`")]
    NoStream(TypeName),
    /// Its stream has no proper name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The program's metadata has a name that belongs to the library.
    #[error(transparent)]
    Metadata(#[from] ReservedKey),
    /// A hook made something of it that cannot be stored.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A hook or a guard could not find out. That is not the client's fault, and it may try again.
    #[error("{0}")]
    Failed(Failure),
}

impl From<Failure> for EdgeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl EdgeError {
    /// The fields that are wrong, where that is why.
    pub fn into_violations(self) -> Vec<Violation> {
        match self {
            Self::Invalid { violations, .. } => violations,
            _ => Vec::new(),
        }
    }

    /// Whether whoever sent it may not.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied(_))
    }
}

/// The answer of a guard: this principal may not send this command.
///
/// It is not a refusal: nothing is decided, and nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not allowed: {reason}")]
pub struct Denied {
    reason: String,
}

impl Denied {
    /// With a reason for whoever sent it.
    pub fn new(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { reason }
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

fn listed(names: &[TypeName]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        "none".to_owned()
    } else {
        quoted.join(", ")
    }
}

fn joined(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
