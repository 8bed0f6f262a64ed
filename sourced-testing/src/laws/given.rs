//! What a program says of its own types: how their values look.

use std::any::type_name;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::string::{RegexGeneratorStrategy, string_regex};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::Serialize;
use serde_json::Value;

/// How values of a type look: text by a regular expression (`"p-[0-9]{1,3}"`), or examples (`[Money(0), Money(500)]`).
#[derive(Debug)]
pub struct Values(Kind);

#[derive(Debug)]
enum Kind {
    Text(RegexGeneratorStrategy<String>),
    Examples(Vec<Value>),
}

impl From<&str> for Values {
    /// # Panics
    /// When it is no regular expression.
    fn from(regex: &str) -> Self {
        match string_regex(regex) {
            Ok(strategy) => Self(Kind::Text(strategy)),
            Err(error) => panic!("`{regex}` is no regular expression: {error}"),
        }
    }
}

impl<T: Serialize, const N: usize> From<[T; N]> for Values {
    /// # Panics
    /// When there is none, or one cannot be told in JSON.
    fn from(examples: [T; N]) -> Self {
        assert!(
            N > 0,
            "no example is given\n\nhelp: write one, such as `[0]`"
        );
        let as_json = |example| match serde_json::to_value(example) {
            Ok(value) => value,
            Err(error) => panic!("an example cannot be told in JSON: {error}"),
        };
        Self(Kind::Examples(examples.into_iter().map(as_json).collect()))
    }
}

/// The values that are given, by type.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<(&'static str, Values)>);

impl Given {
    pub(super) fn add<T>(&mut self, values: Values) {
        self.0.push((type_name::<T>(), values));
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == name)
    }

    /// A value of this type, if some are given; which one is up to the numbers that are drawn.
    pub(super) fn value(&self, name: &str, mut below: impl FnMut(usize) -> usize) -> Option<Value> {
        let (_, values) = self.0.iter().find(|(given, _)| *given == name)?;
        match &values.0 {
            Kind::Examples(examples) => examples.get(below(examples.len())).cloned(),
            Kind::Text(strategy) => {
                let seed = std::array::from_fn::<u8, 32, _>(|n| match n {
                    0 => u8::try_from(below(256)).unwrap_or_default(),
                    _ => 0,
                });
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
                let mut runner = TestRunner::new_with_rng(Config::default(), rng);
                let tree = strategy.new_tree(&mut runner).ok()?;
                Some(Value::String(tree.current()))
            }
        }
    }
}
