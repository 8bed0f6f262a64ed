//! The calls of handlers, and what their parameters are filled with.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};

/// `Self::add_item(self, message.payload.product_id, cx.get()?)`
pub(crate) fn call(model: &Model, handler: &Handler) -> TokenStream {
    let this = quote!(self);
    call_on(model, handler, handler.receiver.as_ref().map(|_| &this))
}

/// The same, of something else than `self`.
pub(crate) fn call_on(
    model: &Model,
    handler: &Handler,
    receiver: Option<&TokenStream>,
) -> TokenStream {
    let arguments = handler
        .parameters
        .iter()
        .map(|parameter| argument(model, parameter));
    call_with(model, handler, receiver, arguments)
}

/// `Self::save(self, cx.stream_id(), tx).await`, of what is about a batch and no message of it.
pub(crate) fn call_of_batch(model: &Model, handler: &Handler) -> TokenStream {
    let arguments = handler.parameters.iter().map(|parameter| {
        let cfgs = parameter.cfgs();
        match parameter.kind {
            ParameterKind::Stream => quote!(#(#cfgs)* cx.stream_id()),
            _ => argument(model, parameter),
        }
    });
    let this = quote!(self);
    call_with(
        model,
        handler,
        handler.receiver.as_ref().map(|_| &this),
        arguments,
    )
}

/// The name of the parameter `cx`, as [`cx_name`], of calls that are about a batch.
pub(crate) fn cx_name_of_batch(handlers: &[&Handler]) -> TokenStream {
    let is_stream = |parameter: &Parameter| matches!(parameter.kind, ParameterKind::Stream);
    let mut parameters = handlers.iter().flat_map(|handler| &handler.parameters);
    if parameters.any(is_stream) {
        quote!(cx)
    } else {
        cx_name(handlers.iter().copied())
    }
}

fn call_with(
    model: &Model,
    handler: &Handler,
    receiver: Option<&TokenStream>,
    arguments: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let name = handler.name();
    let receiver = receiver.map(|receiver| quote!(#receiver,));
    let arguments: Vec<TokenStream> = arguments.collect();
    let streams = handler
        .parameters
        .iter()
        .filter_map(|parameter| derived(model, handler, parameter));
    let streams: TokenStream = streams.collect();
    let call = quote_spanned!(name.span()=> Self::#name(#receiver #(#arguments),*));
    let call = match &handler.sig.asyncness {
        Some(word) => {
            let dot_await = quote_spanned!(word.span()=> .await);
            quote!(#call #dot_await)
        }
        None => call,
    };
    let call = allowed(handler, call);
    if streams.is_empty() {
        return call;
    }
    quote!({ #streams #call })
}

/// `let stream_of_holder = …;`, before a field goes into the call.
fn derived(model: &Model, handler: &Handler, parameter: &Parameter) -> Option<TokenStream> {
    let ParameterKind::Derived { stream } = &parameter.kind else {
        return None;
    };
    let cfgs = parameter.cfgs();
    let fields = handler.parameters.iter().filter_map(borrowed);
    let (local, private) = (
        stream_of(parameter),
        model.library.private_at(stream.span()),
    );
    let named = quote_spanned!(stream.span()=> #private::IntoStreamId::into_stream_id(#stream));
    Some(quote! {
        #(#cfgs)*
        let #local = { #(#fields)* #named };
    })
}

/// `let name = &message.payload.name;`, for what gives the name of a stream.
fn borrowed(parameter: &Parameter) -> Option<TokenStream> {
    let (name, cfgs) = (parameter.name()?, parameter.cfgs());
    let value = match &parameter.kind {
        ParameterKind::Field(field) | ParameterKind::Other(field) => {
            quote!(&message.payload.#field)
        }
        ParameterKind::Message(_) => quote!(&message.payload),
        ParameterKind::Envelope(_) => quote!(&message),
        _ => return None,
    };
    Some(quote! {
        #(#cfgs)*
        #[allow(unused_variables)]
        let #name = #value;
    })
}

/// A local of ours: no name of the user's is the same.
fn stream_of(parameter: &Parameter) -> Ident {
    let name = parameter
        .name()
        .map_or_else(String::new, ToString::to_string);
    Ident::new(&format!("stream_of_{name}"), Span::mixed_site())
}

fn argument(model: &Model, parameter: &Parameter) -> TokenStream {
    let cfgs = parameter.cfgs();
    let value = match &parameter.kind {
        ParameterKind::Field(name) => quote!(message.payload.#name),
        ParameterKind::Other(name) => {
            let private = model.library.private();
            let stream = quote!(::core::clone::Clone::clone(&message.payload.#name));
            quote!(#private::Other::load(::core::result::Result::Ok(#stream), &message.stream_id, cx).await?)
        }
        ParameterKind::Derived { .. } => {
            let (private, stream) = (model.library.private(), stream_of(parameter));
            quote!(#private::Other::load(#stream, &message.stream_id, cx).await?)
        }
        ParameterKind::History => quote!(cx.history()),
        ParameterKind::Emitter { .. } => quote!(&mut emit),
        ParameterKind::AnyEvent { ty, enveloped } => {
            let span = ty.span();
            let there = model.library.private_at(span);
            let made_of = quote_spanned!(span=> <#ty as #there::MadeOf<_>>::made_of);
            if *enveloped {
                // What is wrong is said at the type, and in the same words twice, which the compiler shows once.
                let map = quote_spanned!(span=> .map(#made_of));
                quote!(&::core::clone::Clone::clone(&message) #map)
            } else {
                quote!(&#made_of(::core::clone::Clone::clone(&message.payload)))
            }
        }
        ParameterKind::Context | ParameterKind::Unnamed | ParameterKind::Otherwise { .. } => {
            // Locals keep the span of the macro: a handler may come out of a `macro_rules` macro, with locals of its own.
            let cx = quote!(cx);
            quote_spanned!(parameter.source.ty.span()=> #cx.get()?)
        }
        ParameterKind::Stream => quote!(&message.stream_id),
        ParameterKind::Tx => quote!(tx),
        ParameterKind::Row => quote!(row),
        ParameterKind::RowChange => quote!(change),
        ParameterKind::Message(_) | ParameterKind::Borrowed => quote!(&message.payload),
        ParameterKind::Envelope(_) => quote!(&message),
    };
    quote!(#(#cfgs)* #value)
}

/// A call of a method that people had better not call any longer is none of theirs.
pub(crate) fn allowed(handler: &Handler, call: TokenStream) -> TokenStream {
    if handler.deprecated().is_none() {
        return call;
    }
    quote!({ #[allow(deprecated)] let called = #call; called })
}

/// In the place of a call that cannot be made: what is wrong was said, and nobody comes here.
pub(crate) fn never() -> TokenStream {
    quote!(::core::unreachable!())
}

/// The name of the parameter `message`, as an unused one when the call does not use it.
pub(crate) fn message_name(handler: &Handler) -> TokenStream {
    let is_outer = |parameter: &Parameter| {
        matches!(
            parameter.kind,
            ParameterKind::Context
                | ParameterKind::History
                | ParameterKind::Tx
                | ParameterKind::Row
        )
    };
    if handler.is_broken || handler.parameters.iter().all(is_outer) {
        quote!(_message)
    } else {
        quote!(message)
    }
}

/// The name of the parameter `cx`, as an unused one when the calls do not use it.
pub(crate) fn cx_name<'h>(handlers: impl IntoIterator<Item = &'h Handler>) -> TokenStream {
    let mut handlers = handlers.into_iter();
    let uses_cx = |parameter: &Parameter| {
        matches!(
            parameter.kind,
            ParameterKind::Context
                | ParameterKind::History
                | ParameterKind::Emitter { .. }
                | ParameterKind::Other(_)
                | ParameterKind::Derived { .. }
        )
    };
    if handlers.any(|handler| !handler.is_broken && handler.parameters.iter().any(uses_cx)) {
        quote!(cx)
    } else {
        quote!(_cx)
    }
}

/// `.needs::<Res<Mailer>>()` for everything a handler asks for.
pub(crate) fn needs(handler: &Handler) -> TokenStream {
    context_types(handler)
        .map(|ty| quote!(.needs::<#ty>()))
        .collect()
}

fn context_types(handler: &Handler) -> impl Iterator<Item = &dyn ToTokens> {
    let contexts = handler
        .parameters
        .iter()
        .filter(|parameter| matches!(parameter.kind, ParameterKind::Context));
    contexts.map(|parameter| &parameter.source.ty as &dyn ToTokens)
}
