//! Checks of receivers, return types and the words around `fn`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    GenericArgument, GenericParam, PathArguments, Receiver, ReceiverKind, ReturnType, Safety, Type,
};

use super::{Kind, stored};
use crate::diagnostics::Diagnostics;
use crate::model::handler::Handler;
use crate::parse::member::Role;

/// Everything about a signature but its parameters.
pub(crate) fn check(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    plain(handler, dx);
    match handler.role {
        Role::Command | Role::Reaction | Role::On | Role::Sync | Role::AfterSync => {
            shared_receiver(kind, handler, dx);
        }
        Role::Event if kind == Kind::Table => table_event(handler, dx),
        Role::Event | Role::BeforeEvolve => evolve(handler, dx),
        Role::State if is_load(kind, handler) => stored::load(handler, dx),
        Role::State => state(kind, handler, dx),
    }
    match handler.role {
        Role::Command => {
            named_return(handler, dx);
            emitter_return(handler, dx);
            returns_the_state(handler, dx);
        }
        Role::Sync => sync(handler, dx),
        Role::Reaction | Role::On => named_return(handler, dx),
        Role::AfterSync => after_sync(kind, handler, dx),
        Role::Event | Role::BeforeEvolve | Role::State => {}
    }
}

fn plain(handler: &Handler, dx: &mut Diagnostics) {
    let attribute = handler.role.attribute();
    let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
    if !handler.sig.generics.params.iter().all(is_lifetime) {
        dx.error(
            &handler.sig.generics,
            format!("`{attribute}` methods cannot be generic: a message has one type and one name in storage"),
            "remove the generic parameters, and name concrete types",
        );
    }
    if let Safety::Unsafe(word) = &handler.sig.safety {
        dx.error(
            word,
            format!("`{attribute}` methods cannot be `unsafe`: the runtime calls them"),
            "remove `unsafe`",
        );
    }
}

fn is_shared(receiver: &Receiver) -> bool {
    receiver.mutability.is_none() && matches!(receiver.kind, ReceiverKind::Reference(_, _, None))
}

fn shared_receiver(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    let (attribute, name) = (handler.role.attribute(), handler.name());
    let state = if kind == Kind::Table { "row" } else { "state" };
    let Some(receiver) = &handler.receiver else {
        let (what, help) = (
            format!(
                "`{attribute}` methods are called on the {state}, and `{name}` has no receiver"
            ),
            format!("write `fn {name}(&self, …)`"),
        );
        return dx.error(name, what, help);
    };
    if is_shared(receiver) {
        return;
    }
    let help = match handler.role {
        Role::Command => {
            "write `&self`, return an event, and change the state in the `#[event]` method of that event"
        }
        _ => "write `&self`",
    };
    let what = format!("`{attribute}` methods read the {state} and cannot change or consume it");
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(word)) => dx.error(word, what, help),
        _ => dx.error(receiver, what, help),
    }
}

fn evolve(handler: &Handler, dx: &mut Diagnostics) {
    let (name, attribute) = (handler.name(), handler.role.attribute());
    match &handler.receiver {
        None => dx.error(
            name,
            format!("`{attribute}` methods change the state, and `{name}` has no receiver"),
            format!("write `fn {name}(&mut self, …)`"),
        ),
        Some(receiver) if is_shared(receiver) => dx.error(
            receiver,
            format!("`{attribute}` methods change the state, and cannot through a shared receiver"),
            "write `&mut self`",
        ),
        Some(receiver) if !is_exclusive(receiver) => dx.error(
            receiver,
            format!("`{attribute}` methods change the state, and cannot consume it"),
            "write `&mut self`",
        ),
        Some(_) => {}
    }
    if let Some(word) = &handler.sig.asyncness {
        dx.error(
            word,
            format!("`{attribute}` methods cannot be `async`: a replay must not wait for anything"),
            "remove `async`; what has to wait belongs in a `#[command]` or a `#[reaction]`",
        );
    }
    if let ReturnType::Type(_, ty) = &handler.sig.output
        && !is_unit(ty)
    {
        dx.error(
            ty,
            format!(
                "`{attribute}` methods return nothing: an event has happened and cannot be refused"
            ),
            "remove the return type; what may be refused belongs in a `#[command]`",
        );
    }
}

/// What makes, changes or ends a row.
fn table_event(handler: &Handler, dx: &mut Diagnostics) {
    let name = handler.name();
    if let Some(word) = &handler.sig.asyncness {
        dx.error(
            word,
            "`#[event]` methods cannot be `async`: a replay must not wait for anything",
            "remove `async`; what has to wait belongs in a `#[handler]`",
        );
    }
    let returned = match &handler.sig.output {
        ReturnType::Type(_, ty) if !is_unit(ty) => Some(ty),
        _ => None,
    };
    match &handler.receiver {
        Some(receiver) if handler.takes_row() => dx.error(
            receiver,
            "`#[event]` methods of a table take a row that is there, or one that may be, not both",
            "remove this receiver, or the parameter `Option<Self>`",
        ),
        Some(receiver) if is_shared(receiver) => dx.error(
            receiver,
            "`#[event]` methods of a table make, change or end a row, and cannot through a shared receiver",
            "write `&mut self` to change the row, or `self` to end it",
        ),
        Some(receiver) if is_exclusive(receiver) => {
            if let Some(ty) = returned {
                dx.error(
                    ty,
                    "`#[event]` methods that change a row return nothing",
                    "remove the return type; to end the row take `self`, and return `Delete` or `Option<Self>`",
                );
            }
        }
        Some(receiver) if returned.is_none() => dx.error(
            receiver,
            format!("`#[event]` methods that take a row give it back, and `{name}` returns nothing"),
            "write `&mut self` to change the row, or add `-> Delete` to end it",
        ),
        None if returned.is_none() => dx.error(
            name,
            format!("`#[event]` methods without a receiver make a row, and `{name}` returns none"),
            "add `-> Self`; to change a row that is there take `&mut self`",
        ),
        _ => {}
    }
}

