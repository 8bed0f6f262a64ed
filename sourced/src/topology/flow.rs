//! Flows: what a reactor says of itself.

use std::any::{TypeId, type_name};

use serde_json::Value;

use crate::message::{Command, Event, Kind, MessageType, TypeName};
use crate::stream::GroupId;

/// A message type of the program: its stored name, and the Rust type behind it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Definition {
    /// The stored name.
    pub type_name: TypeName,
    /// Command or event.
    pub kind: Kind,
    /// The Rust type with its path, as `std::any::type_name` tells it.
    pub rust_path: &'static str,
    id: TypeId,
    schema: fn() -> Option<Value>,
}

// A type has one schema, and a function has no name to compare.
impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        (&self.type_name, self.id) == (&other.type_name, other.id)
    }
}

impl Eq for Definition {}

impl Definition {
    /// That of a type.
    pub fn of<M: MessageType>() -> Self {
        Self {
            type_name: TypeName::of::<M>(),
            kind: M::KIND,
            rust_path: type_name::<M>(),
            id: TypeId::of::<M>(),
            schema: M::schema,
        }
    }

    /// The Rust type without its path.
    pub fn rust_name(&self) -> &'static str {
        last_word(self.rust_path)
    }

    /// Its JSON Schema, where its type has one: see [`MessageType::schema`].
    pub fn schema(&self) -> Option<Value> {
        (self.schema)()
    }

    /// Whether both are the same Rust type.
    pub fn is_same_type(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The name of a type without its path.
pub(super) fn last_word(path: &'static str) -> &'static str {
    path.rsplit("::").next().unwrap_or(path)
}

/// The message types that a return type can carry. Return types fill it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Produces {
    messages: Vec<Definition>,
    /// Those of them that it carries each time.
    always: Vec<Definition>,
    elsewhere: Vec<Definition>,
    is_any: bool,
}

impl Produces {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// It carries this type.
    pub fn add<M: MessageType>(&mut self) {
        add(&mut self.messages, Definition::of::<M>());
        add(&mut self.always, Definition::of::<M>());
    }

    /// It can carry what `fill` adds, and need not: as an `Option`, a `Vec` and a `Result` do.
    pub fn maybe(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut perhaps = Self::new();
        fill(&mut perhaps);
        perhaps.always.clear();
        self.merge(perhaps);
    }

    /// It can carry these for another stream than the command's own.
    pub fn add_elsewhere(&mut self, there: Self) {
        for message in &there.messages {
            add(&mut self.elsewhere, message.clone());
        }
        self.merge(there);
    }

    /// It can carry messages whose types nobody can tell.
    pub fn add_any(&mut self) {
        self.is_any = true;
    }

    /// What it can carry, in the order of the return type.
    pub fn messages(&self) -> &[Definition] {
        &self.messages
    }

    /// Those of them that it carries each time.
    pub fn always(&self) -> &[Definition] {
        &self.always
    }

    /// Those of them that can go to another stream than the command's own.
    pub fn elsewhere(&self) -> &[Definition] {
        &self.elsewhere
    }

    /// Whether it can carry anything else too.
    pub fn is_any(&self) -> bool {
        self.is_any
    }

    fn merge(&mut self, other: Self) {
        for message in other.messages {
            add(&mut self.messages, message);
        }
        for message in other.always {
            add(&mut self.always, message);
        }
        for message in other.elsewhere {
            add(&mut self.elsewhere, message);
        }
        self.is_any |= other.is_any;
    }
}

fn add(messages: &mut Vec<Definition>, message: Definition) {
    if !messages.contains(&message) {
        messages.push(message);
    }
}

/// What a reactor does: decides, evolves, reacts. `#[actor]` and `#[projector]` see to it for what they write; a reactor
/// written by hand says it in [`Reactor::flow`](crate::reactor::Reactor::flow).
///
/// ```
/// use sourced::topology::{Flow, Produces};
/// use sourced::{GroupId, prelude::*};
///
/// #[event("orders.placed")]
/// struct Placed;
/// #[command("mail.send")]
/// struct SendMail;
///
/// let mut sent = Produces::new();
/// sent.add::<SendMail>();
/// let mut flow = Flow::new(GroupId::new("mailer")?, "Mailer");
/// flow.reacts::<Placed>(sent);
/// assert_eq!(flow.reactions.len(), 1);
/// # Ok::<(), sourced::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flow {
    /// Its consumer group.
    pub group: GroupId,
    /// Its name for people.
    pub name: String,
    /// The commands it decides, with the events that may come of each.
    pub decisions: Vec<(Definition, Produces)>,
    /// The events that change its state.
    pub evolves: Vec<Definition>,
    /// Its reactions.
    pub reactions: Vec<ReactionFlow>,
    /// Whether what it keeps is there to be read, as a projector's is.
    pub is_read_model: bool,
    /// Whether it has effects of its own beside its decisions and reactions, such as saving what it keeps.
    pub has_effects: bool,
    /// Whether it does more than it says, so that nothing can be concluded from what is not here.
    pub is_opaque: bool,
}

