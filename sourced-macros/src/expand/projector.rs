//! A projector: its table, an impl per event, and its syncs in order.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::actor::{before_evolve, evolves, initial, reaction_row, reacts};
use super::after_sync;
use super::calls::{call_of_batch, cx_name_of_batch, needs};
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::reactions::reactions;
use crate::parse::member::Role;

/// Everything beside the user's block. `handlers` are those that are right.
pub(crate) fn projector(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let private = model.library.private();
    let (name, cfgs) = (&model.name, &model.cfgs);
    let is_projector = model.implements(&quote!(#private::Projector));
    let is_registered = model.implements(&quote!(#private::Register));
    let of = |role| {
        handlers
            .iter()
            .copied()
            .filter(move |handler| handler.role == role)
    };
    let initial = initial(model, handlers);
    let events: Vec<(&Handler, TokenStream)> = of(Role::Event)
        .flat_map(|handler| {
            handler
                .events()
                .into_iter()
                .map(move |event| (handler, event))
        })
        .collect();
    let is_right = |(handler, _): &&(&Handler, TokenStream)| !handler.is_broken;
    let rows = events.iter().filter(is_right).map(|(handler, event)| {
        let cfgs = handler.cfgs();
        quote!(#cfgs table.event::<#event>();)
    });
    let is_load = |handler: &&Handler| handler.is_load() && !handler.is_broken;
    let load = of(Role::State).find(is_load);
    let load_row = load.map(load_row);
    let after_syncs: Vec<&Handler> = of(Role::AfterSync).collect();
    let save_row = of(Role::Sync).next().map(|handler| {
        let cfgs = handler.cfgs();
        quote!(#cfgs table.saves();)
    });
    let after_row = (!after_syncs.is_empty()).then(|| quote!(table.after_sync();));
    let resourceful = of(Role::Sync).chain(of(Role::AfterSync)).chain(load);
    let needs = resourceful.filter_map(|handler| {
        let (cfgs, needs) = (handler.cfgs(), needs(handler));
        (!needs.is_empty()).then(|| quote!(#cfgs table #needs;))
    });
    let before = of(Role::BeforeEvolve).map(|handler| before_evolve(model, handler));
    let reactions = reactions(handlers);
    let reaction_rows = reactions.iter().map(reaction_row);
    let rows: TokenStream = rows
        .chain(before)
        .chain(needs)
        .chain(reaction_rows)
        .chain(load_row)
        .chain(save_row)
        .chain(after_row)
        .collect();
    let table = if rows.is_empty() {
        quote!(_table)
    } else {
        quote!(table)
    };
    let sync = sync(model, &of(Role::Sync).collect::<Vec<_>>());
    let loads = load.map(|handler| loads(model, handler));
    let after_sync = after_sync::of_projector(model, &after_syncs);
    let evolves = events
        .iter()
        .map(|(handler, event)| evolves(model, handler, event));
    let reacts = reactions.iter().map(|reaction| reacts(model, reaction));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #is_projector {
            const NAME: &'static str = #name;
            #initial
            fn handlers(#table: &mut #private::Projection<Self>) {
                #rows
            }
            #sync
        }
        #(#cfgs)*
        #[automatically_derived]
        #is_registered {
            fn reactor() -> #private::Arc<dyn #private::Reactor> {
                #private::ProjectorReactor::<Self>::shared()
            }
        }
        #(#evolves)*
        #(#reacts)*
        #loads
        #after_sync
    }
}

fn sync(model: &Model, handlers: &[&Handler]) -> Option<TokenStream> {
    let private = model.library.private();
    if handlers.is_empty() {
        return None;
    }
    let cx = cx_name_of_batch(handlers);
    let calls = handlers.iter().map(|handler| {
        let (cfgs, call) = (handler.cfgs(), call_of_batch(model, handler));
        let or_fail = quote_spanned!(handler.returned_span()=> ?);
        quote!(#cfgs #call #or_fail;)
    });
    Some(quote! {
        async fn sync(
            &self,
            tx: &mut #private::Tx<'_>,
            #cx: &#private::Context,
        ) -> ::core::result::Result<(), #private::Failure> {
            #(#calls)*
            ::core::result::Result::Ok(())
        }
    })
}

/// `table.loads_in_tx();`
fn load_row(handler: &Handler) -> TokenStream {
    let cfgs = handler.cfgs();
    if handler.tx_parameter().is_some() {
        quote!(#cfgs table.loads_in_tx();)
    } else {
        quote!(#cfgs table.loads();)
    }
}

/// `impl Loads`, or `impl LoadsInTx`.
fn loads(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let (self_ty, cfgs) = (&model.self_ty, handler.cfgs());
    let (cx, call) = (cx_name_of_batch(&[handler]), call_of_batch(model, handler));
    let (loads, tx) = if handler.tx_parameter().is_some() {
        (quote!(LoadsInTx), Some(quote!(tx: &mut #private::Tx<'_>,)))
    } else {
        (quote!(Loads), None)
    };
    let or_fail = quote_spanned!(handler.returned_span()=> ?);
    quote! {
        #cfgs
        #[automatically_derived]
        impl #private::#loads for #self_ty {
            async fn load(
                #tx
                #cx: &#private::Context,
            ) -> ::core::result::Result<#private::Option<Self>, #private::Failure> {
                let loaded = #call #or_fail;
                ::core::result::Result::Ok(loaded)
            }
        }
    }
}
