//! The laws themselves.

use std::fmt::{Debug, Write as _};

use proptest::prelude::any;
use serde_json::Value;
use sourced::Payload;
use sourced::actor::{Actor, Handlers};
use sourced::message::Sampler;
use sourced::reactor::Register;

use super::histories::{Check, Telling};
use super::quiet::caught;
use super::readers::Readers;
use super::run::Found;
use super::run::{bytes, holds, steps};
use super::sample::{Sample, sample};
use super::world::World;
use super::{Histories, Laws};

impl<A: Actor + Debug> Laws<A> {
    fn check(&self) -> Check<'_, A> {
        let name = std::any::type_name::<A>();
        Check {
            laws: self,
            handlers: Handlers::of_actor(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be started"),
            actor: name.rsplit("::").next().unwrap_or(name),
        }
    }

    /// Every command and event, written as JSON and read again, is written the same.
    ///
    /// # Panics
    /// When one is not.
    pub fn every_message_survives_a_round_trip(&self) {
        const HELP: &str = "help: what is stored is read with `Deserialize` as it was written with `Serialize`: look at `#[serde(..)]` attributes that\n      change only one of them (`skip_serializing`, `skip_serializing_if`, `rename(serialize = ..)`, `with`), at an `Option` of an `Option`, and at floats that JSON cannot tell";
        let check = self.check();
        for sampler in check.samplers().flatten() {
            holds(
                "every message survives a round trip",
                check.actor,
                HELP,
                bytes(),
                |bytes| {
                    let sample = sample(sampler, &self.given, bytes)?;
                    survives(sampler, &sample)
                },
            );
        }
    }

    /// Every event that has a handler can be evolved by, whatever happened before.
    ///
    /// # Panics
    /// When evolving panics, or an event cannot be read.
    pub fn evolve_never_panics(&self) {
        const HELP: &str = "help: what is stored has happened, and cannot be refused: let `#[event]` methods take whatever comes (`saturating_add`, `get`,\n      `entry`). If these events never come in this order, `laws!(.., histories: valid)` tries only what the commands lead to";
        let check = self.check();
        holds(
            "evolve never panics",
            check.actor,
            HELP,
            steps(),
            |steps| match self.histories {
                Histories::Any => {
                    let (world, story) = check.arbitrary(steps)?;
                    match world.fold(&world.events()) {
                        Ok(_) => Ok(()),
                        Err(error) => Err(format!("{story}\n\n{error}").into()),
                    }
                }
                Histories::Valid => check.valid(steps).map(drop),
            },
        );
    }

    /// Deciding a command may refuse it or fail, but not panic.
    ///
    /// # Panics
    /// When one does.
    pub fn decide_never_panics(&self) {
        const HELP: &str = "help: a command that cannot be applied is refused with an error, or fails with a `Failure`";
        let check = self.check();
        holds("decide never panics", check.actor, HELP, steps(), |steps| {
            check
                .decided(steps, |_, telling, _| telling.panicked())
                .map(drop)
        });
    }

    /// The actor can read and evolve by every event that its commands lead to.
    ///
    /// # Panics
    /// When it cannot.
    pub fn what_decide_emits_evolve_accepts(&self) {
        const HELP: &str = "help: this event is stored, and every later load of the stream does the same: let its `#[event]` method take what the command\n      gives, or let the command refuse. What cannot be stored, a number that is not finite perhaps, fails the command each time, and\n      parks its stream; what is read back as another event (`#[serde(skip)]`, an `Option` of an `Option`, an `untagged` enum) is lost";
        let check = self.check();
        holds(
            "what decide emits, evolve accepts",
            check.actor,
            HELP,
            steps(),
            |steps| {
                check
                    .decided(steps, |_, telling, accepted| match accepted {
                        Err(error) => Err(telling.story(&error).into()),
                        Ok(()) => Ok(()),
                    })
                    .map(drop)
            },
        );
    }

