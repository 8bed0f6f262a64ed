//! The enum of an actor's events.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::names;

/// What the enum is called; of an actor whose state is not one type, nothing of it is there.
pub(crate) fn name(model: &Model) -> TokenStream {
    if model.is_generic() {
        let private = model.library.private();
        return quote!(#private::NoEvents);
    }
    model.events.to_token_stream()
}

/// `any_event! { pub enum CartEvent of Cart { ItemAdded(ItemAdded) = "…", } }`
pub(crate) fn events(model: &Model, handlers: &[&Handler]) -> TokenStream {
    if model.is_generic() {
        return TokenStream::new();
    }
    let private = model.library.private();
    let (self_ty, name, cfgs) = (&model.self_ty, &model.events, &model.cfgs);
    let docs = format!(" Any event of `{}`.", model.ident);
    let variants = handlers.iter().map(|handler| {
        let (cfgs, event, variant) = (
            handler.cfgs(),
            handler.message(),
            variant(handler, handlers),
        );
        let docs = format!(" See `{}::{}`.", model.ident, handler.name());
        quote!(#cfgs #variant(#event) = #docs,)
    });
    quote! {
        #(#cfgs)*
        #private::any_event! {
            #[doc = #docs]
            pub enum #name of #self_ty { #(#variants)* }
        }
    }
}

/// The last word of the event's type; all its words where another event ends the same.
fn variant(handler: &Handler, handlers: &[&Handler]) -> Ident {
    let words = words(&handler.message());
    let is_same_type = |other: &&&Handler| self::words(&other.message()) == words;
    let ends_the_same = |other: &&&Handler| self::words(&other.message()).last() == words.last();
    let n_alike = handlers.iter().filter(ends_the_same).count();
    let n_same = handlers.iter().filter(is_same_type).count();
    let name = match words.last() {
        Some(last) if n_alike == n_same => last.unraw().to_string(),
        _ => words
            .iter()
            .map(|word| names::camel(&word.unraw().to_string()))
            .collect(),
    };
    Ident::new(&name, handler.name().span())
}

fn words(path: &TokenStream) -> Vec<Ident> {
    let words = path
        .clone()
        .into_iter()
        .filter_map(|token| syn::parse2::<Ident>(token.to_token_stream()).ok());
    words.collect()
}
