//! Two handlers for the same thing, or of one name.

use std::collections::HashMap;

use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::reactions::{Reaction, is_bare, key, reactions};
use crate::names;
use crate::parse::member::Role;

/// Methods of two kinds that would define one message.
fn definitions<'m>(model: &'m Model, dx: &mut Diagnostics) -> Vec<&'m Handler> {
    let mut seen: HashMap<String, &Handler> = HashMap::new();
    let definitions = model.handlers.iter().filter(|it| it.is_definition());
    let mut repeated = Vec::new();
    for handler in definitions.filter(|handler| handler.cfgs().is_empty()) {
        let message = &handler.defines;
        let Some(first) = seen.insert(message.to_string(), handler) else {
            continue;
        };
        // Two of one kind are for one message, which is said. So is, by the compiler, that two methods have one name.
        if first.role != handler.role && first.name() != handler.name() {
            dx.error(
                handler.name(),
                format!(
                    "`{}` defines `{message}` already: `{}`",
                    model.ident,
                    first.name()
                ),
                "rename one of the two methods",
            );
        }
        repeated.push(handler);
    }
    repeated
}

/// Two handlers for the same thing. Handlers under a `#[cfg]` may exclude each other, so those are left to the compiler.
pub(super) fn check<'m>(model: &'m Model, dx: &mut Diagnostics) -> Vec<&'m Handler> {
    let handlers = &model.handlers.iter().collect::<Vec<_>>()[..];
    let mut repeated = definitions(model, dx);
    for role in [Role::Command, Role::Event] {
        let mut seen = HashMap::new();
        let messages = handlers
            .iter()
            .filter(|handler| handler.role == role)
            .flat_map(|handler| handler.events().into_iter().map(move |it| (handler, it)));
        for (handler, message) in messages {
            if let Some(first) = seen.insert(key(&message), handler.name())
                && handler.cfgs().is_empty()
                // The compiler says that there are two methods of one name.
                && first != handler.name()
                && !handler.is_broken
            {
                let what = format!(
                    "`{}` already has a `{}` for `{message}`: `{first}`",
                    model.ident,
                    role.attribute(),
                );
                dx.error(
                    handler.name(),
                    what,
                    "rename the method, or remove one of the two",
                );
                repeated.push(*handler);
            }
        }
    }
    let mut seen: HashMap<String, &Handler> = HashMap::new();
    for Reaction {
        event,
        handler,
        cfgs,
    } in reactions(handlers)
    {
        let Some(first) = seen.insert(key(&event), handler) else {
            continue;
        };
        if cfgs.is_empty() && !is_bare(handler) && !handler.is_broken {
            let what = format!(
                "`{}` already has a `{}` to `{}`: `{}`",
                model.ident,
                handler.role.attribute(),
                names::spoken(&event),
                first.name(),
            );
            dx.error(
                &event,
                what,
                "let one method return all commands, as a tuple or a `Vec`",
            );
            repeated.push(handler);
        }
    }
    let is_bare = |handler: &&&Handler| handler.role == Role::Reaction && is_bare(handler);
    for second in handlers.iter().filter(is_bare).skip(1) {
        dx.error(
            &second.attr,
            format!(
                "`{}` already has a `#[reaction]` to all other events",
                model.ident
            ),
            "write `#[reaction(ItemAdded)]` for the events that this one serves",
        );
        repeated.push(*second);
    }
    for (role, is_load) in [
        (Role::State, false),
        (Role::State, true),
        (Role::BeforeEvolve, false),
    ] {
        let of_role = handlers.iter().filter(|handler| handler.role == role);
        let of_role = of_role.filter(|handler| handler.is_load() == is_load);
        for second in of_role.skip(1) {
            dx.error(
                second.name(),
                format!("`{}` already has a `{}`", model.ident, role.attribute()),
                "remove one of the two",
            );
            repeated.push(*second);
        }
    }
    repeated
}
