//! Then: what came of it, and how that is compared.

use std::error::Error;
use std::fmt;

use sourced::actor::IntoSketches;
use sourced::backend::StreamAppend;
use sourced::reactor::{Context, Handled, Res};
use sourced::{Failure, Position, Seq, StoredMessage};

use crate::case::Case;
use crate::diff::{self, LEGEND};
use crate::messages::sketches;
use crate::telling::Telling;

/// What came of a message. Made by [`Given::when`](crate::Given::when).
///
/// Each assertion compares all that it is about: `then` every message, in order, and none more. What is not expected at
/// all, such as a refusal where messages were expected, fails as well. They can be chained.
pub struct Then<R> {
    pub(crate) case: Case<R>,
    pub(crate) handled: Handled,
    /// Whether the test has said that something was refused, or has failed.
    is_no_expected: bool,
    pub(crate) is_synced: bool,
}

impl<R> Then<R> {
    pub(crate) fn new(case: Case<R>, handled: Handled) -> Self {
        Self {
            case,
            handled,
            is_no_expected: false,
            is_synced: false,
        }
    }
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "an assertion need not be followed by another"
)]
#[expect(clippy::needless_pass_by_value, reason = "errors are written in place")]
impl<R> Then<R> {
    /// These messages came of it, and no others: the events of a command, or the commands that a reaction dispatched,
    /// now or later. Those of one stream have this order.
    ///
    /// Compared are the type, the payload, the stream (that of the test where none is said), when it goes, and whatever
    /// else the expectation says.
    ///
    /// # Panics
    /// When it is otherwise, with the difference.
    #[track_caller]
    pub fn then(self, expected: impl IntoSketches) -> Self {
        let expected: Vec<Telling> = sketches(expected)
            .iter()
            .map(|sketch| Telling::expected(sketch, self.case.stream(), self.case.now))
            .collect();
        let came = self.came();
        let differences = diff::messages(&expected, &came);
        if let Some(no) = self.unexpected_no() {
            let expected = diff::list(&expected);
            let wanted = if expected.is_empty() {
                "nothing was expected\n".to_owned()
            } else {
                format!("expected was\n{expected}")
            };
            panic!("{no}\n\n{wanted}");
        }
        if let Some(differences) = differences {
            panic!(
                "what came of {} is not what was expected {LEGEND}\n\n{differences}",
                self.what()
            );
        }
        self
    }

    /// Nothing came of it: no message, no refusal, no failure.
    ///
    /// # Panics
    /// When something did.
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        self.then(())
    }

    /// It was refused with this error, and not with any other.
    ///
    /// # Panics
    /// When it was not refused, failed, or was refused with another error.
    #[track_caller]
    pub fn then_refused<E: Error + PartialEq + 'static>(mut self, expected: E) -> Self {
        let Some(came) = self.handled.refusals.first() else {
            panic!(
                "{} was not refused: {}",
                self.what(),
                self.instead(&no_of(&expected))
            );
        };
        if let Err(difference) = compare(&expected, &came.error) {
            panic!(
                "{} was refused with another error {LEGEND}\n\n{difference}",
                self.what()
            );
        }
        self.is_no_expected = true;
        self
    }

    /// It was refused with this text, which is that of the error and its causes. For errors that cannot be compared.
    ///
    /// # Panics
    /// As [`then_refused`](Self::then_refused).
    #[track_caller]
    pub fn then_refused_saying(mut self, expected: impl AsRef<str>) -> Self {
        let expected = expected.as_ref();
        let Some(came) = self.handled.refusals.first() else {
            panic!(
                "{} was not refused: {}",
                self.what(),
                self.instead(expected)
            );
        };
        let came = came.error.chain();
        assert!(
            came == expected,
            "{} was refused with another text {LEGEND}\n\n  - {expected}\n  + {came}\n",
            self.what()
        );
        self.is_no_expected = true;
        self
    }

    /// It failed with this error, and would be tried again.
    ///
    /// # Panics
    /// When it did not fail, or with another error.
    #[track_caller]
    pub fn then_failed<E: Error + PartialEq + 'static>(mut self, expected: E) -> Self {
        let Some(came) = &self.handled.failure else {
            panic!(
                "{} did not fail: {}",
                self.what(),
                self.instead(&no_of(&expected))
            );
        };
        if let Err(difference) = compare(&expected, came) {
            panic!(
                "{} failed with another error {LEGEND}\n\n{difference}",
                self.what()
            );
        }
        self.is_no_expected = true;
        self
    }

    /// It failed with this text, which is that of the failure and its causes. A panic is a failure too: `the handler
    /// panicked: …`.
    ///
    /// # Panics
    /// As [`then_failed`](Self::then_failed).
    #[track_caller]
    pub fn then_failed_saying(mut self, expected: impl AsRef<str>) -> Self {
        let expected = expected.as_ref();
        let Some(came) = &self.handled.failure else {
            panic!("{} did not fail: {}", self.what(), self.instead(expected));
        };
        let came = came.chain();
        assert!(
            came == expected,
            "{} failed with another text {LEGEND}\n\n  - {expected}\n  + {came}\n",
            self.what()
        );
        self.is_no_expected = true;
        self
    }

    /// Looks at what the reactor returned: appends with what they expect of their streams, schedules, refusals, work for
    /// the transaction, the failure.
    pub fn then_actions(self, look: impl FnOnce(&Handled)) -> Self {
        look(&self.handled);
        self
    }

    /// Looks at a resource that was given [`with`](crate::Given::with) this type.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn then_resource<T: Send + Sync + 'static>(self, look: impl FnOnce(&T)) -> Self {
        let message = &self.case.deliveries[0].message;
        match Context::live(message, &self.case.services).get::<Res<T>>() {
            Ok(resource) => look(&resource),
            Err(failure) => panic!("{failure}\n\nhelp: `.with(..)` before `.when(..)` gives one"),
        }
        self
    }
}

