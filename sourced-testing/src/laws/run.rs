//! Looking for a case that breaks a law, and telling the smallest one.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};

use crate::cases;

/// A message to be made: which one, and of what.
pub(super) type Step = (u8, Vec<u8>);

/// No history is longer: what breaks a law breaks it in a few steps.
const MAX_STEPS: usize = 12;

/// What messages are made of.
pub(super) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..48)
}

/// What histories are made of.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((any::<u8>(), bytes()), 1..=MAX_STEPS)
}

/// What was found instead of a case that keeps the law.
#[derive(Debug)]
pub(super) enum Found {
    /// One that breaks it.
    Breaks(String),
    /// None could be made.
    Nothing(String),
}

impl From<String> for Found {
    fn from(story: String) -> Self {
        Self::Breaks(story)
    }
}

impl Found {
    fn told(self, law: &str, actor: &str, help: &str) -> String {
        match self {
            Self::Breaks(story) => {
                format!("`{actor}` breaks the law: {law}\n\n{story}\n\n{help}")
            }
            Self::Nothing(why) => {
                format!("`{actor}` cannot be checked for the law: {law}\n\n{why}")
            }
        }
    }
}

/// Looks for a case that breaks a law.
///
/// Nothing is written into the user's folder: the message has the smallest case, and the seed that leads to it.
///
/// # Panics
/// When there is one.
pub(super) fn holds<S: Strategy>(
    law: &str,
    actor: &str,
    help: &str,
    cases: S,
    breaks: impl Fn(&S::Value) -> Result<(), Found>,
) where
    S::Value: Debug,
{
    let (config, seed) = cases::config(None);
    let check = |case: S::Value| {
        breaks(&case).map_err(|found| TestCaseError::fail(found.told(law, actor, help)))
    };
    match TestRunner::new(config).run(&cases, check) {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => {
            panic!(
                "{reason}

The same cases again: PROPTEST_RNG_SEED={seed}"
            )
        }
        Err(TestError::Abort(reason)) => panic!("the law could not be checked: {reason}"),
    }
}
