//! An attribute that was forgotten: a method that would define what a command returns.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, ReceiverKind, ReturnType};

use crate::diagnostics::Diagnostics;
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::names;
use crate::parse::member::{Member, Role};

/// Says of a method without an attribute that it is the event which a command returns, and nothing else defines or takes.
pub(super) fn check(model: &Model, members: &[Member], dx: &mut Diagnostics) {
    let of = |role| model.handlers.iter().filter(move |it| it.role == role);
    let mut evolved: Vec<String> = of(Role::Event).map(last_word).collect();
    evolved.push(model.events.to_string());
    for method in members.iter().filter_map(changing) {
        let event = names::message_of(&method);
        let returned = of(Role::Command).find(|command| returns(command, &event));
        if let (Some(command), false) = (returned, evolved.contains(&event.to_string())) {
            dx.error(
                &method,
                format!(
                    "`{}` returns `{event}`, and no `#[event]` method defines it or takes it",
                    command.name()
                ),
                format!("write `#[event]` above `{method}`"),
            );
        }
    }
}

/// The name of a method that has no attribute of ours, and changes the state.
fn changing(member: &Member) -> Option<Ident> {
    if member.is_handler() {
        return None;
    }
    let (_, sig) = member.signature().ok()?;
    match sig.inputs.first()? {
        FnArg::Receiver(this) if matches!(this.kind, ReceiverKind::Reference(_, _, Some(_))) => {
            Some(sig.ident)
        }
        _ => None,
    }
}

fn returns(command: &Handler, event: &Ident) -> bool {
    match &command.sig.output {
        ReturnType::Type(_, ty) => has_word(ty.to_token_stream(), event),
        ReturnType::Default => false,
    }
}

fn has_word(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *word,
        TokenTree::Group(group) => has_word(group.stream(), word),
        _ => false,
    })
}

fn last_word(handler: &Handler) -> String {
    let message = handler.message().into_iter();
    let words = message.filter(|token| matches!(token, TokenTree::Ident(_)));
    words
        .last()
        .map_or_else(String::new, |word| word.to_string())
}