fn is_exclusive(receiver: &Receiver) -> bool {
    receiver.mutability.is_none() && matches!(receiver.kind, ReceiverKind::Reference(_, _, Some(_)))
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Whether it loads what was saved.
pub(super) fn is_load(kind: Kind, handler: &Handler) -> bool {
    kind == Kind::Stored && handler.is_load()
}

fn state(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    let name = handler.name();
    let help = format!("write `fn {name}(id: &StreamId) -> Self`");
    if let Some(receiver) = &handler.receiver {
        dx.error(
            receiver,
            "`#[state]` makes the first state, so there is no `self` yet",
            &help,
        );
    }
    if let Some(word) = &handler.sig.asyncness {
        let help = match kind {
            Kind::Projector => {
                "remove `async`; to load what was saved write `#[projector(stored)]`"
            }
            _ => "remove `async`",
        };
        dx.error(word, "`#[state]` cannot be `async`", help);
    }
    match &handler.sig.output {
        ReturnType::Default => dx.error(name, "`#[state]` returns the first state", help),
        ReturnType::Type(_, ty) if is_unit(ty) => {
            dx.error(ty, "`#[state]` returns the first state", help);
        }
        ReturnType::Type(..) => {}
    }
}

fn named_return(handler: &Handler, dx: &mut Diagnostics) {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return;
    };
    if !matches!(**ty, Type::ImplTrait(_)) {
        return;
    }
    if handler.role == Role::Command {
        dx.error(
            ty,
            "`#[command]` methods name the events that they return",
            "write the type, such as `Vec<ItemAdded>` or `Result<ItemAdded, CartError>`",
        );
    } else {
        dx.error(
            ty,
            format!(
                "`{}` methods name the commands that they return",
                handler.role.attribute()
            ),
            "write the type, such as `SendMail`, `Option<Outgoing<SendMail>>` or `Vec<Outgoing>`",
        );
    }
}

/// A command leads to events, and they to a new state.
fn returns_the_state(handler: &Handler, dx: &mut Diagnostics) {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return;
    };
    if let Some(word) = find_self(ty.to_token_stream()) {
        dx.error(
            word,
            "`#[command]` methods return events, and `Self` is the state",
            "return an event, and change the state in its `#[event]` method",
        );
    }
}

/// The word `Self`, unless something of it is named: `Self::Error`.
fn find_self(tokens: TokenStream) -> Option<TokenTree> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_whole =
            |next: &TokenTree| !matches!(next, TokenTree::Punct(punct) if punct.as_char() == ':');
        match &token {
            TokenTree::Ident(word) if word == "Self" && tokens.peek().is_none_or(is_whole) => {
                return Some(token);
            }
            TokenTree::Group(group) => {
                if let Some(word) = find_self(group.stream()) {
                    return Some(word);
                }
            }
            _ => {}
        }
    }
    None
}

/// What is emitted is the decision; a type under another name is left to the compiler.
fn emitter_return(handler: &Handler, dx: &mut Diagnostics) {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return;
    };
    if !handler.takes_emitter() {
        return;
    }
    let events = match &**ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .and_then(|last| match &last.arguments {
                PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
                    Some(GenericArgument::Type(ok)) if !is_unit(ok) => Some(ok),
                    _ => None,
                },
                _ => None,
            }),
        Type::Tuple(tuple) if !tuple.elems.is_empty() => Some(&**ty),
        _ => None,
    };
    if let Some(events) = events {
        dx.error(
            events,
            "`#[command]` methods with an emitter return no events besides",
            "write `()` here, and emit the events with `emit.event(…)`",
        );
    }
}

fn sync(handler: &Handler, dx: &mut Diagnostics) {
    let name = handler.name();
    if handler.sig.asyncness.is_none() {
        dx.error(
            handler.sig.fn_token,
            "`#[sync]` methods write to the database, and have to be `async`",
            format!("write `async fn {name}(&self, tx: &mut Tx<'_>) -> Result<(), Failure>`"),
        );
    }
    if matches!(handler.sig.output, ReturnType::Default) {
        dx.error(
            name,
            "`#[sync]` methods say whether they succeeded",
            "add `-> Result<(), Failure>`",
        );
    }
}

/// It may say whether it succeeded; what it has to say besides is lost.
fn after_sync(kind: Kind, handler: &Handler, dx: &mut Diagnostics) {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return;
    };
    let is_result = matches!(&**ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"));
    let sends = match kind {
        Kind::Table => "the `#[on]` method of a `#[handler]`",
        _ => "a `#[reaction]`",
    };
    if !is_unit(ty) && !is_result {
        dx.error(
            ty,
            "`#[after_sync]` methods return nothing, or whether they succeeded",
            format!("remove the return type, or write `Result<(), Failure>`; commands are returned by {sends}"),
        );
    }
}
