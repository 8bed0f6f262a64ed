//! A table projector: its table of handlers, an impl per event, and what comes after the commit.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ReceiverKind;
use syn::spanned::Spanned;

use super::after_sync;
use super::calls::{call_on, message_name, needs, never};
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::parse::member::Role;

/// Everything beside the user's block. `handlers` are those that are right.
pub(crate) fn table(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let private = model.library.private();
    let (name, cfgs) = (&model.name, &model.cfgs);
    let is_table = model.implements(&quote!(#private::TableProjector));
    let is_registered = model.implements(&quote!(#private::Register));
    let of = |role| {
        let handlers = handlers.iter().copied();
        handlers.filter(move |handler| handler.role == role)
    };
    let events = of(Role::Event).filter(|handler| !handler.is_broken);
    let events = events.map(|handler| {
        let (cfgs, event) = (handler.cfgs(), handler.message());
        quote!(#cfgs handlers.event::<#event>();)
    });
    let needs = of(Role::AfterSync).filter_map(|handler| {
        let (cfgs, needs) = (handler.cfgs(), needs(handler));
        (!needs.is_empty()).then(|| quote!(#cfgs handlers #needs;))
    });
    let after_syncs: Vec<&Handler> = of(Role::AfterSync).collect();
    let after = (!after_syncs.is_empty()).then(|| quote!(handlers.after_sync();));
    let rows: TokenStream = events.chain(needs).chain(after).collect();
    let table = if rows.is_empty() {
        quote!(_handlers)
    } else {
        quote!(handlers)
    };
    let version = model.version.iter();
    let version: TokenStream = version
        .map(|version| quote!(const VERSION: u32 = #version;))
        .collect();
    let order = model
        .global_order
        .as_ref()
        .map(|_| quote!(const ORDER: #private::GroupOrder = #private::GroupOrder::Global;));
    let projects = of(Role::Event).map(|handler| projects(model, handler));
    let after_sync = after_sync::of_table(model, &after_syncs);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #is_table {
            const NAME: &'static str = #name;
            #version
            #order
            fn handlers(#table: &mut #private::TableHandlers<Self>) {
                #rows
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        #is_registered {
            fn reactor() -> #private::Arc<dyn #private::Reactor> {
                #private::TableReactor::<Self>::shared()
            }
        }
        #(#projects)*
        #after_sync
    }
}

fn projects(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let (self_ty, cfgs, event) = (&model.self_ty, handler.cfgs(), handler.message());
    let there = model.library.private_at(event.span());
    let projects = quote_spanned!(event.span()=> #there::Projects<#event>);
    let projects = model.implements(&projects);
    let key = match &handler.stored.key {
        None => quote!(#self_ty! { (message.payload) #event }),
        Some(field) if field.segments.len() == 1 => {
            quote_spanned!(field.span()=> ::core::clone::Clone::clone(&message.payload.#field))
        }
        Some(function) => quote_spanned!(function.span()=> #function(message)),
    };
    let message = message_name(handler);
    let (key, body) = if handler.is_broken {
        (never(), never())
    } else {
        (key, body(model, handler))
    };
    quote! {
        #cfgs
        #[automatically_derived]
        #projects {
            fn key_of(message: &#private::Message<#event>) -> <Self as #private::Row>::Key {
                #key
            }
            fn project(
                row: #private::Option<Self>,
                #message: &#private::Message<#event>,
            ) -> ::core::result::Result<#private::Option<Self>, #private::Misfit> {
                #body
            }
        }
    }
}

/// `changed(row, |row| Self::amended(row, &message.payload))`, by the receiver.
fn body(model: &Model, handler: &Handler) -> TokenStream {
    let row = quote!(row);
    let receiver = handler.receiver.as_ref().map(|receiver| &receiver.kind);
    let (kind, argument, call) = match receiver {
        None if handler.takes_row() => (quote!(either), Some(&row), call_on(model, handler, None)),
        None => (quote!(created), None, call_on(model, handler, None)),
        Some(ReceiverKind::Reference(..)) => (
            quote!(changed),
            Some(&row),
            call_on(model, handler, Some(&row)),
        ),
        Some(_) => (
            quote!(ended),
            Some(&row),
            call_on(model, handler, Some(&row)),
        ),
    };
    // What is wrong with the return type is said there.
    let span = handler.returned_span();
    let there = model.library.private_at(span);
    quote_spanned!(span=> #there::#kind(row, |#argument| #call))
}
