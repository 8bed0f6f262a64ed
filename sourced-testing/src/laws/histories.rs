//! What a law is checked with: histories of what was made up, and what is told of them.

use std::fmt::Debug;

use sourced::actor::{Actor, Handlers};
use sourced::message::Sampler;
use sourced::{Kind, Payload, StoredMessage, TypeName};
use tokio::runtime::Runtime;

use super::quiet::caught;
use super::run::{Found, Step};
use super::sample::{Sample, sample};
use super::world::{Outcome, World};
use super::{Histories, Laws, story};

/// Everything that a law is checked with.
pub(super) struct Check<'l, A> {
    pub(super) laws: &'l Laws<A>,
    pub(super) handlers: Handlers<A>,
    pub(super) runtime: Runtime,
    pub(super) actor: &'static str,
}

impl<A: Actor + Debug> Check<'_, A> {
    /// Of the messages that are not left out, by type.
    pub(super) fn samplers(&self) -> impl Iterator<Item = &Vec<Sampler>> {
        let all = self.handlers.samplers().iter();
        all.filter(|samplers| !self.laws.skipped.contains(&samplers[0].rust_path()))
    }

    /// The stored names of the messages that are left out.
    pub(super) fn left_out(&self) -> Vec<TypeName> {
        let all = self.handlers.samplers().iter();
        let left_out = all.filter(|samplers| self.laws.skipped.contains(&samplers[0].rust_path()));
        let names = left_out.flatten().flat_map(Sampler::names);
        names.filter_map(|name| TypeName::new(name).ok()).collect()
    }

    pub(super) fn of_kind(&self, kind: Kind) -> Vec<&Sampler> {
        let of_kind = self
            .samplers()
            .filter(|samplers| samplers[0].kind() == kind);
        of_kind.flatten().collect()
    }

    pub(super) fn world(&self) -> World<'_, A> {
        World::new(&self.handlers, &self.runtime, (self.laws.resources)())
    }

    /// Any events in any order.
    pub(super) fn arbitrary(&self, steps: &[Step]) -> Result<(World<'_, A>, String), Found> {
        let (world, events) = (self.world(), self.of_kind(Kind::Event));
        let mut telling = Telling::default();
        for (which, bytes) in steps {
            let Some(sampler) = events.get(usize::from(*which) % events.len().max(1)) else {
                break;
            };
            let sample = sample(sampler, &self.laws.given, bytes)?;
            telling.add(&sample, sampler);
            world.store(&sample);
        }
        Ok((world, telling.story("")))
    }

    /// What commands lead to, from the beginning; an error when the actor does not evolve by it.
    pub(super) fn valid(&self, steps: &[Step]) -> Result<(World<'_, A>, String), Found> {
        self.decided(steps, |_, telling, accepted| {
            accepted.map_err(|error| telling.story(&error).into())
        })
    }

    /// A history of one sort or the other. What breaks another law is left to that one.
    pub(super) fn history(
        &self,
        steps: &[Step],
        is_arbitrary: bool,
    ) -> Result<(World<'_, A>, String), Found> {
        let is_arbitrary = is_arbitrary || self.of_kind(Kind::Command).is_empty();
        match self.laws.histories {
            Histories::Any if is_arbitrary => self.arbitrary(steps),
            _ => self.decided(steps, |_, _, _| Ok(())),
        }
    }

    /// Decides commands one after another. After each it is asked what to say of it.
    pub(super) fn decided(
        &self,
        steps: &[Step],
        judge: impl Fn(&World<'_, A>, &Telling, Result<(), String>) -> Result<(), Found>,
    ) -> Result<(World<'_, A>, String), Found> {
        let (world, commands) = (self.world(), self.of_kind(Kind::Command));
        let mut telling = Telling::default();
        for (which, bytes) in steps {
            let Some(sampler) = commands.get(usize::from(*which) % commands.len().max(1)) else {
                break;
            };
            let sample = sample(sampler, &self.laws.given, bytes)?;
            telling.add(&sample, sampler);
            let command = world.store(&sample);
            let accepted = match world.decide(&command)? {
                Outcome::Applied(emitted) => {
                    for event in &emitted {
                        telling.led_to(&self.told(&event.type_name, &event.payload));
                    }
                    world.accept(emitted)
                }
                Outcome::NotApplied => {
                    telling.led_to("(not applied)");
                    Ok(())
                }
                Outcome::Panicked(panic) => {
                    telling.panic = Some(panic);
                    Ok(())
                }
                Outcome::Unstorable(error) => {
                    telling.led_to("(cannot be stored)");
                    Err(error)
                }
                Outcome::NoResource(name) => {
                    return Err(Found::Nothing(no_resource(sampler.rust_path(), name)));
                }
            };
            let goes_on = accepted.is_ok() && telling.panic.is_none();
            judge(&world, &telling, accepted)?;
            if !goes_on {
                break;
            }
        }
        Ok((world, telling.story("")))
    }

    pub(super) fn told(&self, name: &TypeName, payload: &Payload) -> String {
        let all = self.handlers.samplers().iter().flatten();
        let sampler = all
            .into_iter()
            .find(|sampler| sampler.names().contains(&name.as_str()));
        match sampler {
            Some(sampler) => story::told(sampler.rust_path(), payload),
            None => story::told(name.as_str(), payload),
        }
    }

    /// Today's type reads it, and the actor evolves by it.
    pub(super) fn is_read(&self, today: &Sampler, sample: &Sample) -> Result<(), String> {
        let (name, payload) = (sample.type_name.as_str(), &sample.payload);
        match caught(|| today.rewrite(name, payload)) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => return Err(panic),
        }
        if sample.kind == Kind::Command {
            return Ok(());
        }
        let world = self.world();
        let event: StoredMessage = world.store(sample);
        match caught(|| {
            self.handlers
                .fold(&event.stream_id, std::slice::from_ref(&event))
        }) {
            Ok(Err(failure)) => Err(failure.chain()),
            // Panics are for the law about evolving.
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }

    pub(super) fn reads_stored(&self, name: &str, json: &str) -> Result<(), String> {
        let payload = Payload::parse(json).map_err(|error| error.to_string())?;
        let mut all = self.handlers.samplers().iter();
        let has_name = |samplers: &&Vec<Sampler>| {
            samplers
                .iter()
                .any(|sampler| sampler.names().contains(&name))
        };
        let Some(samplers) = all.find(has_name) else {
            return Err(format!(
                "no command or event of the actor is stored as `{name}`, nor was"
            ));
        };
        let sample = Sample {
            type_name: TypeName::new(name).map_err(|error| error.to_string())?,
            rust_path: samplers[0].rust_path(),
            kind: samplers[0].kind(),
            payload,
        };
        self.is_read(&samplers[0], &sample)
    }
}

