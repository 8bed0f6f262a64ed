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
// It does not implement `std::error::Error` itself: the blanket `From` below would then overlap with the reflexive one.
pub struct Failure(Box<dyn StdError + Send + Sync>);

impl Failure {
    /// A failure that is only text.
    pub fn msg(text: impl fmt::Display) -> Self {
        Self(text.to_string().into())
    }

    /// The error inside.
    pub fn source(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    /// The error and its causes on one line, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
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
        Self(Box::new(error))
    }
}

impl From<Failure> for Box<dyn StdError + Send + Sync> {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<Failure> for Box<dyn StdError> {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}
