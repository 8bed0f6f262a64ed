//! An actor: its messages, its table, an impl per handler, and its reference.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{PathArguments, ReturnType, Type};

use super::calls::{allowed, call, cx_name, message_name, needs, never};
use super::{events, flow, message, reference};
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::reactions::{Reaction, is_bare, reactions};
use crate::model::snapshots::Snapshots;
use crate::parse::member::Role;

/// Everything beside the user's block. `handlers` are those that are right.
pub(crate) fn actor(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let of = |role| {
        handlers
            .iter()
            .copied()
            .filter(move |handler| handler.role == role)
    };
    let commands: Vec<_> = of(Role::Command).collect();
    let reactions = reactions(handlers);
    let messages = handlers
        .iter()
        .filter(|handler| handler.is_definition())
        .map(|handler| message::defined_by(model, handler));
    let table = table(model, handlers, &reactions);
    let decides = commands.iter().map(|handler| decides(model, handler));
    let evolves = of(Role::Event).map(|handler| evolves(model, handler, &handler.message()));
    let reacts = reactions.iter().map(|reaction| reacts(model, reaction));
    let events = events::events(model, &of(Role::Event).collect::<Vec<_>>());
    let reference = reference::reference(model, &commands, &flow::table(model, handlers));
    quote!(#(#messages)* #events #table #(#decides)* #(#evolves)* #(#reacts)* #reference)
}

fn table(model: &Model, handlers: &[&Handler], reactions: &[Reaction<'_>]) -> TokenStream {
    let private = model.library.private();
    let (name, cfgs) = (&model.name, &model.cfgs);
    let is_actor = model.implements(&quote!(#private::Actor));
    let is_registered = model.implements(&quote!(#private::Register));
    let events = events::name(model);
    let reference = reference::of(model);
    let initial = initial(model, handlers);
    let group = model
        .aliases
        .last()
        .map(|oldest| quote!(const GROUP: &'static str = #oldest;));
    let rows = right(handlers).filter_map(|handler| {
        let (cfgs, message, needs) = (handler.cfgs(), handler.message(), needs(handler));
        let row = match handler.role {
            Role::Command => quote!(command),
            Role::Event => quote!(event),
            Role::BeforeEvolve => return Some(before_evolve(model, handler)),
            _ => return None,
        };
        Some(quote!(#cfgs table.#row::<#message>() #needs;))
    });
    let rows = rows.chain(reactions.iter().map(reaction_row));
    let rows = rows.chain(snapshots(model));
    let rows = rows.chain([readers(handlers, reactions)]);
    let rows: TokenStream = rows.collect();
    let table = if rows.is_empty() {
        quote!(_table)
    } else {
        quote!(table)
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #is_actor {
            const NAME: &'static str = #name;
            #group
            type Event = #events;
            type Ref = #reference;
            #initial
            fn handlers(#table: &mut #private::Handlers<Self>) {
                #rows
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        #is_registered {
            fn reactor() -> #private::Arc<dyn #private::Reactor> {
                #private::ActorReactor::<Self>::shared()
            }
        }
    }
}

/// The handlers that can be called.
pub(crate) fn right<'h>(handlers: &[&'h Handler]) -> impl Iterator<Item = &'h Handler> + Clone {
    handlers
        .iter()
        .copied()
        .filter(|handler| !handler.is_broken)
}

/// `table.snapshots_every(…)`.
fn snapshots(model: &Model) -> Option<TokenStream> {
    let Snapshots {
        every,
        code,
        version,
    } = model.snapshots.as_ref()?;
    let private = model.library.private();
    let version = version
        .as_ref()
        .map_or(quote!(0), |version| quote!(#version));
    // Whether the state can be stored is asked of the type, so that is said there.
    let span = Span::call_site().located_at(model.self_ty.span());
    let take = quote_spanned!(span=> table.snapshots_every(#every, &FINGERPRINT););
    Some(quote! {
        {
            static FINGERPRINT: #private::Fingerprint = #private::Fingerprint::of_code(#code, #version);
            #take
        }
    })
}

/// `table.reads_history::<Count>();`, of those handlers that a state alone will not do for.
fn readers(handlers: &[&Handler], reactions: &[Reaction<'_>]) -> TokenStream {
    let commands = right(handlers).filter(|handler| handler.role == Role::Command);
    let steps = commands
        .clone()
        .filter(|handler| handler.takes_emitter())
        .map(|handler| (handler.cfgs(), quote!(emits), handler.message()));
    let commands = commands.map(|handler| (handler, handler.cfgs(), handler.message()));
    let reactions = reactions.iter().map(|reaction| {
        (
            reaction.handler,
            reaction.cfgs.clone(),
            reaction.event.clone(),
        )
    });
    let readers = commands
        .chain(reactions)
        .filter(|(handler, ..)| handler.takes_history())
        .map(|(_, cfgs, message)| (cfgs, quote!(reads_history), message));
    let rows = readers
        .chain(steps)
        .map(|(cfgs, row, message)| quote!(#cfgs table.#row::<#message>();));
    rows.collect()
}

/// `table.reaction::<ItemAdded>().needs::<Res<Mailer>>();`
pub(crate) fn reaction_row(reaction: &Reaction<'_>) -> TokenStream {
    let (cfgs, event, needs) = (&reaction.cfgs, &reaction.event, needs(reaction.handler));
    // What is wrong with the event is said where it is named.
    let name = if is_bare(reaction.handler) {
        "rest_reaction"
    } else {
        "reaction"
    };
    let row = Ident::new(name, Span::call_site().located_at(event.span()));
    quote!(#cfgs table.#row::<#event>() #needs;)
}

/// `table.before_evolve(|this, message| this.count(message));`
pub(crate) fn before_evolve(model: &Model, handler: &Handler) -> TokenStream {
    let (cfgs, name) = (handler.cfgs(), handler.name());
    let (message, argument) = match handler.parameters.first() {
        Some(_) => (quote!(message), Some(quote!(message))),
        None => (quote!(_), None),
    };
    let self_ty = &model.self_ty;
    let call = allowed(handler, quote!(Self::#name(this, #argument)));
    quote!(#cfgs table.before_evolve(|this: &mut #self_ty, #message| #call);)
}

/// `fn initial`, by the `#[state]` method or by `Default`.
pub(crate) fn initial(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let private = model.library.private();
    let state = handlers
        .iter()
        .find(|handler| handler.role == Role::State && !handler.is_load());
    let (id, value) = match state {
        Some(handler) if handler.is_broken => (quote!(_id), never()),
        None if model.is_broken => (quote!(_id), never()),
        Some(handler) => {
            let name = handler.name();
            let id = handler.parameters.first().map(|_| quote!(id));
            let used = id.clone().unwrap_or_else(|| quote!(_id));
            let call = quote_spanned!(name.span()=> Self::#name(#id));
            (used, allowed(handler, call))
        }
        None => (
            quote!(_id),
            quote_spanned!(model.self_ty.span()=> <Self as ::core::default::Default>::default()),
        ),
    };
    quote! {
        fn initial(#id: &#private::StreamId) -> Self {
            #value
        }
    }
}

fn decides(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let (cfgs, command) = (handler.cfgs(), handler.message());
    let (message, cx, call) = (
        message_name(handler),
        cx_name([handler]),
        call(model, handler),
    );
    let returned = returned(handler);
    let (returned, message, body) = if handler.is_broken {
        (returned, message, never())
    } else if handler.takes_emitter() {
        // An event in its list that is not the actor's is said there.
        let events = handler.emitter_events();
        let span = events.map_or_else(Span::call_site, Spanned::span);
        let there = model.library.private_at(span);
        let events = events.map(|events| quote!(, #events));
        let stepwise = quote_spanned!(span=> #there::Stepwise<Self, #returned #events>);
        let body = quote! {
            let mut emit = #private::Emitter::working(&message, cx)?;
            let returned = #call;
            ::core::result::Result::Ok(emit.after(returned))
        };
        (stepwise, quote!(message), body)
    } else {
        (returned, message, quote!(::core::result::Result::Ok(#call)))
    };
    let decides = model.implements(&of_message(model, "Decides", &command));
    let may_refuse = may_refuse(model, handler);
    // A private event of a public command is said where it is returned.
    let returned_at = Span::call_site().located_at(handler.returned_span());
    let decision = quote_spanned!(returned_at=> type Decision = #returned;);
    let decide = method(
        model,
        handler,
        "decide",
        &quote!(&self, #message: #private::Message<#command>, #cx: &#private::Context),
        &quote!(Self::Decision),
        &quote!(#may_refuse #body),
    );
    quote! {
        #cfgs
        #[automatically_derived]
        #decides {
            #decision
            #decide
        }
    }
}

/// Asks whether the error may be a refusal; what is wrong is said where the error is written.
fn may_refuse(model: &Model, handler: &Handler) -> Option<TokenStream> {
    let ReturnType::Type(_, ty) = &handler.sig.output else {
        return None;
    };
    if handler.is_broken {
        return None;
    }
    let Type::Path(path) = &**ty else {
        return None;
    };
    let error = match path.path.segments.last().map(|last| &last.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => arguments.args.last(),
        _ => None,
    };
    let span = error.map_or_else(|| ty.span(), Spanned::span);
    let (private, there) = (model.library.private(), model.library.private_at(span));
    let asked = quote_spanned!(span=> #there::Returned::<#ty>::may_refuse());
    Some(quote! {
        use #private::MayRefuse as _;
        #asked;
    })
}

/// The return type, as it is written or left out.
fn returned(handler: &Handler) -> TokenStream {
    match &handler.sig.output {
        _ if handler.is_broken => quote!(()),
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    }
}

/// `impl Evolves`, of an actor or a projector.
pub(crate) fn evolves(model: &Model, handler: &Handler, event: &TokenStream) -> TokenStream {
    let private = model.library.private();
    let cfgs = handler.cfgs();
    let (message, call) = (message_name(handler), call(model, handler));
    let call = if handler.is_broken { never() } else { call };
    let evolves = model.implements(&of_message(model, "Evolves", event));
    quote! {
        #cfgs
        #[automatically_derived]
        #evolves {
            fn evolve(&mut self, #message: #private::Message<#event>) {
                #call;
            }
        }
    }
}

/// `impl Reacts`, of whatever reacts.
pub(crate) fn reacts(model: &Model, reaction: &Reaction<'_>) -> TokenStream {
    let private = model.library.private();
    let Reaction {
        event,
        handler,
        cfgs,
    } = reaction;
    let (message, cx, call) = (
        message_name(handler),
        cx_name([*handler]),
        call(model, handler),
    );
    // What is wrong with the return type is said there, and in the same words twice, which the compiler shows once.
    let ty = returned(handler);
    let span = handler.returned_span();
    let there = model.library.private_at(span);
    let into_dispatch = quote_spanned!(span=> <#ty as #there::IntoDispatch>::into_dispatch);
    let produces = quote_spanned!(span=> <#ty as #there::IntoDispatch>::produces);
    let reacts = model.implements(&of_message(model, "Reacts", event));
    let react = method(
        model,
        handler,
        "react",
        &quote!(&self, #message: #private::Message<#event>, #cx: &#private::Context),
        &quote!(#private::Dispatched),
        &quote! {
            let returned = #call;
            let mut dispatched = #private::Dispatched::new();
            #into_dispatch(returned, &mut dispatched)?;
            ::core::result::Result::Ok(dispatched)
        },
    );
    quote! {
        #cfgs
        #[automatically_derived]
        #reacts {
            #react
            fn produces(out: &mut #private::Produces) {
                #produces(out);
            }
        }
    }
}

/// `Decides<AddItem>`, at the place where the user names the message.
fn of_message(model: &Model, name: &str, message: &TokenStream) -> TokenStream {
    let span = message.span();
    let private = model.library.private_at(span);
    let name = Ident::new(name, span);
    quote_spanned!(span=> #private::#name<#message>)
}

/// `decide(…)` or `react(…)` with this body, which gives a `Result` of this. What makes its future not `Send` is said at the
/// method.
///
/// What does not wait is no `async fn`: its future holds nothing but what came out, and costs the compiler less.
fn method(
    model: &Model,
    handler: &Handler,
    name: &str,
    parameters: &TokenStream,
    ok: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let span = handler.name().span();
    let private = model.library.private_at(span);
    let name = Ident::new(name, Span::call_site());
    let result = quote_spanned!(span=> ::core::result::Result<#ok, #private::Failure>);
    if handler.waits() {
        let async_fn = quote_spanned!(span=> async fn);
        return quote!(#async_fn #name(#parameters) -> #result { #body });
    }
    let future = quote_spanned!(span=> impl #private::Future<Output = #result> + #private::Send);
    let private = model.library.private();
    quote!(fn #name(#parameters) -> #future { #private::at_once(move || { #body }) })
}
