//! Checks of a block as a whole.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{GenericParam, Type};

use super::{message, parameters, signature, stored};
use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::fields::{self, Unfit};
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};
use crate::model::reactions::{Reaction, is_bare, key, reactions};
use crate::names;
use crate::parse::block::{Block, Head};
use crate::parse::item::Item;
use crate::parse::member::Role;

/// What a block is to become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Actor,
    Projector,
    /// A projector that loads its state as it was saved.
    Stored,
    /// A projector whose methods give rows back.
    Table,
    Handler,
}

impl Kind {
    /// The attribute as people write it.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Actor => "#[actor]",
            Self::Projector | Self::Stored | Self::Table => "#[projector]",
            Self::Handler => "#[handler]",
        }
    }

    fn roles(self) -> &'static [Role] {
        match self {
            Self::Actor => &[
                Role::Command,
                Role::Event,
                Role::Reaction,
                Role::State,
                Role::BeforeEvolve,
            ],
            Self::Projector | Self::Stored => &[
                Role::Event,
                Role::Reaction,
                Role::State,
                Role::BeforeEvolve,
                Role::Sync,
                Role::AfterSync,
            ],
            Self::Table => &[Role::Event, Role::AfterSync],
            Self::Handler => &[Role::On, Role::State],
        }
    }
}

/// The item has to be a block.
pub(crate) fn block(
    kind: Kind,
    item: &TokenStream,
    block: Option<Block>,
    dx: &mut Diagnostics,
) -> Option<(Block, Head)> {
    let read = Item::read(item.clone());
    let keyword = read.as_ref().map(|item| &item.keyword);
    if keyword.is_none_or(|keyword| keyword == "impl")
        && let Some(block) = block
    {
        return match block.head() {
            Ok(head) => Some((block, head)),
            Err(error) => {
                dx.syntax(error);
                None
            }
        };
    }
    let what = format!("`{}` goes on an `impl` block", kind.attribute());
    let is_type = |item: &&Item| {
        ["struct", "enum", "union"]
            .iter()
            .any(|word| item.keyword == word)
    };
    let named = read
        .as_ref()
        .filter(is_type)
        .and_then(|item| item.name.as_ref());
    let name = named.map_or_else(|| "Name".to_owned(), ToString::to_string);
    let help = format!("write `{} impl {name} {{ … }}`", kind.attribute());
    match keyword {
        Some(keyword) => dx.error(keyword, what, help),
        None => dx.error(item, what, help),
    }
    None
}

/// The block has to be a plain one, of a plain type.
pub(crate) fn head(kind: Kind, head: &Head, dx: &mut Diagnostics) {
    let attribute = kind.attribute();
    let ty = head.self_ty.to_token_stream();
    if let Some(trait_ty) = &head.trait_ty {
        dx.error(
            trait_ty,
            format!("`{attribute}` goes on the type's own `impl` block, not on that of a trait"),
            format!(
                "write `{attribute} impl {} {{ … }}`, and keep this block without `{attribute}`",
                names::spoken(&ty)
            ),
        );
    }
    let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
    if !head.generics.params.iter().all(is_lifetime) {
        dx.error(
            &head.generics,
            format!("`{attribute}` cannot be generic: its messages have one name in storage"),
            "remove the generic parameters, and name concrete types",
        );
    } else if let Some((lifetime, Unfit::Borrowed)) = fields::unfit(&ty) {
        dx.error(
            lifetime,
            format!("`{attribute}` cannot borrow: what it is made of outlives every call"),
            "remove the lifetime, and write owned types in the struct, such as `String` for `&str`",
        );
    } else if !head.generics.params.is_empty() {
        dx.error(
            &head.generics,
            format!("`{attribute}` cannot be generic: its messages have one name in storage"),
            "remove the lifetimes",
        );
    }
    if !matches!(head.self_ty, Type::Path(_)) {
        dx.error(
            &head.self_ty,
            format!("`{attribute}` needs a type of its own"),
            format!("write `{attribute} impl Cart {{ … }}` for a struct or an enum `Cart`"),
        );
    }
}

