//! Checks of what handlers take.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, Meta, Type, TypePath};

use super::signature::is_load;
use super::{Kind, message, row, stored};
use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::fields;
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};
use crate::names;
use crate::parse::member::Role;

/// Every parameter, and how they go together.
pub(crate) fn check(kind: Kind, model: &Model, handler: &Handler, dx: &mut Diagnostics) {
    for parameter in &handler.parameters {
        derived(handler, parameter, dx);
        match handler.role {
            Role::Command | Role::Event => of_message(kind, model, handler, parameter, dx),
            Role::Reaction | Role::On => of_reaction(handler, parameter, dx),
            Role::BeforeEvolve => of_before_evolve(handler, parameter, dx),
            Role::State if is_load(kind, handler) => stored::of_load(handler, parameter, dx),
            // That it is `async` is enough to say.
            Role::State if handler.is_load() => {}
            Role::State => of_state(handler, parameter, dx),
            Role::Sync => of_sync(handler, parameter, dx),
            Role::AfterSync if kind == Kind::Table => row::of_after_sync(handler, parameter, dx),
            Role::AfterSync => stored::of_after_sync(handler, parameter, dx),
        }
    }
    one_message(handler, dx);
    if handler.role == Role::Event {
        listed_events(kind, handler, dx);
    }
    if matches!(handler.role, Role::Reaction | Role::On) {
        listed_one(handler, dx);
    }
    if handler.role == Role::On && names_no_event(handler) {
        dx.error(
            &handler.attr,
            "`#[on]` says which events it is for, by a parameter or a list",
            "write `event: &Message<ItemAdded>` as a parameter, or `#[on(ItemAdded, ItemRemoved)]`",
        );
    }
    if handler.role == Role::Sync && handler.tx_parameter().is_none() {
        dx.error(
            handler.name(),
            "`#[sync]` methods save through the transaction, and this one does not take it",
            format!(
                "write `async fn {}(&self, tx: &mut Tx<'_>) -> Result<(), Failure>`",
                handler.name()
            ),
        );
    }
    if defines_elsewhere(kind, handler) {
        projector_defines(kind, handler, dx);
    }
}

/// A stream that follows from the message is said by an expression, and is another actor's.
fn derived(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    let Some(attr) = parameter.stream_attr() else {
        return;
    };
    let stream = match &parameter.kind {
        ParameterKind::Derived { stream } => stream.clone(),
        _ => TokenStream::new(),
    };
    if !parameter.is_other() {
        let name = parameter
            .name()
            .map_or_else(|| "other".to_owned(), ToString::to_string);
        return dx.error(
            attr,
            "`#[stream(…)]` says which stream another actor has, and this parameter is none",
            format!("write `#[stream(…)] {name}: Other<…>`, or remove the attribute"),
        );
    }
    if handler.role == Role::Command && syn::parse2::<Expr>(stream).is_err() {
        dx.error(
            attr,
            "`#[stream(…)]` takes one expression, which gives the name of the stream",
            "write `#[stream(format!(\"name-{name}\"))]`, with the fields of the command and `self`",
        );
    }
}

/// Whether it would define an event where none is defined.
fn defines_elsewhere(kind: Kind, handler: &Handler) -> bool {
    let is_projector = matches!(kind, Kind::Projector | Kind::Stored | Kind::Table);
    is_projector && handler.role == Role::Event && handler.is_definition()
}

/// Whether nothing in it was meant to name one.
fn names_no_event(handler: &Handler) -> bool {
    let is_from_outside = |parameter: &Parameter| {
        matches!(
            parameter.meant(),
            ParameterKind::Context | ParameterKind::Stream | ParameterKind::History
        )
    };
    matches!(handler.attr.meta, Meta::Path(_)) && handler.parameters.iter().all(is_from_outside)
}

/// What is for several events takes them as one type, or not at all.
fn listed_events(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    let Some(first) = handler.listed.first() else {
        return;
    };
    if !matches!(kind, Kind::Projector | Kind::Stored) {
        return dx.error(
            first,
            "`#[event]` lists events in a `#[projector]` that is of no table",
            format!(
                "write a method for each: `fn …(&mut self, event: &{})`",
                names::spoken(first)
            ),
        );
    }
    let is_field = |parameter: &&Parameter| parameter.field().is_some();
    if let Some(parameter) = handler.parameters.iter().find(is_field) {
        dx.error(
            parameter,
            "`#[event]` methods for several events take them by reference: they were defined elsewhere",
            ONE_TYPE,
        );
    }
    listed_one(handler, dx);
}

const ONE_TYPE: &str = "take one type that has `From` for each of them, such as the enum of an actor: `event: &Message<CartEvent>`; or write a method for each";