/// A reaction of a [`Flow`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReactionFlow {
    /// The events it serves.
    pub events: Vec<Definition>,
    /// Whether it serves all events that have no reaction of their own.
    pub is_rest: bool,
    /// The commands that may come of it.
    pub produces: Produces,
}

impl Flow {
    /// A reactor that does nothing yet.
    pub fn new(group: GroupId, name: impl Into<String>) -> Self {
        Self {
            group,
            name: name.into(),
            decisions: Vec::new(),
            evolves: Vec::new(),
            reactions: Vec::new(),
            is_read_model: false,
            has_effects: false,
            is_opaque: false,
        }
    }

    /// The flow of an actor or a projector, named after its type.
    pub(crate) fn of_type<T>(group: GroupId) -> Self {
        Self::new(group, last_word(type_name::<T>()))
    }

    /// A reactor that says nothing about itself. No problem is seen in what might come of it.
    pub fn opaque(group: GroupId) -> Self {
        let name = group.to_string();
        Self {
            is_opaque: true,
            ..Self::new(group, name)
        }
    }

    /// It decides this command.
    pub fn decides<C: Command>(&mut self, produces: Produces) {
        self.decisions.push((Definition::of::<C>(), produces));
    }

    /// This event changes its state.
    pub fn evolves<E: Event>(&mut self) {
        self.evolves.push(Definition::of::<E>());
    }

    /// It reacts to this event.
    pub fn reacts<E: Event>(&mut self, produces: Produces) {
        self.reactions.push(ReactionFlow {
            events: vec![Definition::of::<E>()],
            is_rest: false,
            produces,
        });
    }

    /// Its reaction to all events without one of their own serves this event too.
    pub fn reacts_to_rest<E: Event>(&mut self, produces: Produces) {
        let event = Definition::of::<E>();
        match self.reactions.iter_mut().find(|reaction| reaction.is_rest) {
            Some(reaction) => {
                reaction.events.push(event);
                reaction.produces.merge(produces);
            }
            None => self.reactions.push(ReactionFlow {
                events: vec![event],
                is_rest: true,
                produces,
            }),
        }
    }

    /// Whether nothing comes of it.
    pub(super) fn does_nothing(&self) -> bool {
        let is_silent = self.decisions.is_empty() && self.reactions.is_empty();
        is_silent && !self.has_effects && !self.is_opaque
    }

    /// Every message it names, in the order of decisions, evolution and reactions; some more than once.
    pub fn all_messages(&self) -> impl Iterator<Item = &Definition> {
        let decided = self
            .decisions
            .iter()
            .flat_map(|(command, produces)| std::iter::once(command).chain(produces.messages()));
        let reacted = self
            .reactions
            .iter()
            .flat_map(|reaction| reaction.events.iter().chain(reaction.produces.messages()));
        decided.chain(&self.evolves).chain(reacted)
    }
}