impl<R> Then<R> {
    /// The messages that came of it, those for later last.
    fn came(&self) -> Vec<Telling> {
        let message = |append: &StreamAppend, new: &sourced::NewMessage| {
            StoredMessage::stored(
                new.clone(),
                append.stream.clone(),
                Seq::FIRST,
                Position::START,
            )
        };
        let now = self.handled.appends.iter().flat_map(|append| {
            append
                .messages
                .iter()
                .map(move |new| Telling::came(&message(append, new), None))
        });
        let later = self.handled.schedules.iter().map(|later| {
            let message = StoredMessage::stored(
                later.message.clone(),
                later.stream.clone(),
                Seq::FIRST,
                Position::START,
            );
            Telling::came(&message, Some(later.at))
        });
        now.chain(later).collect()
    }

    /// What the test is about.
    fn what(&self) -> String {
        let names = self
            .case
            .deliveries
            .iter()
            .map(|delivery| format!("`{}`", delivery.message.type_name));
        names.collect::<Vec<_>>().join(", ")
    }

    /// What the test does not expect: that it was refused, or failed.
    pub(crate) fn unexpected_no(&self) -> Option<String> {
        self.no().filter(|_| !self.is_no_expected)
    }

    /// Why nothing came of it.
    fn no(&self) -> Option<String> {
        let what = self.what();
        if let Some(refused) = self.handled.refusals.first() {
            return Some(format!("{what} was refused: {}", refused.error.chain()));
        }
        let failure = self.handled.failure.as_ref()?;
        let missing = self
            .case
            .services
            .resources
            .missing(self.case.reactor.needs());
        let missing: Vec<_> = missing.map(|(name, _)| format!("`{name}`")).collect();
        let help = if failure.to_string().starts_with("no resource") {
            format!("\n\nhelp: `.with(..)` gives it {}", missing.join(", "))
        } else {
            String::new()
        };
        Some(format!("{what} failed: {}{help}", failure.chain()))
    }

    /// What happened instead of a refusal or a failure.
    fn instead(&self, expected: &str) -> String {
        let came = match self.no() {
            Some(no) => format!("{no}\n"),
            None if self.came().is_empty() => "nothing came of it\n".to_owned(),
            None => format!("there came\n\n{}", diff::list(&self.came())),
        };
        format!("{came}\nexpected was: {expected}")
    }
}

/// An error as tests tell it: what it is, and what it says.
fn no_of(error: &(impl Error + ?Sized)) -> String {
    format!("{error:?}, which says: {error}")
}

/// Whether the failure is this very error.
fn compare<E: Error + PartialEq + 'static>(expected: &E, came: &Failure) -> Result<(), String> {
    let source: &(dyn Error + 'static) = came.source();
    match source.downcast_ref::<E>() {
        Some(came) if came == expected => Ok(()),
        _ => Err(format!("  - {}\n  + {}\n", no_of(expected), no_of(source))),
    }
}

impl<R> fmt::Debug for Then<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then")
            .field("handled", &self.handled)
            .finish_non_exhaustive()
    }
}
