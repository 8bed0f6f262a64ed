//! A handler: its table, and an impl per event.

use proc_macro2::TokenStream;
use quote::quote;

use super::actor::{initial, reaction_row, reacts};
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::parameter::ParameterKind;
use crate::model::reactions::reactions;

/// Everything beside the user's block. `handlers` are those that are right.
pub(crate) fn handler(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let private = model.library.private();
    let (name, cfgs) = (&model.name, &model.cfgs);
    let is_handler = model.implements(&quote!(#private::Handler));
    let is_registered = model.implements(&quote!(#private::Register));
    let initial = initial(model, handlers);
    let reactions = reactions(handlers);
    let mut parameters = handlers.iter().flat_map(|handler| &handler.parameters);
    let history = parameters
        .any(|parameter| matches!(parameter.kind, ParameterKind::History))
        .then(|| quote!(table.reads_history();));
    let rows: TokenStream = reactions.iter().map(reaction_row).chain(history).collect();
    let table = if rows.is_empty() {
        quote!(_table)
    } else {
        quote!(table)
    };
    let reacts = reactions.iter().map(|reaction| reacts(model, reaction));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #is_handler {
            const NAME: &'static str = #name;
            #initial
            fn handlers(#table: &mut #private::Subscriptions<Self>) {
                #rows
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        #is_registered {
            fn reactor() -> #private::Arc<dyn #private::Reactor> {
                #private::HandlerReactor::<Self>::shared()
            }
        }
        #(#reacts)*
    }
}
