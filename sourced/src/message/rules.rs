//! Rules that the fields of a message keep, beyond their types.

use std::fmt;

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// The field, by its Rust name: `items[0].price`.
    pub path: String,
    /// What is wrong with it.
    pub text: String,
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.text)
    }
}

/// All rules that a message breaks; it is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rules are broken: {}", joined(.0))]
pub struct BrokenRules(pub Vec<BrokenRule>);

fn joined(rules: &[BrokenRule]) -> String {
    let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// What garde says about a message. Generated code calls this.
#[cfg(feature = "garde")]
#[doc(hidden)]
pub fn broken_by_garde<M: garde::Validate<Context = ()>>(message: &M) -> Vec<BrokenRule> {
    let Err(report) = message.validate() else {
        return Vec::new();
    };
    let broken = report.into_inner().into_iter();
    broken
        .map(|(path, error)| BrokenRule {
            path: path.to_string(),
            text: error.to_string(),
        })
        .collect()
}

/// What schemars says about a type. Generated code calls this.
#[cfg(feature = "schema")]
#[doc(hidden)]
pub fn schema_of<M: schemars::JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(M).to_value()
}

/// The rules of a message that `#[derive(Validate)]`; nothing without the feature `garde`.
#[cfg(feature = "garde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __rules {
    () => {
        fn broken_rules(&self) -> $crate::__private::Vec<$crate::__private::BrokenRule> {
            $crate::__private::broken_by_garde(self)
        }
    };
}

/// The rules of a message that `#[derive(Validate)]`; nothing without the feature `garde`.
#[cfg(not(feature = "garde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __rules {
    () => {};
}

/// The rules of parameters, which nobody would check without the feature `garde`.
#[cfg(feature = "garde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __rules_of_parameters {
    () => {
        $crate::__private::rules!();
    };
}

/// The rules of parameters, which nobody would check without the feature `garde`.
#[cfg(not(feature = "garde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __rules_of_parameters {
    () => {
        ::core::compile_error!(
            "`#[garde(…)]` on parameters is checked by nobody: the feature `garde` of `sourced` is off\n\nhelp: write `sourced = { …, features = [\"garde\"] }` in `Cargo.toml`"
        );
    };
}

/// The schema of a message that `#[derive(JsonSchema)]`; nothing without the feature `schema`.
#[cfg(feature = "schema")]
#[doc(hidden)]
#[macro_export]
macro_rules! __schema {
    () => {
        fn schema() -> $crate::__private::Option<$crate::__private::Value> {
            $crate::__private::Some($crate::__private::schema_of::<Self>())
        }
    };
}

/// The schema of a message that `#[derive(JsonSchema)]`; nothing without the feature `schema`.
#[cfg(not(feature = "schema"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __schema {
    () => {};
}
