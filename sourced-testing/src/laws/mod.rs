//! The laws of actors: what must hold of every one, checked with made up commands and histories by [`laws!`](crate::laws!).

mod bytes;
mod check;
mod given;
mod histories;
mod quiet;
mod readers;
mod run;
mod sample;
mod scalars;
mod state;
mod story;
mod world;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sourced::reactor::{Reactor, Register, Resources};

use given::Given;
pub use given::Values;

/// How the laws of one actor are checked. [`laws!`](crate::laws!) writes it.
pub struct Laws<A> {
    given: Given,
    resources: Box<dyn Fn() -> Resources>,
    skipped: Vec<&'static str>,
    readers: Vec<fn() -> Arc<dyn Reactor>>,
    stored: Vec<(String, String)>,
    histories: Histories,
    actor: PhantomData<fn() -> A>,
}

/// Which histories an actor has to evolve by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Histories {
    /// Its events in any order, with any values: what is stored has happened.
    #[default]
    Any,
    /// What its commands lead to from the beginning.
    Valid,
}

impl<A> Laws<A> {
    /// With nothing said.
    pub fn new() -> Self {
        Self {
            given: Given::default(),
            resources: Box::new(Resources::default),
            skipped: Vec::new(),
            readers: Vec::new(),
            stored: Vec::new(),
            histories: Histories::default(),
            actor: PhantomData,
        }
    }

    /// Says how the values of a type look.
    #[must_use]
    pub fn with<T>(mut self, values: impl Into<Values>) -> Self {
        self.given.add::<T>(values.into());
        self
    }

    /// Brings resources for the handlers of commands, new ones for each history.
    #[must_use]
    pub fn resources(mut self, bring: impl Fn(&mut Resources) + 'static) -> Self {
        self.resources = Box::new(move || {
            let mut resources = Resources::default();
            bring(&mut resources);
            resources
        });
        self
    }

    /// Leaves a command or an event out.
    #[must_use]
    pub fn skip<M>(mut self) -> Self {
        self.skipped.push(type_name::<M>());
        self
    }

    /// Adds a projector, a handler or another actor that handles events of this one.
    #[must_use]
    pub fn reader<R: Register>(mut self) -> Self {
        self.readers.push(R::reactor);
        self
    }

    /// Gives a message as it was stored once: under this name, as this JSON.
    #[must_use]
    pub fn stored(mut self, type_name: &str, json: &str) -> Self {
        self.stored.push((type_name.to_owned(), json.to_owned()));
        self
    }

    /// Which histories the actor has to evolve by.
    #[must_use]
    pub fn histories(mut self, histories: Histories) -> Self {
        self.histories = histories;
        self
    }
}

impl<A> Default for Laws<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> fmt::Debug for Laws<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Laws")
            .field("actor", &type_name::<A>())
            .field("given", &self.given)
            .field("skipped", &self.skipped)
            .field("n_readers", &self.readers.len())
            .field("stored", &self.stored)
            .field("histories", &self.histories)
            .finish_non_exhaustive()
    }
}