fn no_resource(command: &str, resource: &str) -> String {
    let short = |path: &'_ str| path.rsplit("::").next().unwrap_or_default().to_owned();
    format!(
        "the command `{command}` asks for the resource `{resource}`, and nobody brings one\n\nhelp: give one: `resources: [..]`; or leave the command out: `skip: [{}]`",
        short(command)
    )
}

/// What has happened, line by line.
#[derive(Default)]
pub(super) struct Telling {
    lines: Vec<String>,
    panic: Option<String>,
}

impl Telling {
    pub(super) fn add(&mut self, sample: &Sample, sampler: &Sampler) {
        let n = self
            .lines
            .iter()
            .filter(|line| !line.starts_with(' '))
            .count()
            + 1;
        self.lines
            .push(format!("{n}. {}", sample.told(Some(sampler))));
    }

    pub(super) fn led_to(&mut self, event: &str) {
        self.lines.push(format!("     -> {event}"));
    }

    pub(super) fn panicked(&self) -> Result<(), Found> {
        match &self.panic {
            Some(panic) => Err(self.story(panic).into()),
            None => Ok(()),
        }
    }

    /// The same with what was found at the end of it.
    pub(super) fn ended(&self, found: Found) -> Found {
        match found {
            Found::Breaks(error) => Found::Breaks(self.story(&error)),
            nothing @ Found::Nothing(_) => nothing,
        }
    }

    /// What has happened, and what went wrong in the end.
    pub(super) fn story(&self, error: &str) -> String {
        let lines = self.lines.join("\n");
        if error.is_empty() {
            lines
        } else {
            format!("{lines}\n\n{error}")
        }
    }
}