/// What is wrong with a block. What it leaves in the model can be generated: handlers that are right, and some that are
/// broken.
pub(crate) fn model(kind: Kind, model: &mut Model, dx: &mut Diagnostics) {
    let mut handlers = std::mem::take(&mut model.handlers);
    handlers.retain_mut(|handler| {
        let before = dx.count();
        role(kind, handler, dx);
        if dx.count() > before {
            return false;
        }
        if kind == Kind::Actor {
            taken_name(model, handler, dx);
        }
        stored_name(model, handler, dx);
        row_key(kind, handler, dx);
        signature::check(kind, handler, dx);
        parameters::check(kind, &model.self_ty, handler, dx);
        if dx.count() > before || model.is_broken {
            handler.mend(&model.self_ty);
        }
        true
    });
    model.handlers = handlers;
    aliases(kind, model, dx);
    match (&model.stored, kind) {
        (Some(word), Kind::Table) => stored::table(word, dx),
        (Some(word), _) => stored::block(word, model, dx),
        (None, _) => {}
    }
    if let Some(version) = &model.version
        && kind == Kind::Projector
    {
        dx.error(
            version,
            "only a projector of a table has versions",
            "derive `Projection` and let its `#[event]` methods give rows back, or remove `version`",
        );
    }
    if let Some(word) = model.global_order.as_ref().filter(|_| kind != Kind::Table) {
        dx.error(
            word,
            "`global_order` is for projectors that are tables",
            "remove it: the events of each stream come in order anyway; or write `#[derive(Projection)]` for the struct and methods that return `Self`",
        );
    }
    if let (Some(word), Some(_), Kind::Table) = (&model.global_order, &model.version, kind) {
        dx.error(
            word,
            "a table in global order has no versions yet",
            "remove `version`, and rebuild it in place (`app.group::<T>().rebuild()`); or give the new one a name of its own",
        );
    }
    let repeated = repetitions(model, dx);
    let mut is_first = model
        .handlers
        .iter()
        .map(|handler| !repeated.iter().any(|other| std::ptr::eq(*other, handler)))
        .collect::<Vec<_>>()
        .into_iter();
    model.handlers.retain(|handler| {
        let is_first = is_first.next().unwrap_or(true);
        is_first && (!handler.is_broken || is_used(handler))
    });
}

/// Whether others may need a handler that is broken: those who call it, make its message, or hear of it.
fn is_used(handler: &Handler) -> bool {
    let is_nameless = |parameter: &Parameter| {
        matches!(parameter.kind, ParameterKind::Field(_)) && parameter.name().is_none()
    };
    match handler.role {
        // The compiler passes over what is missing where something was said. Of a field of another name it would speak.
        Role::Event => !handler.parameters.iter().any(is_nameless),
        Role::Command | Role::State => true,
        _ => false,
    }
}

/// An alias is another name.
fn aliases(kind: Kind, model: &Model, dx: &mut Diagnostics) {
    let same = model
        .aliases
        .iter()
        .find(|alias| alias.value() == model.name);
    if let Some(alias) = same {
        let (attribute, name) = (kind.attribute(), &model.name);
        dx.error(
            alias,
            format!("`{attribute}` is named `{name}` anyway: an alias is a name of the past"),
            "remove it, or write the name that the actor had before",
        );
    }
}

