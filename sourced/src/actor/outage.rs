//! Outages: errors that say nothing about the domain, and may be gone in a minute. A command is not refused with one.

use std::error::Error as StdError;
use std::io;
use std::marker::PhantomData;

use super::CommandError;
use crate::backend::{AckError, AppendError, BackendError, FenceError};
use crate::message::StoredMessage;
use crate::reactor::SeenError;

/// What a command method returns. Generated code asks it whether its error may be a refusal.
///
/// Every error type may, by [`MayRefuse`]. An outage has a method of the same name, which the compiler prefers, and whose
/// bound nothing meets. A bound in the trait of refusals could not say so: it would need an impl for all errors but some.
#[derive(Debug)]
pub struct Returned<T>(PhantomData<T>);

/// The answer of every type that has none of its own.
pub trait MayRefuse {
    /// It may.
    fn may_refuse() {}
}

impl<T> MayRefuse for Returned<T> {}

/// An error of the domain, as no outage is.
#[diagnostic::on_unimplemented(
    message = "a command cannot be refused with `{Self}`",
    label = "an outage: a refusal would never be tried again",
    note = "return `sourced::Failure` for what is to be tried again; `?` makes one of this error",
    note = "return `sourced::Rejected<YourError>` from a command that refuses as well"
)]
pub trait OfTheDomain<T> {}

/// Makes an error type one that no command can be refused with.
macro_rules! outage {
    ($error:ty $(, $generic:ident)?) => {
        impl<T, $($generic)?> $crate::actor::Returned<::core::result::Result<T, $error>> {
            /// It may not.
            pub fn may_refuse()
            where
                $error: $crate::actor::OfTheDomain<T>,
            {
            }
        }
        impl<T, $($generic)?>
            $crate::actor::Returned<::core::result::Result<T, $crate::actor::Rejected<$error>>>
        {
            /// It may not.
            pub fn may_refuse()
            where
                $error: $crate::actor::OfTheDomain<T>,
            {
            }
        }
    };
}
pub(crate) use outage;

outage!(io::Error);
outage!(BackendError);
outage!(AppendError);
outage!(AckError);
outage!(FenceError);
outage!(SeenError);
outage!(CommandError<E>, E);
#[cfg(feature = "tokio")]
outage!(tokio::time::error::Elapsed);

/// Says that a refusal was led to by an outage: by the time anybody asks, the command is gone.
///
/// It is said each time and not once: whoever reads it may want to dispatch this very command again.
pub(super) fn tell_of_outage(command: &StoredMessage, refusal: &(dyn StdError + 'static)) {
    let mut errors = std::iter::successors(Some(refusal), |error| (*error).source());
    if let Some(outage) = errors.find(|error| is_outage(*error)) {
        tracing::warn!(
            command = %command.type_name,
            stream = %command.stream_id,
            id = %command.id,
            refusal = %refusal,
            %outage,
            "a command was refused because of an outage, and will not be tried again: let its method return \
             `Rejected<..>`, and make a `Failure` of this error"
        );
    }
}

fn is_outage(error: &(dyn StdError + 'static)) -> bool {
    error.is::<io::Error>() || error.is::<BackendError>()
}
