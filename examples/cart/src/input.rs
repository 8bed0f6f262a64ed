//! One line of input: a command as JSON, checked field by field before anything is dispatched.

use serde_json::{Map, Value};
use sourced::{Command, IntoStreamId as _, InvalidName, MessageId, Outgoing, StreamId};
use uuid::Uuid;

use crate::cart::{AddItem, Place, RemoveItem};

/// A line that is a command.
#[derive(Debug)]
pub struct Entry {
    /// The id it brings; without one it is new on every run.
    pub id: Option<MessageId>,
    /// The cart it is for.
    pub cart: StreamId,
    /// The command, on its way to that cart.
    pub command: Outgoing,
}

/// What customers may ask for. The other commands of a cart are its own affair.
const COMMANDS: [(&str, Reader); 3] = [
    reader::<AddItem>(),
    reader::<RemoveItem>(),
    reader::<Place>(),
];

type Reader = fn(Map<String, Value>) -> Result<Outgoing, Problem>;

const fn reader<C: Command>() -> (&'static str, Reader) {
    (C::NAME, read::<C>)
}

/// The longest line that is looked at, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// Why a line is not a command.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It has no end in sight.
    #[error("longer than {MAX_LINE} bytes")]
    TooLong,
    /// It is not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// It is not JSON.
    #[error("broken JSON in column {column}: {text}")]
    NotJson {
        /// Where reading stopped.
        column: usize,
        /// What was expected there.
        text: String,
    },
    /// It is JSON, but no object.
    #[error("expected an object such as {{\"cart\":\"cart-1\",\"command\":\"place\"}}, found {0}")]
    NotAnObject(&'static str),
    /// Something must be there.
    #[error("missing field `{field}`: expected {expected}")]
    Missing {
        /// Its name.
        field: String,
        /// What it must be.
        expected: String,
    },
    /// It is of another type.
    #[error("wrong value of `{field}`: {text}")]
    Wrong {
        /// Its name.
        field: String,
        /// What was expected, and what was found.
        text: String,
    },
    /// A field that means nothing.
    #[error("unknown field `{field}`: expected {expected}{}", hint(did_you_mean.as_ref()))]
    UnknownField {
        /// Its name.
        field: String,
        /// The fields there are.
        expected: String,
        /// The nearest of them.
        did_you_mean: Option<String>,
    },
    /// A command that no cart knows.
    #[error("unknown command `{name}`: expected {expected}{}", hint(did_you_mean.as_ref()))]
    UnknownCommand {
        /// Its name.
        name: String,
        /// The commands there are.
        expected: String,
        /// The nearest of them.
        did_you_mean: Option<String>,
    },
    /// The cart cannot be called that.
    #[error("wrong value of `cart`: {0}")]
    Cart(#[from] InvalidName),
    /// The id names something else already.
    #[error("the id {0} is already taken by a message of another cart")]
    IdTaken(MessageId),
    /// The storage does not take it.
    #[error("{0}")]
    NotTaken(String),
}

fn hint(name: Option<&String>) -> String {
    name.map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

/// Reads a line.
///
/// # Errors
/// [`Problem`] says what is wrong with it and what was expected.
pub fn parse(line: &str) -> Result<Entry, Problem> {
    let mut fields =
        match serde_json::from_str(line.trim_end()).map_err(|error| not_json(&error))? {
            Value::Object(fields) => fields,
            other => return Err(Problem::NotAnObject(kind_of(&other))),
        };
    let id = match fields.remove("id") {
        None => None,
        Some(id) => Some(parse_id(&id)?),
    };
    let cart = take_text(&mut fields, "cart", "the id of a cart")?.into_stream_id()?;
    let names = COMMANDS.map(|(name, _)| short(name));
    let name = take_text(&mut fields, "command", &one_of(&names))?;
    let Some((_, read)) = COMMANDS.iter().find(|(known, _)| short(known) == name) else {
        let did_you_mean = nearest(&name, &names);
        return Err(Problem::UnknownCommand {
            name,
            expected: one_of(&names),
            did_you_mean,
        });
    };
    let mut command = read(fields)?.to(&cart);
    if let Some(id) = id {
        command = command.with_id(id);
    }
    Ok(Entry { id, cart, command })
}

/// The stored names are `cart.…`; in the input the cart goes without saying.
fn short(name: &'static str) -> &'static str {
    name.strip_prefix("cart.").unwrap_or(name)
}

fn parse_id(id: &Value) -> Result<MessageId, Problem> {
    let wrong = |text: String| Problem::Wrong {
        field: "id".into(),
        text,
    };
    let Value::String(text) = id else {
        return Err(wrong(format!(
            "expected a UUID as text, found {}",
            kind_of(id)
        )));
    };
    match Uuid::try_parse(text) {
        Ok(id) => Ok(id.into()),
        Err(error) => Err(wrong(format!("expected a UUID, found {text:?}: {error}"))),
    }
}

fn take_text(
    fields: &mut Map<String, Value>,
    field: &str,
    expected: &str,
) -> Result<String, Problem> {
    match fields.remove(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Problem::Wrong {
            field: field.into(),
            text: format!("expected text, found {}", kind_of(&other)),
        }),
        None => Err(Problem::Missing {
            field: field.into(),
            expected: expected.into(),
        }),
    }
}

/// Reads the fields of a command. Which there may be, the command itself says: it is written down again and compared.
fn read<C: Command>(fields: Map<String, Value>) -> Result<Outgoing, Problem> {
    let given: Vec<_> = fields.keys().cloned().collect();
    let command: C = match serde_json::from_value(Value::Null) {
        Ok(without_fields) => without_fields,
        Err(_) => serde_path_to_error::deserialize(Value::Object(fields))
            .map_err(|error| wrong_field(&error))?,
    };
    let known = match serde_json::to_value(&command) {
        Ok(Value::Object(known)) => known,
        _ => Map::new(),
    };
    if let Some(field) = given.into_iter().find(|field| !known.contains_key(field)) {
        let names: Vec<_> = ["id", "cart", "command"]
            .into_iter()
            .chain(known.keys().map(String::as_str))
            .collect();
        let did_you_mean = nearest(&field, &names);
        return Err(Problem::UnknownField {
            field,
            expected: one_of(&names),
            did_you_mean,
        });
    }
    Ok(command.into())
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::NotJson {
        column: error.column(),
        text: without_place(error),
    }
}

/// The text of the error; its "line" is always 1 and says nothing.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn wrong_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let text = without_place(error.inner());
    match text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        Some(field) => Problem::Missing {
            field: field.into(),
            expected: "a value for it".into(),
        },
        None => Problem::Wrong {
            field: error.path().to_string(),
            text,
        },
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".into(),
        [only] => format!("`{only}`"),
        several => {
            let quoted: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            format!("one of {}", quoted.join(", "))
        }
    }
}

