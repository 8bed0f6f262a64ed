//! Those who read what an actor's commands lead to: its own reactions, projectors, handlers.

use std::cell::Cell;
use std::sync::Arc;

use sourced::actor::Actor;
use sourced::reactor::{NoResource, Reactor};
use sourced::{Failure, Kind, Position, StoredMessage, TypeName};

use super::run::Found;
use super::world::World;

/// Who reads the log of one try, and how far they are.
pub(super) struct Readers<'l> {
    all: &'l [Arc<dyn Reactor>],
    left_out: &'l [TypeName],
    read: Cell<Position>,
}

impl<'l> Readers<'l> {
    pub(super) fn new(all: &'l [Arc<dyn Reactor>], left_out: &'l [TypeName]) -> Self {
        let read = Cell::new(Position::START);
        Self {
            all,
            left_out,
            read,
        }
    }

    fn begin<A: Actor>(&self, world: &World<'_, A>) -> Result<(), Found> {
        let made = self.all.iter().map(|reader| world.begin(&**reader));
        let made: Result<(), Failure> = made.collect();
        made.map_err(|failure| Found::Breaks(failure.chain()))
    }

    /// Hands on what has come since the last time.
    ///
    /// # Errors
    /// Who could not take what, in words.
    pub(super) fn read_on<A: Actor>(&self, world: &World<'_, A>) -> Result<(), Found> {
        if self.read.get() == Position::START {
            self.begin(world)?;
        }
        for message in world.log_after(self.read.get()) {
            self.read.set(message.position);
            let is_read =
                message.kind == Kind::Event && !self.left_out.contains(&message.type_name);
            for reader in self.all.iter().filter(|_| is_read) {
                take(&**reader, world, &message)?;
            }
        }
        Ok(())
    }
}

fn take<A: Actor>(
    reader: &dyn Reactor,
    world: &World<'_, A>,
    event: &StoredMessage,
) -> Result<(), Found> {
    if !reader.handled_types().contains(&event.type_name) {
        return Ok(());
    }
    world
        .hand(reader, event)
        .map_err(|failure| found(&reader.flow().name, event, &failure))
}

fn found(reader: &str, event: &StoredMessage, failure: &Failure) -> Found {
    match failure.find() {
        Some(NoResource(name)) => Found::Nothing(format!(
            "`{reader}` asks for the resource `{name}`, and nobody brings one\n\nhelp: give one: `resources: [..]`; or leave the event out: `skip: [..]`"
        )),
        None => Found::Breaks(format!(
            "`{reader}` cannot take `{}`: {}",
            event.type_name,
            failure.chain()
        )),
    }
}
