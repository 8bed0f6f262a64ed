//! The flow of an actor as a table in its docs: what every command may lead to, read from the return types.
//!
//! A macro sees words and no types: an alias of a `Result` stands in the table under its own name. The topology of an
//! app is exact.

use quote::ToTokens;
use syn::{ReturnType, Type, TypePath};

use crate::model::block::Model;
use crate::model::given::type_arguments;
use crate::model::handler::Handler;
use crate::model::reactions::{Reaction, key, reactions};
use crate::names;
use crate::parse::member::Role;

/// The lines of the table; none without a command or a reaction.
pub(super) fn table(model: &Model, handlers: &[&Handler]) -> Vec<String> {
    let reactions = reactions(handlers);
    let commands = || {
        handlers
            .iter()
            .filter(|handler| handler.role == Role::Command)
    };
    let mut emitted = Vec::new();
    let mut rows: Vec<String> = commands()
        .map(|handler| {
            let said = Said::by_command(model, handler);
            let row = row(&handler.message(), &said, &reactions);
            emitted.extend(said.messages);
            row
        })
        .collect();
    let mut from_elsewhere: Vec<String> = Vec::new();
    for reaction in &reactions {
        let event = names::spoken(&reaction.event);
        if !emitted.contains(&event) && !from_elsewhere.contains(&event) {
            let then = then(&event, &reactions).unwrap_or_default();
            rows.push(format!("| | | `{}` | {then} |", cell(&event)));
            from_elsewhere.push(event);
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let head = [
        "",
        "# Flow",
        "| command | refuses with | emits | then |",
        "|---|---|---|---|",
    ];
    let lines = head.into_iter().map(ToOwned::to_owned).chain(rows);
    let spaced = |line: String| {
        if line.is_empty() {
            line
        } else {
            format!(" {line}")
        }
    };
    lines.map(spaced).collect()
}

fn row(command: &impl ToTokens, said: &Said, reactions: &[Reaction<'_>]) -> String {
    let then = said.messages.iter().filter_map(|event| {
        let then = then(event, reactions)?;
        Some(if said.messages.len() > 1 {
            format!("`{}`: {then}", cell(event))
        } else {
            then
        })
    });
    format!(
        "| `{}` | {} | {} | {} |",
        cell(&names::spoken(command)),
        list(said.refusal.as_slice()),
        said.emitted(),
        then.collect::<Vec<_>>().join("<br>"),
    )
}

/// `tell_admin` → `SendMail`, of the reaction to an event.
fn then(event: &str, reactions: &[Reaction<'_>]) -> Option<String> {
    let squeezed: String = event.split_whitespace().collect();
    let reaction = reactions
        .iter()
        .find(|reaction| key(&reaction.event) == squeezed)?;
    let commands = Said::by(reaction.handler).messages;
    Some(if commands.is_empty() {
        format!("`{}`", reaction.handler.name())
    } else {
        format!("`{}` → {}", reaction.handler.name(), list(&commands))
    })
}

fn list(names: &[String]) -> String {
    let quoted = names.iter().map(|name| format!("`{}`", cell(name)));
    quoted.collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// What a return type says.
#[derive(Default)]
struct Said {
    messages: Vec<String>,
    /// Those of them that go to another stream.
    elsewhere: Vec<String>,
    refusal: Option<String>,
}

impl Said {
    fn by(handler: &Handler) -> Self {
        let mut said = Self::default();
        if let ReturnType::Type(_, ty) = &handler.sig.output {
            said.read(ty);
        }
        said
    }

    /// What is emitted step by step stands in no return type.
    fn by_command(model: &Model, handler: &Handler) -> Self {
        let mut said = Self::by(handler);
        match handler.emitter_events() {
            Some(events) => said.read(events),
            None if handler.takes_emitter() => said.message(model.events.to_string()),
            None => {}
        }
        said
    }

    fn read(&mut self, ty: &Type) {
        match ty {
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|part| self.read(part)),
            Type::Array(array) => self.read(&array.elem),
            Type::Paren(inner) => self.read(&inner.elem),
            Type::Group(inner) => self.read(&inner.elem),
            Type::Path(path) => self.read_path(path),
            other => self.message(names::spoken(other)),
        }
    }

    fn read_path(&mut self, path: &TypePath) {
        let Some(last) = path.path.segments.last() else {
            return;
        };
        let arguments: Vec<&Type> = type_arguments(path).collect();
        match (last.ident.to_string().as_str(), arguments.as_slice()) {
            ("Option" | "Vec" | "Outgoing", [inner]) => self.read(inner),
            ("Outgoing", []) => self.message("any".to_owned()),
            ("Elsewhere", [inner]) => {
                let mut there = Self::default();
                there.read(inner);
                self.elsewhere.extend(there.messages.iter().cloned());
                there
                    .messages
                    .into_iter()
                    .for_each(|name| self.message(name));
            }
            ("Result", [ok, error @ ..]) => {
                self.read(ok);
                self.refusal = error.first().and_then(|error| refusal(error));
            }
            _ => self.message(names::spoken(path)),
        }
    }

    fn message(&mut self, name: String) {
        if !self.messages.contains(&name) {
            self.messages.push(name);
        }
    }

    fn emitted(&self) -> String {
        let said = self.messages.iter().map(|name| {
            let elsewhere = if self.elsewhere.contains(name) {
                " elsewhere"
            } else {
                ""
            };
            format!("`{}`{elsewhere}", cell(name))
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// What the domain says no with, if it can: `Failure` is no refusal, and `Rejected<E>` is one with `E`.
fn refusal(error: &Type) -> Option<String> {
    let Type::Path(path) = error else {
        return Some(names::spoken(error));
    };
    let name = path.path.segments.last()?.ident.to_string();
    match (name.as_str(), type_arguments(path).next()) {
        ("Failure" | "Infallible", _) => None,
        ("Rejected", Some(inner)) => refusal(inner),
        _ => Some(names::spoken(error)),
    }
}