fn nearest(name: &str, names: &[&str]) -> Option<String> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    let nearest = names.iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + nearest.len() / 4).then(|| (*nearest).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &str) -> String {
        parse(line).unwrap_err().to_string()
    }

    #[test]
    fn a_command_may_bring_its_id() {
        let line =
            r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","cart":"cart-1","command":"place"}"#;
        let entry = parse(line).unwrap();
        assert_eq!(
            entry.id.unwrap().to_string(),
            "01890a5d-ac96-774b-bcce-b302099a8057"
        );
        assert_eq!(entry.cart.as_str(), "cart-1");
        assert!(
            parse(r#"{"cart":"cart-1","command":"place"}"#)
                .unwrap()
                .id
                .is_none()
        );
    }

    #[test]
    fn problems_say_what_was_expected() {
        let cases = [
            (
                r#"{"cart":"c""#,
                "broken JSON in column 11: EOF while parsing an object",
            ),
            (
                "[1]",
                "expected an object such as {\"cart\":\"cart-1\",\"command\":\"place\"}, found a list",
            ),
            (
                r#"{"command":"place"}"#,
                "missing field `cart`: expected the id of a cart",
            ),
            (
                r#"{"cart":"","command":"place"}"#,
                "wrong value of `cart`: a stream id cannot be empty",
            ),
            (
                r#"{"cart":7,"command":"place"}"#,
                "wrong value of `cart`: expected text, found a number",
            ),
            (
                r#"{"cart":"c"}"#,
                "missing field `command`: expected one of `add_item`, `remove_item`, `place`",
            ),
            (
                r#"{"cart":"c","command":"ad_item"}"#,
                "unknown command `ad_item`: expected one of `add_item`, `remove_item`, `place` (did you mean `add_item`?)",
            ),
            (
                r#"{"cart":"c","command":"remove_item"}"#,
                "missing field `product_id`: expected a value for it",
            ),
            (
                r#"{"cart":"c","command":"add_item","product_id":"p","name":"n","price":"1","quantity":1}"#,
                "wrong value of `price`: invalid type: string \"1\", expected u32",
            ),
            (
                r#"{"cart":"c","command":"remove_item","product_id":"p","quantiti":1}"#,
                "unknown field `quantiti`: expected one of `id`, `cart`, `command`, `product_id`",
            ),
            (
                r#"{"cart":"c","command":"place","carts":1}"#,
                "unknown field `carts`: expected one of `id`, `cart`, `command` (did you mean `cart`?)",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(problem(line), expected);
        }
        assert!(
            problem(r#"{"id":"7","cart":"c","command":"place"}"#)
                .starts_with("wrong value of `id`: expected a UUID")
        );
    }
}
