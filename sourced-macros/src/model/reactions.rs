//! Which reaction serves which event.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::handler::Handler;
use crate::parse::member::Role;

/// An event and the reaction to it.
pub(crate) struct Reaction<'m> {
    /// The event's type.
    pub(crate) event: TokenStream,
    /// The method.
    pub(crate) handler: &'m Handler,
    /// When it exists: where the method does, and the event.
    pub(crate) cfgs: TokenStream,
}

/// The reactions of these handlers, or what they are called for a handler: `#[on]`. A bare one serves every event that has none of its own, wherever it stands.
pub(crate) fn reactions<'m>(handlers: &[&'m Handler]) -> Vec<Reaction<'m>> {
    let of = |role| {
        handlers
            .iter()
            .copied()
            .filter(move |handler| handler.role == role)
    };
    let mut reactions: Vec<Reaction<'m>> = of(Role::Reaction)
        .chain(of(Role::On))
        .flat_map(named)
        .collect();
    for bare in of(Role::Reaction).filter(|handler| is_bare(handler)) {
        let own: Vec<String> = reactions
            .iter()
            .map(|reaction| key(&reaction.event))
            .collect();
        let events = of(Role::Event).flat_map(|method| {
            let events = method.events().into_iter();
            events.map(move |event| (method, event))
        });
        let rest = events.filter(|(_, event)| !own.contains(&key(event)));
        reactions.extend(rest.map(|(method, event)| {
            let (method_cfgs, event_cfgs) = (bare.cfgs(), method.cfgs());
            Reaction {
                event,
                handler: bare,
                cfgs: quote!(#method_cfgs #event_cfgs),
            }
        }));
    }
    reactions
}

/// Whether it serves all events that are left.
pub(crate) fn is_bare(handler: &Handler) -> bool {
    handler.listed.is_empty() && handler.message_parameter().is_none()
}

fn named(handler: &Handler) -> Vec<Reaction<'_>> {
    let parameter = handler.message_parameter().map(|_| handler.message());
    let listed = handler.listed.iter().map(ToTokens::to_token_stream);
    let reaction = |event| Reaction {
        event,
        handler,
        cfgs: handler.cfgs(),
    };
    parameter.into_iter().chain(listed).map(reaction).collect()
}

/// What two names of the same type have in common, as far as a macro can tell.
pub(crate) fn key(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect()
}
