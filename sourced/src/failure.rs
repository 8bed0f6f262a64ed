//! Failures of user code: what the error strategy deals with.

use std::error::Error as StdError;
use std::fmt;

/// Something went wrong that was not the domain saying no: a mail server is away, a row is missing, a bug.
///
/// A failure is tried again later, and parks its stream when it persists; nothing is lost. The `?` operator makes one
/// of any error. A refusal, by contrast, is a value of your own error type returned by a command method.
///
/// ```
/// use sourced::Failure;
///
/// fn parse(text: &str) -> Result<u32, Failure> {
///     Ok(text.parse()?)
/// }
/// assert!(parse("x").unwrap_err().to_string().contains("invalid digit"));
///
/// // In a program whose errors are boxes, `?` takes it out again.
/// fn run() -> Result<(), Box<dyn std::error::Error>> {
///     parse("1")?;
///     Ok(())
/// }
/// # run().unwrap();
/// ```
///
/// It is no [`std::error::Error`] itself: Rust would not let `?` make one of any error then, since that would make one of
/// itself in two ways. Where an error is asked for, such as by `anyhow` or as a `#[source]`, [`Failure::into_error`] gives one.
pub struct Failure {
    error: Box<dyn StdError + Send + Sync>,
    permanence: Permanence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Permanence {
    MayPass,
    Permanent,
}

impl Failure {
    /// A failure that is only text.
    pub fn msg(text: impl fmt::Display) -> Self {
        Self::of(text.to_string().into())
    }

    /// A failure that will not pass: the message is not tried again, whatever the [`RetryPolicy`](crate::RetryPolicy) says
    /// of attempts. Its stream is parked at once, or what else the policy has as a last resort.
    ///
    /// ```
    /// use sourced::Failure;
    ///
    /// fn parse(text: &str) -> Result<u32, Failure> {
    ///     text.parse().map_err(Failure::permanent::<std::num::ParseIntError>)
    /// }
    /// assert!(parse("x").unwrap_err().is_permanent());
    /// assert!(Failure::permanent("there is no such account").is_permanent());
    /// ```
    pub fn permanent<E: Into<Box<dyn StdError + Send + Sync>>>(error: E) -> Self {
        Self {
            error: error.into(),
            permanence: Permanence::Permanent,
        }
    }

    /// Whether it was made by [`Failure::permanent`].
    pub fn is_permanent(&self) -> bool {
        self.permanence == Permanence::Permanent
    }

    /// The first error of this type, from the error inside down its causes.
    #[doc(alias = "downcast_ref")]
    pub fn find<E: StdError + 'static>(&self) -> Option<&E> {
        let mut error: &(dyn StdError + 'static) = &*self.error;
        loop {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            error = error.source()?;
        }
    }

    /// The same failure inside of another error, which is as permanent.
    pub(crate) fn inside<E: StdError + Send + Sync + 'static>(
        self,
        error: impl FnOnce(Self) -> E,
    ) -> Self {
        Self {
            permanence: self.permanence,
            error: Box::new(error(self)),
        }
    }

    /// The same as a [`std::error::Error`]. As a failure again, by `?`, it is what it was.
    ///
    /// ```
    /// use sourced::{Failure, FailureError};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("the report is not made")]
    /// struct NoReport(#[source] FailureError);
    ///
    /// let failure = Failure::permanent("there is no such account");
    /// let error = NoReport(failure.into_error());
    /// assert_eq!(Failure::from(error).chain(), "the report is not made: there is no such account");
    ///
    /// let again = Failure::from(Failure::permanent("there is no such account").into_error());
    /// assert!(again.is_permanent());
    /// ```
    pub fn into_error(self) -> FailureError {
        FailureError(self)
    }

    fn of(error: Box<dyn StdError + Send + Sync>) -> Self {
        match error.downcast() {
            Ok(failure) => FailureError::into_failure(*failure),
            Err(error) => Self {
                error,
                permanence: Permanence::MayPass,
            },
        }
    }

    /// The error inside.
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.error
    }

    /// The error and its causes on one line, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.error.to_string();
        let mut source = self.error.source();
        while let Some(error) = source {
            let cause = error.to_string();
            // Many errors repeat their cause in their own text.
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = error.source();
        }
        text
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(Box::new(error))
    }
}

impl From<Failure> for Box<dyn StdError + Send + Sync> {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Failure> for Box<dyn StdError> {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

/// A [`Failure`] as a [`std::error::Error`]: made by [`Failure::into_error`]. It says what the error inside says, which is its
/// source.
pub struct FailureError(Failure);

impl FailureError {
    /// The failure.
    pub fn failure(&self) -> &Failure {
        &self.0
    }

    /// Takes the failure out.
    pub fn into_failure(self) -> Failure {
        self.0
    }
}

impl StdError for FailureError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.source())
    }
}

impl fmt::Display for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for FailureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
