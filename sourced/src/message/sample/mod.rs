//! Samples: values of message types that are made up, for tools that try programs out.
//!
//! Nobody has to say how a value of a type is made: its `Deserialize` asks for what it needs, and is answered.

mod access;
mod drawer;

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Kind, MessageType, Payload, PayloadError, Unstorable, versions};
use drawer::{Draw, Drawer};

/// Makes samples of one message type. `laws!` of `sourced-testing` is made of them.
#[derive(Clone, Copy)]
pub struct Sampler {
    rust_path: &'static str,
    kind: Kind,
    names: fn() -> Vec<&'static str>,
    make: Make,
    rewrite: Rewrite,
}

type Make = fn(&mut dyn Answers) -> Result<Result<Payload, PayloadError>, Unmade>;
type Rewrite = fn(&str, &Payload) -> Result<Payload, PayloadError>;

impl Sampler {
    /// That of a type.
    pub fn of<M: MessageType>() -> Self {
        Self {
            rust_path: type_name::<M>(),
            kind: M::KIND,
            names: versions::own_names::<M>,
            make: |answers| Ok(exactly(&make::<M>(answers)?)),
            rewrite: |name, payload| Payload::encode(&M::read(name, payload)?),
        }
    }

    /// The Rust type with its path.
    pub fn rust_path(&self) -> &'static str {
        self.rust_path
    }

    /// Command or event.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The names under which this very shape is stored: today's first, then its aliases.
    pub fn names(&self) -> Vec<&'static str> {
        (self.names)()
    }

    /// Makes up a value, and writes it as it would be stored; that may fail, too, and does where another value is read back.
    ///
    /// # Errors
    /// [`Unmade`] when the type refused what it was given.
    pub fn make(&self, answers: &mut dyn Answers) -> Result<Result<Payload, PayloadError>, Unmade> {
        (self.make)(answers)
    }

    /// Reads a payload that was stored under this name, and writes it again.
    ///
    /// # Errors
    /// [`PayloadError`] when it cannot be read, or cannot be written.
    pub fn rewrite(&self, type_name: &str, payload: &Payload) -> Result<Payload, PayloadError> {
        (self.rewrite)(type_name, payload)
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("rust_path", &self.rust_path)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The samplers of a type and of those it was before.
#[doc(hidden)]
pub fn samplers_with<New: MessageType, Old: MessageType>() -> Vec<Sampler> {
    let mut samplers = vec![Sampler::of::<New>()];
    samplers.extend(Old::samplers());
    samplers
}

fn exactly<M: MessageType>(message: &M) -> Result<Payload, PayloadError> {
    let written = Payload::of(message)?;
    if written.is_same {
        Ok(written.payload)
    } else {
        Err(PayloadError::Encode(Unstorable::altered(
            M::NAME,
            written.payload.as_str(),
        )))
    }
}

fn make<T: DeserializeOwned>(answers: &mut dyn Answers) -> Result<T, Unmade> {
    let draw = Draw {
        answers: RefCell::new(answers),
        refused: RefCell::default(),
    };
    let made = Drawer::give(&draw, String::new(), 0, std::marker::PhantomData::<T>);
    made.map_err(|error| Unmade {
        refused: draw.refused.take().unwrap_or_default(),
        reason: error.to_string(),
    })
}

/// Who says what a sample is made of.
pub trait Answers {
    /// The whole value at a place, where it is known how to make one.
    fn whole(&mut self, place: &Place<'_>) -> Option<Value>;

    /// A single value.
    fn scalar(&mut self, place: &Place<'_>, asked: Scalar) -> Value;

    /// A number below this one: which variant, how many elements, whether there is something. 0 is the simplest.
    fn below(&mut self, bound: usize) -> usize;

    /// Whether a field is not given at all, since it is another name of one that is.
    fn leaves_out(&mut self, place: &Place<'_>) -> bool;
}

/// Where in a message something is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The way to it, such as `lines[2].price`; empty for the message itself.
    pub path: &'a str,
    /// The Rust type that is asked for, as far as it is known.
    pub type_name: &'static str,
}

/// A single value that a type asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scalar {
    /// `true` or `false`.
    Bool,
    /// A whole number of so many bits.
    Signed(u32),
    /// A whole number of so many bits that is not negative.
    Unsigned(u32),
    /// A number.
    Float,
    /// A number of 32 bits.
    Single,
    /// One character.
    Char,
    /// Text.
    Text,
    /// Bytes, as numbers in a list.
    Bytes,
    /// Anything: the type does not say what it wants before it has it.
    Any,
}

/// Why there is no sample: a type refused what it was given.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{}` of type `{}` refused what it was given: {reason}", refused.path, refused.type_name)]
#[non_exhaustive]
pub struct Unmade {
    /// The innermost place that refused.
    pub refused: RefusedPlace,
    /// In its own words.
    pub reason: String,
}

/// A place where a made up value was refused.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RefusedPlace {
    /// The way to it.
    pub path: String,
    /// Its Rust type.
    pub type_name: &'static str,
    /// It is another name of a field that was given.
    pub is_other_name: bool,
}

#[cfg(test)]
mod tests;
