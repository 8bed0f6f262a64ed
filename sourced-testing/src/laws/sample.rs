//! Making a message: what a type refuses is tried in other forms, until it is taken or there are no more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sourced::message::{Answers, Kind, Place, Sampler, Scalar, Unmade};
use sourced::{Payload, PayloadError, TypeName};

use super::bytes::Bytes;
use super::given::Given;
use super::run::Found;
use super::scalars::{N_FORMS, scalar};
use super::story;

/// More often than this, no message is tried to be made.
const MAX_TRIES: usize = 400;

/// A message that was made up.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) type_name: TypeName,
    pub(super) rust_path: &'static str,
    pub(super) kind: Kind,
    pub(super) payload: Payload,
}

impl Sample {
    /// As in the program; under an older name, with that name.
    pub(super) fn told(&self, sampler: Option<&Sampler>) -> String {
        let told = story::told(self.rust_path, &self.payload);
        if sampler.is_some_and(|sampler| sampler.names().first() != Some(&self.type_name.as_str()))
        {
            format!("{told}, stored as `{}`", self.type_name)
        } else {
            told
        }
    }
}

/// Makes a message of what the bytes say, under one of its names.
///
/// # Errors
/// In words for a person.
pub(super) fn sample(sampler: &Sampler, given: &Given, bytes: &[u8]) -> Result<Sample, Found> {
    let mut bytes = Bytes::new(bytes);
    let names = sampler.names();
    let name = names[bytes.below(names.len())];
    let mut forms = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for _ in 0..MAX_TRIES {
        let mut drawn = Drawn {
            bytes: &mut bytes,
            given,
            forms: &forms,
            left_out: &left_out,
        };
        let unmade = match sampler.make(&mut drawn) {
            Ok(Ok(payload)) => {
                return Ok(Sample {
                    type_name: TypeName::new(name).map_err(|error| error.to_string())?,
                    rust_path: sampler.rust_path(),
                    kind: sampler.kind(),
                    payload,
                });
            }
            Ok(Err(error)) => {
                let path = sampler.rust_path();
                let told = written(&error).map_or_else(
                    || format!("a `{path}` cannot be written"),
                    |payload| story::told(path, &payload),
                );
                return Err(format!("{told}\n\n{error}").into());
            }
            Err(unmade) => unmade,
        };
        let refused = &unmade.refused;
        if refused.is_other_name {
            left_out.insert(refused.path.clone());
            continue;
        }
        let form: &mut usize = forms.entry(refused.path.clone()).or_default();
        *form += 1;
        if *form >= N_FORMS {
            return Err(Found::Nothing(cannot_be_made(sampler, given, &unmade)));
        }
    }
    Err(Found::Nothing(format!(
        "no `{}` could be made in {MAX_TRIES} tries",
        sampler.rust_path()
    )))
}

/// What nobody could read back.
fn written(error: &PayloadError) -> Option<Payload> {
    let PayloadError::Encode(unstorable) = error else {
        return None;
    };
    Payload::parse(unstorable.written()?).ok()
}

fn cannot_be_made(sampler: &Sampler, given: &Given, unmade: &Unmade) -> String {
    let (message, refused) = (sampler.rust_path(), &unmade.refused);
    let place = match refused.path.as_str() {
        "" => format!("`{message}` itself"),
        path => format!("the field `{path}` of `{message}`"),
    };
    let of_type = refused.type_name;
    let short = of_type.rsplit("::").next().unwrap_or(of_type);
    let help = if given.knows(of_type) {
        format!(
            "help: it refuses what is given for `{short}` in `with`: look at the expression or the examples"
        )
    } else {
        format!(
            "help: say how its values look: `with: {{ {short} => \"[a-z]{{1,8}}\" }}` for text, or examples: `with: {{ {short} => [..] }}`"
        )
    };
    format!(
        "no value could be made for {place}, of type `{of_type}`: {}\n\n{help}",
        unmade.reason
    )
}

/// Answers by the bytes.
struct Drawn<'a, 'b> {
    bytes: &'a mut Bytes<'b>,
    given: &'a Given,
    /// Which form a place gets, since it refused those before.
    forms: &'a BTreeMap<String, usize>,
    left_out: &'a BTreeSet<String>,
}

impl Drawn<'_, '_> {
    /// What stands at a place is also made of what stands inside of it.
    fn form(&self, path: &str) -> usize {
        let is_in = |place: &str| {
            let rest = path.strip_prefix(place);
            place.is_empty()
                || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let forms = self.forms.iter().filter(|(place, _)| is_in(place));
        forms.map(|(_, form)| *form).max().unwrap_or_default()
    }
}

impl Answers for Drawn<'_, '_> {
    fn whole(&mut self, place: &Place<'_>) -> Option<Value> {
        self.given
            .value(place.type_name, |bound| self.bytes.below(bound))
    }

    fn scalar(&mut self, place: &Place<'_>, asked: Scalar) -> Value {
        let form = self.form(place.path);
        scalar(self.bytes, asked, form)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.bytes.below(bound)
    }

    fn leaves_out(&mut self, place: &Place<'_>) -> bool {
        self.left_out.contains(place.path)
    }
}
