//! The flow of an actor as a table in its docs: what every command may lead to, read from the return types.
//!
//! A macro sees words and no types: an alias of a `Result` stands in the table under its own name. The topology of an
//! app is exact.

use quote::ToTokens;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypePath};

use crate::model::handler::Handler;
use crate::model::reactions::{Reaction, key, reactions};
use crate::names;
use crate::parse::member::Role;

/// The lines of the table; none without a command or a reaction.
pub(super) fn table(handlers: &[&Handler]) -> Vec<String> {
    let reactions = reactions(handlers);
    let commands = || {
        handlers
            .iter()
            .filter(|handler| handler.role == Role::Command)
    };
    let mut emitted = Vec::new();
    let mut rows: Vec<String> = commands()
        .map(|handler| {
            let said = Said::by(handler);
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
        list(&said.messages),
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
        let arguments = types(&last.arguments);
        match (last.ident.to_string().as_str(), arguments.as_slice()) {
            ("Option" | "Vec" | "Outgoing", [inner]) => self.read(inner),
            ("Outgoing", []) => self.message("any".to_owned()),
            ("Result", [ok, error @ ..]) => {
                self.read(ok);
                let refusal = error.first().map(names::spoken);
                self.refusal = refusal.filter(|error| !error.ends_with("Failure"));
            }
            _ => self.message(names::spoken(path)),
        }
    }

    fn message(&mut self, name: String) {
        if !self.messages.contains(&name) {
            self.messages.push(name);
        }
    }
}

fn types(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}