/// Makes a test of every law that an actor has to keep, checked with commands and histories that are made up.
///
/// ```
/// # mod tests {
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Door {
///     n_opened: u64,
/// }
///
/// #[actor]
/// impl Door {
///     #[command]
///     fn open(&self, by: String) -> Opened {
///         Opened { by }
///     }
///
///     #[event]
///     fn opened(&mut self, _by: String) {
///         self.n_opened += 1;
///     }
/// }
///
/// sourced_testing::laws!(Door);
/// # }
/// ```
///
/// | test | law |
/// |---|---|
/// | `every_message_survives_a_round_trip` | a command or event that is written as JSON and read again equals what it was, and is written as the same JSON |
/// | `evolve_never_panics` | the actor evolves by its events in any order and with any values, also under older names |
/// | `decide_never_panics` | a command is applied, refused or fails, on every state that commands lead to |
/// | `what_decide_emits_evolve_accepts` | the events of a decision can be stored, are read back as they were, and change the state without a panic |
/// | `what_decide_emits_readers_take` | the actor's own reactions, and its `readers`, handle the events of a decision without a panic or a failure |
/// | `a_snapshot_and_its_tail_equal_the_full_fold` | a state that was stored in between, anywhere, comes to the same; of an actor without `snapshot_every` there is nothing to check |
/// | `upcasting_is_total` | all values of older types (`was`) and under older names (`alias`) can be read |
/// | `replay_gives_the_same_state` | the same events lead to the same state |
///
/// Nobody has to say how values are made: types are asked through their `Deserialize`, and given odd numbers and texts
/// more often than others. States are compared by their `Debug`, in which the order of hash maps counts for nothing. What
/// breaks a law is made as small as possible, and told as one would write it in Rust. Each law tries 256 cases, or
/// `PROPTEST_CASES`; no files are written, and the seed of a failure is part of its message.
///
/// The tests stand where the line stands, so a second actor needs a module of its own. After the actor, in any order:
///
/// | option | what it says |
/// |---|---|
/// | `with: { ProductId => "p-[0-9]{1,3}", Money => [Money(0), Money(500)] }` | how the values of a type look: text by a regular expression, or examples. Needed where a type refuses what is tried: UUIDs, times, numbers in texts, addresses and the like are tried without |
/// | `resources: [Agency::default()]` | what handlers ask for with `Res`, made anew for each history |
/// | `readers: [DayList, Notifier]` | projectors, handlers and other actors that handle the events of this one |
/// | `skip: [Book]` | messages to leave out, such as commands whose resource cannot be had. Nothing is left out unless it is said |
/// | `stored: { "cart.added" => r#"{"product":"p1"}"# }` | messages as they were stored once, for shapes that no type of the program has any more |
/// | `histories: valid` | to evolve only by what commands lead to |
///
/// A type of which no value can be made fails the test, with the field and what to write.
#[macro_export]
macro_rules! laws {
    ($actor:ty $(, $option:ident: $said:tt)* $(,)?) => {
        $crate::__laws! {
            [$actor $(, $option: $said)*]
            every_message_survives_a_round_trip
            evolve_never_panics
            decide_never_panics
            what_decide_emits_evolve_accepts
            what_decide_emits_readers_take
            a_snapshot_and_its_tail_equal_the_full_fold
            upcasting_is_total
            replay_gives_the_same_state
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __laws {
    ($said:tt $($law:ident)*) => {$(
        #[test]
        fn $law() {
            $crate::__laws_of!($said).$law();
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __laws_of {
    ([$actor:ty $(, $option:ident: $said:tt)*]) => {{
        let laws = $crate::laws::Laws::<$actor>::new();
        $(let laws = $crate::__laws_option!(laws $option $said);)*
        laws
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __laws_option {
    ($laws:ident with {$($type:ty => $values:expr),* $(,)?}) => {
        $laws$(.with::<$type>($values))*
    };
    ($laws:ident resources [$($resource:expr),* $(,)?]) => {
        $laws.resources(|resources| { $(resources.insert($resource);)* })
    };
    ($laws:ident skip [$($message:ty),* $(,)?]) => {
        $laws$(.skip::<$message>())*
    };
    ($laws:ident readers [$($reader:ty),* $(,)?]) => {
        $laws$(.reader::<$reader>())*
    };
    ($laws:ident stored {$($name:literal => $json:expr),* $(,)?}) => {
        $laws$(.stored($name, $json))*
    };
    ($laws:ident histories valid) => {
        $laws.histories($crate::laws::Histories::Valid)
    };
    ($laws:ident histories any) => {
        $laws.histories($crate::laws::Histories::Any)
    };
    ($laws:ident $option:ident $said:tt) => {
        ::core::compile_error!(::core::concat!(
            "unknown option `", ::core::stringify!($option), ": ", ::core::stringify!($said), "` for `laws!`\n\n",
            "help: write `with: { Type => \"regex\" }`, `resources: [..]`, `readers: [Projector]`, `skip: [Command]`, `stored: { \"name\" => \"json\" }` or `histories: valid`"
        ))
    };
}
