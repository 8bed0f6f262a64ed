//! Checks of a block as a whole.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, Type};

use super::{forgotten, naming, parameters, purity, repeated, signature, stored};
use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::fields::{self, Unfit};
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};
use crate::names;
use crate::parse::block::{Block, Head};
use crate::parse::item::Item;
use crate::parse::member::{Member, Role};

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
pub(crate) fn model(kind: Kind, model: &mut Model, members: &[Member], dx: &mut Diagnostics) {
    let mut handlers = std::mem::take(&mut model.handlers);
    handlers.retain_mut(|handler| {
        let before = dx.count();
        role(kind, handler, dx);
        if dx.count() > before {
            return false;
        }
        if kind == Kind::Actor {
            naming::of_struct(model, handler, dx);
        }
        naming::of_stored(model, handler, dx);
        row_key(kind, handler, dx);
        signature::check(kind, handler, dx);
        parameters::check(kind, model, handler, dx);
        purity::check(handler, dx);
        if dx.count() > before || model.is_broken {
            handler.mend(&model.self_ty);
        }
        true
    });
    model.handlers = handlers;
    if kind == Kind::Actor {
        forgotten::check(model, members, dx);
    }
    naming::aliases(kind, model, dx);
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
    let repeated = repeated::check(model, dx);
    let mut is_first = model
        .handlers
        .iter()
        .map(|handler| !repeated.iter().any(|other| std::ptr::eq(*other, handler)))
        .collect::<Vec<_>>()
        .into_iter();
    model.handlers.retain(|handler| {
        let is_first = is_first.next().unwrap_or(true);
        is_first && (!handler.is_broken || is_used(handler, &model.events))
    });
}

/// Whether others may need a handler that is broken: those who call it, make its message, or hear of it.
fn is_used(handler: &Handler, events: &Ident) -> bool {
    let is_nameless = |parameter: &Parameter| {
        matches!(parameter.kind, ParameterKind::Field(_)) && parameter.name().is_none()
    };
    let is_of_events = *events == handler.message().to_string();
    match handler.role {
        Role::Event | Role::Command if is_of_events => false,
        // The compiler passes over what is missing where something was said. Of a field of another name it would speak.
        Role::Event => !handler.parameters.iter().any(is_nameless),
        Role::Command | Role::State => true,
        _ => false,
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
