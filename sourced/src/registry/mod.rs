//! Registries: commands by the names of their types, and how what comes from outside becomes one of them.

mod access;
mod complaint;
mod filler;
mod form;
mod read;
mod reader;
mod violation;

pub(crate) use filler::{Filler, N_GUESSES};
pub use form::form_value;
pub use violation::{Problem, Violation};

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::message::{Command, Payload, PayloadError, TypeName};
use reader::Manner;

/// A set of commands, by the names of their types.
///
/// [`App::commands`](crate::App::commands) gives all that an app decides. What the outside may send is a set of its own,
/// so that a command which only reactions dispatch cannot be sent by a client:
///
/// ```
/// use sourced::Registry;
/// use sourced::prelude::*;
///
/// #[command("cart.add_item")]
/// struct AddItem {
///     product: String,
/// }
///
/// #[command("cart.place")]
/// struct Place;
///
/// let exposed = Registry::new().command::<AddItem>().command::<Place>();
/// assert!(exposed.get("cart.place").is_some());
/// assert!(exposed.get("cart.send_mail").is_none());
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    commands: BTreeMap<TypeName, CommandType>,
    /// Older names, and today's.
    aliases: BTreeMap<TypeName, TypeName>,
}

impl Registry {
    /// No commands.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more command, under its name and its aliases.
    #[must_use]
    pub fn command<C: Command>(mut self) -> Self {
        self.add(CommandType::of::<C>());
        self
    }

    /// The same without a command.
    #[must_use]
    pub fn without<C: Command>(mut self) -> Self {
        self.commands.remove(&TypeName::of::<C>());
        self.aliases.retain(|_, name| name.as_str() != C::NAME);
        self
    }

    /// Adds a command.
    pub(crate) fn add(&mut self, command: CommandType) {
        for alias in command.aliases {
            self.aliases
                .insert(TypeName::known(alias), command.name.clone());
        }
        self.commands.insert(command.name.clone(), command);
    }

    /// A command, by its name or one of its aliases.
    pub fn get(&self, name: &str) -> Option<&CommandType> {
        let by_alias = || self.commands.get(self.aliases.get(name)?);
        self.commands.get(name).or_else(by_alias)
    }

    /// All commands, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &CommandType> {
        self.commands.values()
    }

    /// The name that was probably meant.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        violation::nearest(name, self.commands.keys().map(TypeName::as_str))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.commands.keys()).finish()
    }
}

type Read = fn(&Value, Manner) -> Result<Payload, Vec<Violation>>;

/// A type of commands, as a value.
#[derive(Clone)]
pub struct CommandType {
    name: TypeName,
    aliases: &'static [&'static str],
    rust_name: &'static str,
    read: Read,
    schema: fn() -> Option<Value>,
}

impl CommandType {
    /// The type `C`.
    pub fn of<C: Command>() -> Self {
        Self {
            name: TypeName::of::<C>(),
            aliases: C::ALIASES,
            rust_name: type_name::<C>(),
            read: read_payload::<C>,
            schema: C::schema,
        }
    }

    /// The stored name.
    pub fn name(&self) -> &TypeName {
        &self.name
    }

    /// Its older names.
    pub fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// The name of the Rust type.
    pub fn rust_name(&self) -> &'static str {
        self.rust_name
    }

    /// Its JSON Schema, where its type has one: see [`MessageType::schema`](crate::MessageType::schema).
    pub fn schema(&self) -> Option<Value> {
        (self.schema)()
    }

    /// Reads a JSON value as a command of this type, and gives it as it would be stored.
    ///
    /// A field that the type does not have is wrong. That holds for objects inside as well, unless serde reads them
    /// through a buffer: a struct with a `#[serde(flatten)]` field, an untagged or internally tagged enum.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the paths. What stands behind a wrong value of a type of which
    /// no example can be made up may stay unsaid until that is right.
    pub fn read(&self, value: &Value) -> Result<Payload, Vec<Violation>> {
        (self.read)(value, Manner::Json)
    }

    /// The same for a form, in which everything is text. See [`form_value`].
    ///
    /// | the type asks for | text |
    /// |---|---|
    /// | a number | its digits: `12`, `-3`, `0.5` |
    /// | a `bool` | `true`, `on`, `yes`, `1`; `false`, `off`, `no`, `0`, or nothing |
    /// | an `Option` | nothing is `None` |
    /// | a list | a text alone is a list of one |
    /// | a text | the text, untouched |
    ///
    /// A box that is not ticked is not sent at all: give its field a `#[serde(default)]`.
    ///
    /// # Errors
    /// As [`CommandType::read`].
    pub fn read_form(&self, value: &Value) -> Result<Payload, Vec<Violation>> {
        (self.read)(value, Manner::Form)
    }
}

impl fmt::Debug for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandType")
            .field("name", &self.name)
            .field("rust_name", &self.rust_name)
            .finish_non_exhaustive()
    }
}

fn read_payload<C: Command>(value: &Value, manner: Manner) -> Result<Payload, Vec<Violation>> {
    let command: C = read::read(value, manner)?;
    let broken = command.broken_rules().into_iter();
    let broken: Vec<_> = broken
        .map(|rule| Violation::rule(rule.path, rule.text))
        .collect();
    if !broken.is_empty() {
        return Err(broken);
    }
    match Payload::of(&command) {
        Ok(written) => Ok(written.payload),
        Err(PayloadError::Encode(error)) => Err(vec![Violation::new(
            error.path(),
            Problem::Invalid,
            error.reason(),
        )]),
        Err(error) => Err(vec![Violation::new(
            "",
            Problem::Invalid,
            error.to_string(),
        )]),
    }
}
