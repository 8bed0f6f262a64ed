//! What does not fit together in the flows of an app.
//!
//! An error is what can only go wrong: a command that would wait for ever, a name that two types would be read from. A
//! warning is what may be meant: an event that nobody emits *any more* is still in the log, and must be evolved by.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use super::{Definition, Flow};
use crate::message::{Kind, TypeName};
use crate::stream::GroupId;

/// What would go wrong for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Two Rust types are stored under one name, so what one of them wrote would be read as the other.
    TwoDefinitions {
        /// The name.
        type_name: TypeName,
        /// The path of one type.
        first: &'static str,
        /// The path of the other.
        second: &'static str,
    },
    /// A reaction dispatches a command that no reactor of the app decides, so it would wait for ever.
    NobodyDecides {
        /// The command.
        command: TypeName,
        /// The group of the reaction.
        dispatched_by: GroupId,
    },
}

/// What is suspicious about an app, and may be meant. [`App::warnings`](crate::App::warnings) gives them.
///
/// An error would be too much: an event that nobody emits *any more* is still in the log, and must be evolved by. A
/// command that nobody dispatches is not even suspicious: it comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Something evolves by an event or reacts to it, and no command of the app emits it: a forgotten return value, or an
    /// event of old days that is still in the log.
    NobodyEmits {
        /// The event.
        event: TypeName,
        /// The groups that wait for it.
        consumed_by: Vec<GroupId>,
    },
    /// Each message of a circle leads to the next one whatever its values are, so the first of them never ends.
    Loop {
        /// The messages, in the order in which they lead to each other; the last leads to the first.
        of: Vec<TypeName>,
    },
    /// The reactor of a group has known messages in an earlier program that it does not know any more: what is stored of
    /// them is passed over, as if it had never happened. It is a message that was renamed, or one that was given up.
    TypesLost {
        /// The group.
        group: GroupId,
        /// The stored names.
        types: Vec<TypeName>,
    },
    /// Groups are new to the storage, which knows others that this app does not have: an actor that was renamed, or other
    /// programs on one database.
    GroupsLeft {
        /// Those of this app.
        new: Vec<GroupId>,
        /// The others.
        left: Vec<GroupId>,
    },
    /// Nothing comes of a reactor: an actor without commands and reactions, or a projector that saves nothing.
    DoesNothing {
        /// Its group.
        group: GroupId,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyEmits { event, consumed_by } => nobody_emits(event, consumed_by, f),
            Self::Loop { of } => {
                let circle = of.iter().chain(of.first());
                let circle: Vec<String> = circle.map(|name| format!("`{name}`")).collect();
                write!(
                    f,
                    "{} never ends: return an `Option` or a `Result` from one of the methods, and nothing when it is enough",
                    circle.join(" → ")
                )
            }
            Self::TypesLost { group, types } => write!(
                f,
                "`{group}` knew {} in an earlier program, and passes over what is stored of it: after a rename, write the old name as `alias = \"…\"` in the attribute of the message; if it is given up, say so with `ReactorOptions::gives_up`",
                quoted(types)
            ),
            Self::GroupsLeft { new, left } => write!(
                f,
                "{} begins with nothing here, and {}, which the storage knows, is not in this app: if one is the other renamed, write `#[actor(\"new\", alias = \"old\")]`",
                quoted(new),
                quoted(left)
            ),
            Self::DoesNothing { group } => write!(
                f,
                "nothing comes of `{group}`: give an actor a `#[command]` or a `#[reaction]`; give a projector a `#[sync]` method or a `#[reaction]`, or let its `#[event]` methods return rows"
            ),
        }
    }
}

