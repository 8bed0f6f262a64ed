//! What does not fit together in the flows of an app.
//!
//! An error is what can only go wrong: a command that would wait for ever, a name that two types would be read from. A
//! warning is what may be meant: an event that nobody emits *any more* is still in the log, and must be evolved by.

use std::collections::{HashMap, HashSet};
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
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NobodyEmits { event, consumed_by } = self;
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
///
/// An app that decides nothing is the reading half of another, so its events are not missed.
pub fn warnings(flows: &[Flow]) -> Vec<Warning> {
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
