//! Checks of a projector that loads its state as it was saved.

use syn::{Ident, ReturnType, Type};

use super::parameters::otherwise;
use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::given::type_arguments;
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};
use crate::names;
use crate::parse::member::Role;

/// The form of what loads.
const LOAD: &str = "(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure>`";

/// What goes together in the block.
pub(super) fn block(stored: &Ident, model: &Model, dx: &mut Diagnostics) {
    let of = |role| model.handlers.iter().filter(move |it| it.role == role);
    if !of(Role::State).any(Handler::is_load) {
        dx.error(
            stored,
            "`stored` loads the state as it was saved, and no `#[state]` does so",
            format!("write `#[state] async fn load{LOAD}"),
        );
    }
    if of(Role::Sync).next().is_none() {
        dx.error(
            stored,
            "`stored` loads the state as it was saved, and no `#[sync]` saves it",
            "write `#[sync] async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure>`",
        );
    }
    let in_transaction = of(Role::State)
        .filter(|it| it.is_load())
        .find_map(Handler::tx_parameter);
    if let (Some(tx), Some(reaction)) = (in_transaction, of(Role::Reaction).next()) {
        dx.error(
            tx,
            format!(
                "`#[state]` loads in the transaction that saves, which comes after `{}`",
                reaction.name()
            ),
            "take a resource in its place: `documents: Res<DocumentReader>`, or `Res<…>` of your own pool",
        );
    }
    for reaction in of(Role::Reaction) {
        let is_history = |it: &&Parameter| matches!(it.meant(), ParameterKind::History);
        if let Some(history) = reaction.parameters.iter().find(is_history) {
            dx.error(
                history,
                "`stored` projectors read no history",
                "remove this parameter, and keep what it is for in the state; or remove `stored`",
            );
        }
    }
}

/// A table keeps its rows by itself.
pub(super) fn table(stored: &Ident, dx: &mut Diagnostics) {
    dx.error(
        stored,
        "`stored` is for projectors that load and save by themselves, and a table's rows are kept by the library",
        "remove `stored`",
    );
}

/// What loads: not its parameters.
pub(super) fn load(handler: &Handler, dx: &mut Diagnostics) {
    let name = handler.name();
    let help = format!("write `async fn {name}{LOAD}");
    if let Some(receiver) = &handler.receiver {
        let what = "`#[state]` loads the state, so there is no `self` yet";
        dx.error(receiver, what, &help);
    }
    let what = "`#[state]` that loads says whether there is something, and whether it succeeded";
    match &handler.sig.output {
        ReturnType::Default => dx.error(name, what, help),
        ReturnType::Type(_, ty) if is_certain(ty) => {
            dx.error(ty, what, "write `Result<Option<Self>, Failure>`");
        }
        ReturnType::Type(..) => {}
    }
}

/// Whether it is plainly no `Result<Option<…>, …>`; a type under another name is left to the compiler.
fn is_certain(ty: &Type) -> bool {
    let last = |ty: &Type| match ty {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    };
    match ty {
        Type::Path(path) if last(ty).as_deref() == Some("Result") => {
            let ok = type_arguments(path).next();
            ok.is_some_and(|ok| last(ok).as_deref() != Some("Option"))
        }
        _ => last(ty).is_none_or(|name| name == "Self" || name == "Option"),
    }
}

/// A parameter of what loads.
pub(super) fn of_load(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    match parameter.meant() {
        ParameterKind::Stream | ParameterKind::Tx => otherwise(handler, parameter, dx),
        ParameterKind::Context if parameter.is_replaying() => dx.error(
            parameter,
            "`#[state]` does not load in a replay, which begins with the first state",
            "remove this parameter",
        ),
        ParameterKind::Context if !parameter.is_principal() => otherwise(handler, parameter, dx),
        _ => dx.error(
            parameter,
            "`#[state]` loads by the stream, through the transaction or what the app provides",
            format!(
                "write `async fn {}{LOAD}, or `Res<…>` in the place of `tx`",
                handler.name()
            ),
        ),
    }
}

/// A parameter of `#[after_sync]`.
pub(super) fn of_after_sync(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    match parameter.meant() {
        ParameterKind::Context if parameter.is_principal() => dx.error(
            parameter,
            "`#[after_sync]` methods follow a batch, whose messages may be on behalf of many",
            "remove this parameter, and take `&Message<…>` in the `#[event]` methods: `message.principal()`",
        ),
        ParameterKind::Context | ParameterKind::Stream => otherwise(handler, parameter, dx),
        ParameterKind::Tx => dx.error(
            parameter,
            "`#[after_sync]` methods come after the transaction",
            "remove this parameter, and write in the `#[sync]` method",
        ),
        ParameterKind::RowChange => dx.error(
            parameter,
            "`#[after_sync]` takes no `RowChange` here: only a table has rows",
            "remove this parameter, or make the block a `#[projector]` of a struct with `#[derive(Projection)]`",
        ),
        _ => dx.error(
            parameter,
            format!("`#[after_sync]` methods cannot take `{}`", names::spoken(&parameter.source.ty)),
            "take `&StreamId`, `Res<…>`, `Now` or `Replaying`; keep what the events say in the state",
        ),
    }
}
