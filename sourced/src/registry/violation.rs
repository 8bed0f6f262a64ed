//! What is wrong with a command from outside, field by field.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with one field.
///
/// It can be sent to a client as it is: `{"path": "items[0].price", "problem": "missing", "text": "is missing"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// The field, such as `items[0].price`; empty for the command as a whole.
    pub path: String,
    /// What kind of thing is wrong.
    pub problem: Problem,
    /// The same in words that go on after the path.
    pub text: String,
}

/// What may be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// It has to be there and is not.
    Missing,
    /// There is no such field.
    Unknown,
    /// Its value is not of its type.
    Invalid,
    /// Its value is of its type and breaks a rule.
    Rule,
}

impl Violation {
    /// A rule of the program that a field breaks, for hooks.
    pub fn rule(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(path, Problem::Rule, text)
    }

    pub(super) fn new(path: impl Into<String>, problem: Problem, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem,
            text: text.into(),
        }
    }

    /// A field that the type does not have.
    pub(super) fn unknown(path: String, word: &str, known: &[&str]) -> Self {
        let text = match nearest(word, known.iter().copied()) {
            Some(near) => format!("is not a field; did you mean `{near}`?"),
            None if known.is_empty() => "is not a field; there are none".to_owned(),
            None => format!("is not a field; there are `{}`", known.join("`, `")),
        };
        Self::new(path, Problem::Unknown, text)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.text)
        } else {
            write!(f, "`{}` {}", self.path, self.text)
        }
    }
}

/// The name that was probably meant.
pub(super) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // A word of any length may come from outside; no name is that long.
    let word: Vec<char> = word.chars().take(256).collect();
    let by_distance = names.into_iter().map(|name| (distance(&word, name), name));
    let (distance, name) = by_distance.min()?;
    (distance <= name.len().max(3) / 3 + 1).then_some(name)
}

/// How many letters have to be added, removed or replaced.
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