fn quoted(names: &[impl fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn nobody_emits(
    event: &TypeName,
    consumed_by: &[GroupId],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "no command emits the event `{event}`, which ")?;
    for (nth, group) in consumed_by.iter().enumerate() {
        let comma = if nth == 0 { "" } else { ", " };
        write!(f, "{comma}`{group}`")?;
    }
    let (wait, it) = if consumed_by.len() == 1 {
        ("waits", "it")
    } else {
        ("wait", "them")
    };
    write!(
        f,
        " {wait} for: return it from a `#[command]`, or keep {it} for what is stored already"
    )
}

/// What would go wrong, in the order of the flows.
pub fn problems(flows: &[Flow]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut first: HashMap<&TypeName, &Definition> = HashMap::new();
    let mut named = HashSet::new();
    for message in flows.iter().flat_map(Flow::all_messages) {
        let known = *first.entry(&message.type_name).or_insert(message);
        if !known.is_same_type(message) && named.insert(&message.type_name) {
            problems.push(Problem::TwoDefinitions {
                type_name: message.type_name.clone(),
                first: known.rust_path,
                second: message.rust_path,
            });
        }
    }
    if flows.iter().any(|flow| flow.is_opaque) {
        return problems;
    }
    let decided: HashSet<&TypeName> = flows
        .iter()
        .flat_map(|flow| &flow.decisions)
        .map(|(command, _)| &command.type_name)
        .collect();
    let mut missing = HashSet::new();
    for flow in flows {
        let dispatched = flow
            .reactions
            .iter()
            .flat_map(|reaction| reaction.produces.messages());
        for command in dispatched {
            if !decided.contains(&command.type_name) && missing.insert(&command.type_name) {
                problems.push(Problem::NobodyDecides {
                    command: command.type_name.clone(),
                    dispatched_by: flow.group.clone(),
                });
            }
        }
    }
    problems
}

/// What is suspicious, in the order of the flows.
pub fn warnings(flows: &[Flow]) -> Vec<Warning> {
    let idle = flows.iter().filter(|flow| flow.does_nothing());
    let idle = idle.map(|flow| Warning::DoesNothing {
        group: flow.group.clone(),
    });
    let circles = loops(flows).into_iter().map(|of| Warning::Loop { of });
    nobody_emits_of(flows)
        .into_iter()
        .chain(circles)
        .chain(idle)
        .collect()
}

/// The circles of messages that lead to each other always, each once.
fn loops(flows: &[Flow]) -> Vec<Vec<TypeName>> {
    let mut leads_to: BTreeMap<&TypeName, BTreeSet<&TypeName>> = BTreeMap::new();
    let decided = flows
        .iter()
        .flat_map(|flow| &flow.decisions)
        .map(|(command, produces)| (command, produces));
    let reacted = flows.iter().flat_map(|flow| &flow.reactions);
    let reacted = reacted.flat_map(|reaction| {
        let events = reaction.events.iter();
        events.map(|event| (event, &reaction.produces))
    });
    for (from, produces) in decided.chain(reacted) {
        let next = produces.always().iter().map(|message| &message.type_name);
        leads_to.entry(&from.type_name).or_default().extend(next);
    }
    let mut done = BTreeSet::new();
    let mut circles = Vec::new();
    for start in leads_to.keys() {
        follow(start, &leads_to, &mut Vec::new(), &mut done, &mut circles);
    }
    circles
}

/// Goes on from a message along all that it leads to, and notes where that comes back.
fn follow<'a>(
    at: &'a TypeName,
    leads_to: &BTreeMap<&'a TypeName, BTreeSet<&'a TypeName>>,
    path: &mut Vec<&'a TypeName>,
    done: &mut BTreeSet<&'a TypeName>,
    circles: &mut Vec<Vec<TypeName>>,
) {
    if let Some(first) = path.iter().position(|name| *name == at) {
        circles.push(path[first..].iter().copied().cloned().collect());
        return;
    }
    if !done.insert(at) {
        return;
    }
    path.push(at);
    for next in leads_to.get(at).into_iter().flatten() {
        follow(next, leads_to, path, done, circles);
    }
    path.pop();
}

/// An app that decides nothing is the reading half of another, so its events are not missed.
fn nobody_emits_of(flows: &[Flow]) -> Vec<Warning> {
    let decisions = || flows.iter().flat_map(|flow| &flow.decisions);
    let is_unknown = flows.iter().any(|flow| flow.is_opaque)
        || decisions().any(|(_, produces)| produces.is_any());
    if is_unknown || decisions().next().is_none() {
        return Vec::new();
    }
    let emitted: HashSet<&TypeName> = decisions()
        .flat_map(|(_, produces)| produces.messages())
        .map(|event| &event.type_name)
        .collect();
    let mut missing: Vec<(TypeName, Vec<GroupId>)> = Vec::new();
    for flow in flows {
        let consumed = flow
            .all_messages()
            .filter(|message| message.kind == Kind::Event && !emitted.contains(&message.type_name));
        for event in consumed {
            match missing
                .iter_mut()
                .find(|(name, _)| *name == event.type_name)
            {
                Some((_, groups)) if groups.contains(&flow.group) => {}
                Some((_, groups)) => groups.push(flow.group.clone()),
                None => missing.push((event.type_name.clone(), vec![flow.group.clone()])),
            }
        }
    }
    missing
        .into_iter()
        .map(|(event, consumed_by)| Warning::NobodyEmits { event, consumed_by })
        .collect()
}