/// The struct of a message has a name of its own.
fn taken_name(model: &Model, handler: &mut Handler, dx: &mut Diagnostics) {
    if !handler.is_definition() {
        return;
    }
    let (attribute, name) = (handler.role.attribute(), handler.defines.to_string());
    let generated = [format!("{}Ref", model.ident), model.events.to_string()];
    let (what, help) = if let Some(whose) = names::hides(&name) {
        (
            format!("`{attribute}` would define a struct `{name}`, which would hide {whose}"),
            format!(
                "rename the method, as `{}_{}`; what is stored may keep its name: `#[{}(\"{}\")]`",
                handler.name().unraw(),
                names::snake(&model.ident.unraw().to_string()),
                handler.role.word(),
                model.stored_name(handler),
            ),
        )
    } else if model.ident == name {
        (
            format!("`{attribute}` would define a struct `{name}`, and the actor is called so"),
            "rename the method: a message says what is to happen, or what happened".to_owned(),
        )
    } else if generated.contains(&name) {
        (
            format!(
                "`{attribute}` would define a struct `{name}`, which `#[actor]` defines already"
            ),
            "rename the method".to_owned(),
        )
    } else {
        return;
    };
    dx.error(handler.name(), what, help);
    handler.defines = names::beside(handler.name());
}

fn stored_name(model: &Model, handler: &Handler, dx: &mut Diagnostics) {
    let name = model.stored_name(handler);
    let attribute = handler.role.attribute();
    if handler.message_parameter().is_some() && !handler.stored.is_unnamed() {
        let named = names::spoken(handler.message());
        dx.error(
            &handler.attr.meta,
            format!("`{attribute}` takes `{named}`, whose own definition says how it is stored"),
            format!(
                "write `{attribute}`, and `#[{}(…)]` with these options above `struct {named}`",
                handler.role.word()
            ),
        );
    }
    message::aliases(&attribute, &name, &handler.stored, dx);
    if handler.is_definition() && !names::is_type_name(&name) {
        dx.error(
            handler.name(),
            format!(
                "`{attribute}` would store its message as `{name}`, which is no name of a type"
            ),
            format!(
                "name it with letters of ASCII, digits and `_`, {} bytes at most with its prefix",
                names::MAX_TYPE_NAME
            ),
        );
    }
}

/// Only rows have keys.
fn row_key(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    if let Some(key) = &handler.stored.key
        && kind != Kind::Table
    {
        dx.error(
            key,
            "`key` says which row of a table an event is about, and this block has no table",
            "remove it, or write `#[derive(Projection)]` for the struct and methods that return `Self`",
        );
    }
}

fn role(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    if kind.roles().contains(&handler.role) {
        return;
    }
    let what = match kind {
        Kind::Table => format!(
            "a `#[projector]` whose `#[event]` methods give rows back has no `{}`",
            handler.role.attribute()
        ),
        _ => format!(
            "`{}` has no `{}`",
            kind.attribute(),
            handler.role.attribute()
        ),
    };
    let help = match (kind, handler.role) {
        (Kind::Table, Role::Reaction | Role::On) => {
            "move it to a `#[handler]`, as an `#[on]` method; where it has to see a state, to a `#[projector]` that is of no table".to_owned()
        }
        (Kind::Table, Role::Sync | Role::State) => {
            "remove it: the library reads and writes the rows".to_owned()
        }
        (Kind::Projector | Kind::Stored | Kind::Table | Kind::Handler, Role::Command) => {
            "move it to the `#[actor]` that decides the command".to_owned()
        }
        (Kind::Actor, Role::Sync) => {
            "move it to a `#[projector]`: an actor is stored as its events".to_owned()
        }
        (Kind::Actor, Role::AfterSync) => {
            "write a `#[reaction]`, or an `#[on]` method of a `#[handler]`".to_owned()
        }
        (_, Role::On) => "write `#[reaction]`".to_owned(),
        (Kind::Handler, Role::Reaction) => "write `#[on]`".to_owned(),
        (Kind::Handler, _) => {
            "move it to an `#[actor]` or a `#[projector]`: a handler has no state".to_owned()
        }
        _ => format!("remove `{}`", handler.role.attribute()),
    };
    dx.error(&handler.attr, what, help);
}

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
fn repetitions<'m>(model: &'m Model, dx: &mut Diagnostics) -> Vec<&'m Handler> {
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
        if cfgs.is_empty() && !is_bare(handler) {
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
