//! What comes after the commit: the methods of a projector, or of each row of a table, in order.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ReturnType, Type};

use super::calls::call_of_batch;
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::parameter::Parameter;

/// `impl AfterSync`.
pub(crate) fn of_projector(model: &Model, handlers: &[&Handler]) -> Option<TokenStream> {
    let calls = handlers
        .iter()
        .map(|handler| called(model, handler, &unless_replaying(handler)));
    implemented(model, &quote!(AfterSync), None, calls)
}

/// `impl AfterRow`. Rows that ended are for those who ask what has become of a row.
pub(crate) fn of_table(model: &Model, handlers: &[&Handler]) -> Option<TokenStream> {
    let private = model.library.private();
    let calls = handlers.iter().map(|handler| {
        let mut unless = unless_replaying(handler);
        if !handler.parameters.iter().any(Parameter::is_row_change) {
            unless.push(quote!(!change.is_deleted()));
        }
        called(model, handler, &unless)
    });
    let change = quote!(change: #private::RowChange,);
    implemented(model, &quote!(AfterRow), Some(&change), calls)
}

fn unless_replaying(handler: &Handler) -> Vec<TokenStream> {
    if handler.parameters.iter().any(Parameter::is_replaying) {
        Vec::new()
    } else {
        vec![quote!(!cx.is_replaying())]
    }
}

/// `if !cx.is_replaying() { Self::announce(self).await?; }`
fn called(model: &Model, handler: &Handler, when: &[TokenStream]) -> TokenStream {
    let (cfgs, call) = (handler.cfgs(), call_of_batch(model, handler));
    let or_fail = match &handler.sig.output {
        ReturnType::Type(_, ty) if !is_unit(ty) => {
            Some(quote_spanned!(handler.returned_span()=> ?))
        }
        _ => None,
    };
    let when = (!when.is_empty()).then(|| quote!(if #(#when)&&*));
    quote!(#cfgs #when { #call #or_fail; })
}

fn implemented(
    model: &Model,
    name: &TokenStream,
    change: Option<&TokenStream>,
    calls: impl ExactSizeIterator<Item = TokenStream>,
) -> Option<TokenStream> {
    let private = model.library.private();
    let (self_ty, cfgs) = (&model.self_ty, &model.cfgs);
    if calls.len() == 0 {
        return None;
    }
    Some(quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #private::#name for #self_ty {
            async fn after_sync(
                &self,
                #change
                cx: &#private::Context,
            ) -> ::core::result::Result<(), #private::Failure> {
                #(#calls)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
