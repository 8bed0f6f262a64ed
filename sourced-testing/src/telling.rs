//! What tests compare of a message, and how they tell of it.

use std::fmt;

use serde_json::Value;
use sourced::actor::{Sketch, Target};
use sourced::{Metadata, Payload, Principal, StoredMessage, StreamId, Timestamp};

/// A message as tests compare it.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    pub(crate) place: String,
    pub(crate) type_name: String,
    /// What it says, by the paths of its fields.
    pub(crate) fields: Vec<(String, String)>,
    /// What an expectation says of the envelope; of what came, all of it.
    about: Vec<(String, String)>,
}

/// How an expectation names a stream that is new.
const NEW: &str = "-(new)";

impl Telling {
    /// What is expected; `here` is the stream where nothing is said.
    pub(crate) fn expected(sketch: &Sketch, here: &StreamId, now: Timestamp) -> Self {
        let place = match &sketch.target {
            Target::SameStream => here.to_string(),
            Target::Stream(stream) => stream.to_string(),
            Target::NewStream(prefix) => format!("{prefix}{NEW}"),
        };
        let mut about = about(&sketch.metadata);
        about.extend(sketch.principal.as_ref().map(of_principal));
        // Whether it waits is always compared, how long when it does.
        about.push(of_time(sketch.when.from(now)));
        about.extend(sketch.id.map(|id| ("(id)".to_owned(), id.to_string())));
        Self {
            place,
            type_name: sketch.type_name.to_string(),
            fields: fields(&sketch.payload),
            about,
        }
    }

    /// What came; `at` is when it goes, if that is not at once.
    pub(crate) fn came(message: &StoredMessage, at: Option<Timestamp>) -> Self {
        let mut about = about(&message.metadata);
        about.push(of_principal(&message.principal()));
        about.push(of_time(at));
        about.push(("(id)".to_owned(), message.id.to_string()));
        Self {
            place: message.stream_id.to_string(),
            type_name: message.type_name.to_string(),
            fields: fields(&message.payload),
            about,
        }
    }

    /// Whether what came is what is expected, places apart.
    pub(crate) fn is_met_by(&self, came: &Self) -> bool {
        let is_said = |about| came.about.contains(about);
        self.type_name == came.type_name
            && self.fields == came.fields
            && self.about.iter().all(is_said)
    }

    /// Field by field: what was expected, and what came. They are equal where nothing differs.
    pub(crate) fn beside(&self, came: &Self) -> Vec<(String, Option<String>, Option<String>)> {
        let cared_for = |(name, _): &&(String, String)| {
            let of = |(expected, _): &(String, String)| expected == name;
            self.about.iter().any(of)
        };
        let theirs = || {
            came.fields
                .iter()
                .chain(came.about.iter().filter(cared_for))
        };
        let ours = || self.fields.iter().chain(&self.about);
        let value = |name: &String, (other, value): &(String, String)| {
            (other == name).then(|| value.clone())
        };
        let mut rows: Vec<_> = ours()
            .map(|(name, expected)| {
                let came = theirs().find_map(|field| value(name, field));
                (name.clone(), Some(expected.clone()), came)
            })
            .collect();
        for (name, came) in theirs() {
            if !ours().any(|(ours, _)| ours == name) {
                rows.push((name.clone(), None, Some(came.clone())));
            }
        }
        // Nobody needs to read that neither waits.
        rows.retain(|(name, expected, came)| {
            name != TIME || expected != came || expected.as_deref() != Some(AT_ONCE)
        });
        rows
    }

    /// Names the stream as expectations of a new one do, when it is one that nobody expected by name.
    pub(crate) fn in_new_stream(mut self, expected: &[Self]) -> Self {
        if expected.iter().any(|one| one.place == self.place) {
            return self;
        }
        let is_of = |prefix: &&str| self.place.starts_with(&format!("{prefix}-"));
        let mut prefixes = expected
            .iter()
            .filter_map(|one| one.place.strip_suffix(NEW));
        if let Some(prefix) = prefixes.find(is_of) {
            self.place = format!("{prefix}{NEW}");
        }
        self
    }

    /// Whether it goes later.
    pub(crate) fn waits(&self) -> bool {
        let time = self.about.iter().find(|(name, _)| name == TIME);
        time.is_some_and(|(_, at)| at != AT_ONCE)
    }
}

const TIME: &str = "(at)";
const AT_ONCE: &str = "once";

fn of_time(at: Option<Timestamp>) -> (String, String) {
    let at = at.map_or_else(|| AT_ONCE.to_owned(), |at| at.to_string());
    (TIME.to_owned(), at)
}

fn of_principal(principal: &Principal) -> (String, String) {
    ("(principal)".to_owned(), format!("{principal:?}"))
}

fn about(metadata: &Metadata) -> Vec<(String, String)> {
    let entries = metadata.iter();
    let entries = entries.filter(|(name, _)| !name.starts_with("sourced."));
    let told = entries.map(|(name, value)| (format!("(metadata).{name}"), value.to_string()));
    told.collect()
}

/// `cart.item_added { price: 450, product: "tea" }`
impl fmt::Display for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name)?;
        let fields: Vec<String> = self
            .fields
            .iter()
            .map(|field| line(&field.0, &field.1))
            .collect();
        if !fields.is_empty() {
            write!(f, " {{ {} }}", fields.join(", "))?;
        }
        match self.about.iter().find(|(name, _)| name == TIME) {
            Some((_, at)) if at != AT_ONCE => write!(f, " at {at}"),
            _ => Ok(()),
        }
    }
}

/// `price: 450`, or the value alone where it is no field.
pub(crate) fn line(name: &str, value: &str) -> String {
    if name.is_empty() {
        value.to_owned()
    } else {
        format!("{name}: {value}")
    }
}

/// The values in a payload by their paths: `address.city`, `items[0]`.
fn fields(payload: &Payload) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    match serde_json::from_str(payload.as_str()) {
        Ok(value) => collect(String::new(), &value, &mut fields),
        Err(_) => fields.push((String::new(), payload.as_str().to_owned())),
    }
    fields
}

pub(crate) fn fields_of(value: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    collect(String::new(), value, &mut fields);
    fields
}

/// The same of a value that stands in a field.
pub(crate) fn fields_under(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    collect(name.to_owned(), value, fields);
}

fn collect(path: String, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect(path, value, fields);
            }
        }
        Value::Array(array) if !array.is_empty() => {
            for (n, value) in array.iter().enumerate() {
                collect(format!("{path}[{n}]"), value, fields);
            }
        }
        // A message without fields says `null`.
        Value::Null if path.is_empty() => {}
        other => fields.push((path, other.to_string())),
    }
}