/// A parameter that is one of several events.
fn listed_one(handler: &Handler, dx: &mut Diagnostics) {
    let Some(parameter) = handler.message_parameter() else {
        return;
    };
    let attribute = handler.role.attribute();
    match &handler.listed[..] {
        [] => {}
        [_] => dx.error(
            parameter,
            format!("`{attribute}` names its event by the list or by the parameter, not both"),
            format!("remove this parameter, or write `{attribute}` without a list"),
        ),
        _ => dx.error(
            parameter,
            format!("`{attribute}` is for several events, and this parameter for one of them"),
            ONE_TYPE,
        ),
    }
}

fn of_message(
    kind: Kind,
    model: &Model,
    handler: &Handler,
    parameter: &Parameter,
    dx: &mut Diagnostics,
) {
    let attribute = handler.role.attribute();
    let ty = &parameter.source.ty;
    match parameter.meant() {
        // That it defines an event is enough to say.
        ParameterKind::Field(_) | ParameterKind::Unnamed | ParameterKind::Borrowed
            if defines_elsewhere(kind, handler) => {}
        ParameterKind::Field(_) => {
            if let (Some(message), false) = (handler.message_parameter(), ty_is_message(parameter)) {
                let named = names::spoken(&message.source.ty);
                dx.error(
                    parameter,
                    format!("`{attribute}` takes either `{named}` or the fields of a message, not both"),
                    "remove this parameter, or the message; for a resource write `Res<…>`",
                );
            } else {
                unfit(&model.self_ty, handler, parameter, dx);
            }
        }
        ParameterKind::Message(path) if kind == Kind::Actor && path.path.is_ident(&model.events) => {
            all_events(model, handler, ty, dx);
        }
        ParameterKind::Envelope(Type::Path(path))
            if kind == Kind::Actor && path.path.is_ident(&model.events) =>
        {
            all_events(model, handler, ty, dx);
        }
        ParameterKind::Row if kind != Kind::Table => dx.error(
            parameter,
            format!("`{attribute}` takes no row: only the `#[event]` methods of a table do"),
            "remove this parameter, or make the block a `#[projector]` of a struct with `#[derive(Projection)]`",
        ),
        ParameterKind::Unnamed => dx.error(
            &parameter.source.pat,
            format!("`{attribute}` makes a field of this parameter, which needs a name"),
            "write `name: Type`",
        ),
        ParameterKind::Emitter { .. } if handler.role == Role::Event => emitter(handler, parameter, dx),
        ParameterKind::Context
        | ParameterKind::Stream
        | ParameterKind::History
        | ParameterKind::Other(_)
        | ParameterKind::Derived { .. }
            if handler.role == Role::Event => dx.error(
            parameter,
            "`#[event]` methods get nothing from outside: a replay must always come out the same",
            "remove this parameter, and put what it says into the event; for id, seq and time take `&Message<…>`",
        ),
        ParameterKind::Tx => dx.error(
            ty,
            format!("`{attribute}` methods do not write to the database"),
            "remove this parameter; a `#[projector]` saves in its `#[sync]` method",
        ),
        ParameterKind::Borrowed => unfit(&model.self_ty, handler, parameter, dx),
        _ => otherwise(handler, parameter, dx),
    }
}

/// What is there to be taken, in another way.
pub(super) fn otherwise(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    let ParameterKind::Otherwise { write, meant } = &parameter.kind else {
        return;
    };
    let attribute = handler.role.attribute();
    let what = match **meant {
        ParameterKind::Message(_) | ParameterKind::Envelope(_) => {
            format!("`{attribute}` takes a message that is defined elsewhere by reference")
        }
        ParameterKind::Context if write.starts_with("Res<") => {
            format!("`{attribute}` takes a resource of the app as `Res<…>`")
        }
        _ => format!("`{attribute}` takes this parameter in another way"),
    };
    dx.error(&parameter.source.ty, what, format!("write `{write}`"));
}

/// What no message can hold.
fn unfit(this: &TypePath, handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    let ty = &parameter.source.ty;
    let Some((at, why)) = fields::unfit(&ty.to_token_stream()) else {
        return;
    };
    let is_whole = matches!(parameter.kind, ParameterKind::Borrowed);
    let at = if is_whole { ty.to_token_stream() } else { at };
    let meant = names::spoken(handler.around(this).owned(ty));
    let whose = format!(
        "`{}` stores this parameter as a field",
        handler.role.attribute()
    );
    message::unfit(&whose, (at, why), &meant, dx);
}

