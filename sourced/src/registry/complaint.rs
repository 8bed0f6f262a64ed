//! Complaints: what a type says when it is read, and where.

use std::fmt;

use serde::de::Expected;

use super::violation::{Problem, Violation};

/// The error of one pass over a value.
#[derive(Debug)]
pub(crate) struct Complaint {
    /// Where it was said; whoever sees it first knows best.
    place: Option<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    Missing(&'static str),
    Unknown(String, &'static [&'static str]),
    Other(String),
}

impl Complaint {
    /// The same, said at this place unless it was said deeper inside.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.place.get_or_insert_with(|| place.to_owned());
        self
    }

    /// A value of the wrong kind.
    pub(super) fn expected(found: &str, expected: &dyn Expected) -> Self {
        Self::other(format!("is {found}, and has to be {expected}"))
    }

    /// Whether it is about the shape, and not about a value.
    pub(super) fn is_about_shape(&self) -> bool {
        !matches!(self.what, What::Other(_))
    }

    /// What is wrong, and where.
    pub(super) fn into_violation(self) -> Violation {
        let place = self.place.unwrap_or_default();
        match self.what {
            What::Missing(field) => {
                Violation::new(child(&place, field), Problem::Missing, "is missing")
            }
            What::Unknown(field, known) => Violation::unknown(child(&place, &field), &field, known),
            What::Other(text) => Violation::new(place, Problem::Invalid, text),
        }
    }

    fn other(text: String) -> Self {
        let what = What::Other(text);
        Self { place: None, what }
    }
}

/// The path of a field of what is at `place`.
pub(super) fn child(place: &str, field: &str) -> String {
    if place.is_empty() {
        field.to_owned()
    } else {
        format!("{place}.{field}")
    }
}

/// The path of an element of what is at `place`.
pub(super) fn element(place: &str, index: usize) -> String {
    format!("{place}[{index}]")
}

impl serde::de::Error for Complaint {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::other(format!("cannot be read: {text}"))
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&found.to_string(), expected)
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&found.to_string(), expected)
    }

    fn missing_field(field: &'static str) -> Self {
        let what = What::Missing(field);
        Self { place: None, what }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let what = What::Unknown(field.to_owned(), known);
        Self { place: None, what }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Missing(field) => write!(f, "missing field `{field}`"),
            What::Unknown(field, _) => write!(f, "unknown field `{field}`"),
            What::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Complaint {}
