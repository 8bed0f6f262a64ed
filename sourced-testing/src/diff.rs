//! The difference between what was expected and what came, for a person to read.

use std::fmt::Write as _;

use serde_json::Value;

use crate::telling::{Telling, fields_of, line};

/// What the signs in front of lines mean.
pub(crate) const LEGEND: &str = "(- expected, + came)";

/// The differences between messages that were expected and those that came, stream by stream; `None` when there are
/// none. Order counts inside a stream: between streams there is none to rely on.
pub(crate) fn messages(expected: &[Telling], came: &[Telling]) -> Option<String> {
    let came: Vec<Telling> = came
        .iter()
        .map(|message| message.clone().in_new_stream(expected))
        .collect();
    let mut places: Vec<&str> = Vec::new();
    for message in expected.iter().chain(&came) {
        if !places.contains(&&*message.place) {
            places.push(&message.place);
        }
    }
    let mut text = String::new();
    let mut differ = false;
    for place in places {
        let here = |messages: &'_ [Telling]| {
            let mut here: Vec<Telling> = messages
                .iter()
                .filter(|message| message.place == place)
                .cloned()
                .collect();
            // What waits is stored apart, so its order among the others says nothing.
            here.sort_by_key(Telling::waits);
            here
        };
        let (expected, came) = (here(expected), here(&came));
        let pairs = align(&expected, &came);
        differ |= !pairs.iter().all(Pair::is_met);
        _ = writeln!(text, "in `{place}`:");
        for pair in &pairs {
            pair.write(&mut text);
        }
    }
    differ.then_some(text)
}

/// Messages as lines, stream by stream.
pub(crate) fn list(came: &[Telling]) -> String {
    let mut text = String::new();
    let mut place = "";
    for message in came {
        if message.place != place {
            place = &message.place;
            _ = writeln!(text, "in `{place}`:");
        }
        _ = writeln!(text, "    {message}");
    }
    text
}

/// The differences between two JSON values, field by field; `None` when there are none.
pub(crate) fn values(expected: &Value, came: &Value) -> Option<String> {
    if expected == came {
        return None;
    }
    Some(fields(&fields_of(expected), &fields_of(came)))
}

/// Both beside each other, field by field.
pub(crate) fn fields(expected: &[(String, String)], came: &[(String, String)]) -> String {
    let mut text = String::new();
    let value = |fields: &[(String, String)], name: &str| {
        let field = fields.iter().find(|(other, _)| other == name);
        field.map(|(_, value)| value.clone())
    };
    for (name, expected) in expected {
        write_field(
            &mut text,
            name,
            Some(expected),
            value(came, name).as_deref(),
        );
    }
    for (name, came) in came {
        if value(expected, name).is_none() {
            write_field(&mut text, name, None, Some(came));
        }
    }
    text
}

enum Pair<'a> {
    Both(&'a Telling, &'a Telling),
    Missing(&'a Telling),
    Unexpected(&'a Telling),
}

impl Pair<'_> {
    fn is_met(&self) -> bool {
        matches!(self, Self::Both(expected, came) if expected.is_met_by(came))
    }

    fn write(&self, text: &mut String) {
        _ = match self {
            Self::Missing(expected) => writeln!(text, "  - {expected}"),
            Self::Unexpected(came) => writeln!(text, "  + {came}"),
            Self::Both(expected, came) if expected.is_met_by(came) => writeln!(text, "    {came}"),
            Self::Both(expected, came) => {
                _ = writeln!(text, "    {} {{", came.type_name);
                for (name, expected, came) in expected.beside(came) {
                    write_field(text, &name, expected.as_deref(), came.as_deref());
                }
                writeln!(text, "    }}")
            }
        };
    }
}

fn write_field(text: &mut String, name: &str, expected: Option<&str>, came: Option<&str>) {
    if expected == came {
        _ = writeln!(text, "      {}", line(name, came.unwrap_or_default()));
        return;
    }
    for (sign, value) in [("-", expected), ("+", came)] {
        if let Some(value) = value {
            _ = writeln!(text, "  {sign}   {}", line(name, value));
        }
    }
}

/// Sets the two lists beside each other so that as much as possible meets: equal messages first, then those of one type.
fn align<'a>(expected: &'a [Telling], came: &'a [Telling]) -> Vec<Pair<'a>> {
    let worth = |e: usize, c: usize| {
        if expected[e].is_met_by(&came[c]) {
            3
        } else {
            u32::from(expected[e].type_name == came[c].type_name)
        }
    };
    // best[e][c] is what the ends of the lists from there on are worth beside each other.
    let mut best = vec![vec![0_u32; came.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for c in (0..came.len()).rev() {
            let apart = best[e + 1][c].max(best[e][c + 1]);
            let together = match worth(e, c) {
                0 => 0,
                worth => worth + best[e + 1][c + 1],
            };
            best[e][c] = apart.max(together);
        }
    }
    let (mut e, mut c) = (0, 0);
    let mut pairs = Vec::new();
    while e < expected.len() && c < came.len() {
        let worth = worth(e, c);
        if worth > 0 && best[e][c] == worth + best[e + 1][c + 1] {
            pairs.push(Pair::Both(&expected[e], &came[c]));
            (e, c) = (e + 1, c + 1);
        } else if best[e][c] == best[e + 1][c] {
            pairs.push(Pair::Missing(&expected[e]));
            e += 1;
        } else {
            pairs.push(Pair::Unexpected(&came[c]));
            c += 1;
        }
    }
    pairs.extend(expected[e..].iter().map(Pair::Missing));
    pairs.extend(came[c..].iter().map(Pair::Unexpected));
    pairs
}