/// The enum of the block is no message.
fn all_events(model: &Model, handler: &Handler, ty: &Type, dx: &mut Diagnostics) {
    let help = match handler.role {
        Role::Command => "take a command; what comes after an event is done by a `#[reaction]`",
        _ => {
            "write a method for each of them; what they have in common goes into a `#[before_evolve]`"
        }
    };
    let (attribute, events) = (handler.role.attribute(), &model.events);
    let what = format!(
        "`{attribute}` is for one message, and `{events}` is any event of `{}`",
        model.ident
    );
    dx.error(ty, what, help);
}

fn emitter(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    let attribute = handler.role.attribute();
    dx.error(
        parameter,
        format!("`{attribute}` methods emit no events: only a `#[command]` decides what happens"),
        "remove this parameter",
    );
}

fn of_before_evolve(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    if !parameter.is_stored_message() {
        dx.error(
            parameter,
            "`#[before_evolve]` comes before every event, and sees it as it is stored",
            format!(
                "write `fn {}(&mut self, event: &StoredMessage)`",
                handler.name()
            ),
        );
    }
}

fn ty_is_message(parameter: &Parameter) -> bool {
    parameter.message().is_some()
}

/// Said once, at the first field.
fn projector_defines(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    let what =
        "`#[event]` of a `#[projector]` takes the event by reference: it was defined elsewhere";
    let event = &handler.defines;
    let receiver = match &handler.receiver {
        Some(receiver) => format!("{}, ", names::spoken(receiver)),
        None if handler.takes_row() => "row: Option<Self>, ".to_owned(),
        None if kind == Kind::Table => String::new(),
        None => "&mut self, ".to_owned(),
    };
    let help = format!("write `fn {}({receiver}event: &{event})`", handler.name());
    let is_field = |parameter: &&Parameter| !matches!(parameter.meant(), ParameterKind::Row);
    match handler.parameters.iter().find(is_field) {
        Some(field) => dx.error(field, what, help),
        None => dx.error(handler.name(), what, help),
    }
}

fn of_reaction(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    let ty = &parameter.source.ty;
    let attribute = handler.role.attribute();
    match parameter.meant() {
        ParameterKind::Emitter { .. } => emitter(handler, parameter, dx),
        ParameterKind::Other(_) | ParameterKind::Derived { .. } => dx.error(
            parameter,
            format!("`{attribute}` methods see their own stream only"),
            "remove this parameter, and dispatch a command with `.to(stream)` to the other one",
        ),
        ParameterKind::Field(_) | ParameterKind::Unnamed => dx.error(
            ty,
            format!("`{attribute}` methods take the event by reference"),
            format!(
                "write `&{0}` for an event, `Res<{0}>` for a resource",
                names::spoken(ty)
            ),
        ),
        ParameterKind::Borrowed => dx.error(
            ty,
            format!("`{attribute}` methods take an event, and this is none"),
            "write `&ItemAdded`, the type of an event",
        ),
        ParameterKind::Tx => dx.error(
            ty,
            format!("`{attribute}` methods do not write to the database"),
            "remove this parameter; a `#[projector]` saves in its `#[sync]` method",
        ),
        _ => otherwise(handler, parameter, dx),
    }
}

fn of_state(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    if !matches!(parameter.kind, ParameterKind::Stream) {
        dx.error(
            parameter,
            "`#[state]` knows only the stream",
            format!("write `fn {}(id: &StreamId) -> Self`", handler.name()),
        );
    }
}

fn of_sync(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    match parameter.meant() {
        ParameterKind::Context if parameter.is_principal() => dx.error(
            parameter,
            "`#[sync]` methods save a batch, whose messages may be on behalf of many",
            "remove this parameter, and take `&Message<…>` in the `#[event]` methods: `message.principal()`",
        ),
        ParameterKind::Tx | ParameterKind::Context | ParameterKind::Stream => {
            otherwise(handler, parameter, dx);
        }
        _ => dx.error(
            parameter,
            "`#[sync]` methods take the transaction and what the app provides",
            "write `tx: &mut Tx<'_>`, or `Res<…>` for a resource; keep what the events say in the state",
        ),
    }
}

fn one_message(handler: &Handler, dx: &mut Diagnostics) {
    let messages = handler
        .parameters
        .iter()
        .filter(|parameter| ty_is_message(parameter));
    for second in messages.skip(1) {
        let help = match handler.role {
            Role::Reaction | Role::On => format!(
                "write `#[{}(A, B)]` to serve several, without an event parameter or with one that has `From` for each",
                handler.role.word()
            ),
            _ => {
                "remove this parameter, and write a second method for the other message".to_owned()
            }
        };
        dx.error(
            second,
            format!("`{}` methods are for one message", handler.role.attribute()),
            help,
        );
    }
}
