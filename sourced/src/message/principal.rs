//! Principals: on whose behalf a message was made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Metadata;

/// On whose behalf a message was made. Every message has one, and hands it on to all that follows from it.
///
/// What a program dispatches without saying for whom is its own doing: [`Principal::System`]. What comes through a
/// [`Gateway`](crate::edge::Gateway) is [`Principal::Anonymous`] unless the program says who it is. Nobody outside can
/// make themselves the system: it is kept beside the metadata under a name that no metadata may have.
///
/// A `#[command]` or `#[reaction]` method may ask for it by a parameter of this type:
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// pub struct Cart {
///     owner: String,
/// }
///
/// #[derive(Debug, PartialEq, thiserror::Error)]
/// #[error("this is somebody else's cart")]
/// pub struct NotYours;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     pub fn place(&self, who: Principal) -> Result<Placed, NotYours> {
///         if who.user_id() != Some(&self.owner) {
///             return Err(NotYours);
///         }
///         Ok(Placed)
///     }
///
///     #[event]
///     pub fn placed(&mut self) {}
/// }
///
/// let cart = Cart { owner: "u-7".into() };
/// assert_eq!(cart.place(Principal::user("u-7")), Ok(Placed));
/// assert_eq!(cart.place(Principal::System), Err(NotYours));
/// ```
#[doc(alias = "actor")]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Principal {
    /// The program itself.
    System,
    /// Somebody who did not say who they are.
    Anonymous,
    /// A person, by the id that the program knows them by.
    User(String),
    /// Another program, by its name.
    Service(String),
}

impl Principal {
    /// A person.
    pub fn user(id: impl Into<String>) -> Self {
        Self::User(id.into())
    }

    /// Another program.
    pub fn service(name: impl Into<String>) -> Self {
        Self::Service(name.into())
    }

    /// Whether it is the program itself.
    pub fn is_system(&self) -> bool {
        *self == Self::System
    }

    /// The id of the person, if it is one.
    pub fn user_id(&self) -> Option<&str> {
        match self {
            Self::User(id) => Some(id),
            _ => None,
        }
    }
}

/// What names of entries begin with that belong to the library.
pub(super) const RESERVED: &str = "sourced.";

const KEY: &str = "sourced.principal";

/// An entry of metadata with a name that belongs to the library, all of which begin with `sourced.`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "metadata cannot have `{0}`: names that begin with `sourced.` are reserved; for the principal say `.by(..)`, and to pass metadata of a stored message on, `Metadata::without_reserved`"
)]
pub struct ReservedKey(pub(super) String);

impl Metadata {
    /// On whose behalf the message was made.
    pub fn principal(&self) -> Principal {
        match self.get(KEY) {
            None => Principal::System,
            // Written by a newer version, perhaps: it is somebody, and not the system.
            Some(value) => Principal::deserialize(value).unwrap_or(Principal::Anonymous),
        }
    }

    /// These entries of the program's own with the principal beside them.
    ///
    /// # Errors
    /// [`ReservedKey`] when the program uses a name that is not for it.
    pub(crate) fn sealed(self, principal: Option<&Principal>) -> Result<Self, ReservedKey> {
        if let Some((key, _)) = self.iter().find(|(key, _)| key.starts_with(RESERVED)) {
            return Err(ReservedKey(key.to_owned()));
        }
        Ok(match principal {
            Some(principal) => {
                self.with(KEY, serde_json::to_value(principal).unwrap_or(Value::Null))
            }
            None => self,
        })
    }
}
