//! The reference to an actor: a durable method per command.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ReturnType, Type, TypePath};

use super::calls::never;
use crate::model::block::Model;
use crate::model::given::type_arguments;
use crate::model::handler::Handler;
use crate::model::parameter::Field;
use crate::names;

/// `CartRef`
pub(crate) fn name(model: &Model) -> Ident {
    format_ident!("{}Ref", model.ident)
}

/// The reference to this actor.
pub(crate) fn of(model: &Model) -> TokenStream {
    let name = name(model);
    if model.is_generic() {
        quote!(#name<Self>)
    } else {
        name.to_token_stream()
    }
}

/// The struct, and its methods.
///
/// Nobody can tell here whether the actor is public. The struct is, and generic in the actor, so that no signature of
/// it names a type that is more private than itself. So are its methods: what a method cannot return is then said once,
/// where the actor decides.
pub(crate) fn reference(model: &Model, commands: &[&Handler], flow: &[String]) -> TokenStream {
    let private = model.library.private();
    let (name, self_ty, cfgs) = (name(model), &model.self_ty, &model.cfgs);
    let default = (!model.is_generic()).then(|| quote!(= #self_ty));
    let methods = commands.iter().map(|handler| method(model, handler));
    let docs = format!(
        " One `{}` of an app, by its stream: a durable method per command.",
        model.ident
    );
    quote! {
        #(#cfgs)*
        #[doc = #docs]
        #(#[doc = #flow])*
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        pub struct #name<__Actor #default>(#private::ActorRef<__Actor>);
        #(#cfgs)*
        #private::actor_ref!(#name);
        #(#cfgs)*
        #[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        impl<__Actor: #private::Actor> #name<__Actor> {
            #(#methods)*
        }
    }
}

fn method(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let (name, vis, cfgs, command) = (
        handler.name(),
        &handler.vis,
        handler.cfgs(),
        handler.message(),
    );
    let (parameters, value) = match handler.message_parameter() {
        Some(_) => (quote!(command: #command), quote!(command)),
        None => from_fields(model, handler, &command),
    };
    let docs = docs(handler, &command);
    if handler.is_broken {
        let (returned, never) = (as_written(model, handler), never());
        return quote! {
            #cfgs
            #[allow(unused_variables)]
            #vis async fn #name(&self, #parameters) -> #returned { #never }
        };
    }
    // What is no command is said where it is named.
    let there = Span::call_site().located_at(command.span());
    let value = respanned(value, there);
    let decide = quote_spanned!(there=> self.0.decide_now(#value).await);
    let deprecated = handler.deprecated();
    quote! {
        #cfgs
        #docs
        #deprecated
        #vis async fn #name(&self, #parameters) -> ::core::result::Result<
            #private::EventsOf<__Actor, #command>,
            #private::CommandError<#private::RefusalOf<__Actor, #command>>,
        >
        where
            __Actor: #private::Decides<#command>,
        {
            #decide
        }
    }
}

/// `command`, as said at this place.
fn respanned(value: TokenStream, there: Span) -> TokenStream {
    let tokens = value.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(there));
        token
    });
    tokens.collect()
}

/// What a call gives, by the return type as it is written: nobody asks whether it may be returned.
fn as_written(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let this = &model.self_ty;
    let ty = match &handler.sig.output {
        ReturnType::Type(_, ty) => handler.around(this).owned(ty),
        ReturnType::Default => syn::parse_quote!(()),
    };
    let mut arguments = Vec::new();
    if let Type::Path(path) = &ty
        && path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Result")
    {
        arguments.extend(type_arguments(path));
    }
    let (events, refusal) = match arguments[..] {
        [events, Type::Path(error), ..] if !names_failure(error) => {
            let rejected = type_arguments(error).next();
            let refusal =
                rejected.map_or_else(|| error.to_token_stream(), ToTokens::to_token_stream);
            (events.to_token_stream(), refusal)
        }
        [events, ..] => (events.to_token_stream(), quote!(#private::Infallible)),
        [] => (ty.to_token_stream(), quote!(#private::Infallible)),
    };
    quote!(::core::result::Result<#events, #private::CommandError<#refusal>>)
}

fn names_failure(error: &TypePath) -> bool {
    let last = error.path.segments.last();
    last.is_some_and(|last| last.ident == "Failure")
}

fn from_fields(
    model: &Model,
    handler: &Handler,
    command: &TokenStream,
) -> (TokenStream, TokenStream) {
    let mut fields = handler.fields().peekable();
    if fields.peek().is_none() {
        return (TokenStream::new(), command.clone());
    }
    let (parameters, values): (Vec<_>, Vec<_>) =
        fields.map(|field| parameter(model, field)).unzip();
    (quote!(#(#parameters),*), quote!(#command { #(#values),* }))
}

/// A field as a parameter, and as a part of the struct's value.
fn parameter(model: &Model, field: Field<'_>) -> (TokenStream, TokenStream) {
    let (name, ty) = (field.name, field.ty);
    let cfgs = field.cfgs();
    let cfgs = quote!(#(#cfgs)*);
    if field.is_stream {
        let private = model.library.private();
        (
            quote!(#cfgs #name: impl #private::IntoStreamId),
            quote!(#cfgs #name: #private::IntoStreamId::into_stream_id(#name)?),
        )
    } else if field.is_string() {
        (
            quote!(#cfgs #name: impl ::core::convert::Into<#ty>),
            quote!(#cfgs #name: ::core::convert::Into::into(#name)),
        )
    } else {
        (quote!(#cfgs #name: #ty), quote!(#cfgs #name))
    }
}

fn docs(handler: &Handler, command: &TokenStream) -> TokenStream {
    let docs: TokenStream = handler.docs().map(ToTokens::to_token_stream).collect();
    let mut lines = Vec::new();
    if docs.is_empty() {
        lines.push(format!(
            " Decides `{}` here and now.",
            names::spoken(command)
        ));
    }
    if !docs.to_string().contains("# Errors") {
        lines.push(String::new());
        lines.push(" # Errors".to_owned());
        lines.push(" When the command is refused, or cannot be decided or stored.".to_owned());
    }
    quote!(#docs #(#[doc = #lines])*)
}
