//! Reading a command from outside, and collecting everything that is wrong with it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::filler::N_GUESSES;
use super::reader::{Fill, Manner, Pass, Reader};
use super::violation::Violation;

/// After so many, the rest is not looked for.
const MAX_VIOLATIONS: usize = 64;

/// Reads a value, or says everything that is wrong with it, in the order of the paths.
///
/// serde stops at the first error. So the value is read again with something made up where the error was, until nothing
/// else is wrong. For a type of which nothing can be made up, errors that stand behind it stay unsaid.
pub(super) fn read<T: DeserializeOwned>(
    value: &Value,
    manner: Manner,
) -> Result<T, Vec<Violation>> {
    let mut fills: BTreeMap<String, Fill> = BTreeMap::new();
    let mut found: BTreeMap<String, Violation> = BTreeMap::new();
    while found.len() < MAX_VIOLATIONS {
        let pass = Pass {
            manner,
            fills: &fills,
            unknown: RefCell::default(),
        };
        let place = String::new();
        let pass_ref = &pass;
        let read = T::deserialize(Reader {
            value,
            place,
            pass: pass_ref,
        });
        found.extend(pass.unknown.into_inner());
        let complaint = match read {
            Ok(read) if found.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(complaint) => complaint,
        };
        let is_about_shape = complaint.is_about_shape();
        let violation = complaint.into_violation();
        let path = violation.path.clone();
        if let Some(fill) = fills.get_mut(&path) {
            fill.guess += 1;
            if fill.guess == N_GUESSES {
                break;
            }
            continue;
        }
        if !is_about_shape && fills.keys().any(|filled| is_inside(filled, &path)) {
            // What was made up may be why it is wrong.
            break;
        }
        let is_said = found.insert(path.clone(), violation).is_some();
        if path.is_empty() || is_said {
            break;
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let fill = Fill {
            parent: parent.to_owned(),
            name: name.to_owned(),
            guess: 0,
        };
        fills.insert(path, fill);
    }
    Err(found.into_values().collect())
}

/// Whether a path leads into what is at `place`.
fn is_inside(path: &str, place: &str) -> bool {
    let rest = path.strip_prefix(place);
    place.is_empty() || rest.is_some_and(|rest| rest.starts_with(['.', '[']))
}