    /// The actor's own reactions, and the [readers](Laws::reader), handle every event that its commands lead to.
    ///
    /// # Panics
    /// When one panics or fails.
    pub fn what_decide_emits_readers_take(&self)
    where
        A: Register,
    {
        const HELP: &str = "help: this event is stored, and whoever cannot handle it parks its stream: let the reaction or the projector take what the\n      command gives, or let the command refuse. An event whose reaction may fail is left out: `skip: [..]`";
        let check = self.check();
        let readers: Vec<_> = std::iter::once(A::reactor())
            .chain(self.readers.iter().map(|reader| reader()))
            .collect();
        let left_out = check.left_out();
        holds(
            "what decide emits, its readers take",
            check.actor,
            HELP,
            steps(),
            |steps| {
                let readers = Readers::new(&readers, &left_out);
                let read_on = |world: &World<'_, A>, telling: &Telling, _| {
                    let read = readers.read_on(world);
                    read.map_err(|found| telling.ended(found))
                };
                check.decided(steps, read_on).map(drop)
            },
        );
    }

    /// A snapshot and the events after it lead to the state that all events lead to. Holds for an actor without
    /// `snapshot_every`.
    ///
    /// # Panics
    /// When it does not.
    pub fn a_snapshot_and_its_tail_equal_the_full_fold(&self) {
        const HELP: &str = "help: what is left out of the state's `Serialize` is lost in a snapshot: look at `#[serde(skip)]` and `#[serde(default)]`, or\n      leave out `snapshot_every`";
        let check = self.check();
        // What comes first is made simple first.
        let cases = (0..12_u8, any::<bool>(), steps());
        holds(
            "a snapshot and its tail equal the full fold",
            check.actor,
            HELP,
            cases,
            |(tail, is_arbitrary, steps)| {
                let (world, story) = check.history(steps, *is_arbitrary)?;
                let events = world.events();
                // Counted from the end, so that it stays where it is when the history gets shorter.
                let n = events.len() - usize::from(*tail).min(events.len());
                // What cannot be evolved by is for the laws about that.
                let Ok(full) = world.told(&events) else {
                    return Ok(());
                };
                let by_snapshot = world
                    .told_by_snapshot(&events, n)
                    .map_err(|error| format!("{story}\n\n{error}"))?;
                let Some(by_snapshot) = by_snapshot else {
                    return Ok(());
                };
                differ(
                    &full,
                    &by_snapshot,
                    "all events",
                    &format!("a snapshot after {n} of the events, and the rest"),
                    &story,
                )
            },
        );
    }

    /// Every message that was stored under an older name or in an older shape can be read as what it is today.
    ///
    /// # Panics
    /// When one cannot.
    pub fn upcasting_is_total(&self) {
        const HELP: &str = "help: what was stored once stays: give a field that came later a `#[serde(default)]`, and let `From<Old>` take every old value";
        let check = self.check();
        for samplers in check.samplers() {
            for older in samplers {
                holds("upcasting is total", check.actor, HELP, bytes(), |bytes| {
                    let sample = sample(older, &self.given, bytes)?;
                    check.is_read(&samplers[0], &sample).map_err(|error| {
                        format!("{}\n\n{error}", sample.told(Some(&samplers[0]))).into()
                    })
                });
            }
        }
        for (name, json) in &self.stored {
            if let Err(error) = check.reads_stored(name, json) {
                panic!(
                    "`{}` breaks the law: upcasting is total\n\n`{name}` as it was stored: {json}\n\n{error}\n\n{HELP}",
                    check.actor
                );
            }
        }
    }

    /// The same events lead to the same state, each time.
    ///
    /// # Panics
    /// When they do not.
    pub fn replay_gives_the_same_state(&self) {
        const HELP: &str = "help: an `#[event]` method may use nothing but the state and the event: no clock, no random number, no static, no order of a\n      hash map";
        let check = self.check();
        let cases = (any::<bool>(), steps());
        holds(
            "replay gives the same state",
            check.actor,
            HELP,
            cases,
            |(is_arbitrary, steps)| {
                let (world, story) = check.history(steps, *is_arbitrary)?;
                let events = world.events();
                // What cannot be evolved by is for the laws about that.
                let Ok(first) = world.told(&events) else {
                    return Ok(());
                };
                let again = world
                    .told(&events)
                    .map_err(|error| format!("{story}\n\nthe second time: {error}"))?;
                differ(&first, &again, "the first time", "the second time", &story)
            },
        );
    }
}

fn survives(sampler: &Sampler, sample: &Sample) -> Result<(), Found> {
    let (name, payload) = (sample.type_name.as_str(), &sample.payload);
    let told = sample.told(Some(sampler));
    let again = match caught(|| sampler.rewrite(name, payload)) {
        Ok(Ok(again)) => again,
        Ok(Err(error)) => {
            return Err(format!("{told}\n\nwritten as {}\n\n{error}", payload.as_str()).into());
        }
        Err(panic) => return Err(format!("{told}\n\n{panic}").into()),
    };
    // The order of a hash map is another one each time.
    let value = |payload: &Payload| serde_json::from_str::<Value>(payload.as_str()).ok();
    if again == *payload || value(&again) == value(payload) {
        Ok(())
    } else {
        Err(format!(
            "{told}\n\nis written as    {}\nand, read, as    {}",
            payload.as_str(),
            again.as_str()
        )
        .into())
    }
}

fn differ(one: &str, other: &str, of_one: &str, of_other: &str, story: &str) -> Result<(), Found> {
    if one == other {
        return Ok(());
    }
    let mut differences = String::new();
    let (mut expected, mut found) = (one.lines(), other.lines());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (this, that) if this == that => {}
            (this, that) => {
                for (sign, line) in [('-', this), ('+', that)] {
                    if let Some(line) = line {
                        // Writing to a `String` does not fail.
                        _ = write!(differences, "\n  {sign} {line}");
                    }
                }
            }
        }
    }
    Err(format!("{story}\n\n- {of_one}\n+ {of_other}{differences}").into())
}
