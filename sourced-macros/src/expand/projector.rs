//! A projector: its table, an impl per event, and its syncs in order.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::actor::{before_evolve, evolves, initial, reaction_row, reacts};
use super::calls::{call, cx_name, needs};
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::reactions::reactions;
use crate::parse::member::Role;

/// Everything beside the user's block. `handlers` are those that are right.
pub(crate) fn projector(model: &Model, handlers: &[&Handler]) -> TokenStream {
    let private = model.library.private();
    let (self_ty, name, cfgs) = (&model.self_ty, &model.name, &model.cfgs);
    let of = |role| {
        handlers
            .iter()
            .copied()
            .filter(move |handler| handler.role == role)
    };
    let initial = initial(model, handlers);
    let rows = of(Role::Event).map(|handler| {
        let (cfgs, event) = (handler.cfgs(), handler.message());
        quote!(#cfgs table.event::<#event>();)
    });
    let needs = of(Role::Sync).filter_map(|handler| {
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
        .collect();
    let table = if rows.is_empty() {
        quote!(_table)
    } else {
        quote!(table)
    };
    let sync = sync(model, &of(Role::Sync).collect::<Vec<_>>());
    let evolves = of(Role::Event).map(|handler| evolves(model, handler));
    let reacts = reactions.iter().map(|reaction| reacts(model, reaction));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #private::Projector for #self_ty {
            const NAME: &'static str = #name;
            #initial
            fn handlers(#table: &mut #private::Projection<Self>) {
                #rows
            }
            #sync
        }
        #(#cfgs)*
        #[automatically_derived]
        impl #private::Register for #self_ty {
            fn reactor() -> #private::Arc<dyn #private::Reactor> {
                #private::ProjectorReactor::<Self>::shared()
            }
        }
        #(#evolves)*
        #(#reacts)*
    }
}

fn sync(model: &Model, handlers: &[&Handler]) -> Option<TokenStream> {
    let private = model.library.private();
    if handlers.is_empty() {
        return None;
    }
    let cx = cx_name(handlers.iter().copied());
    let calls = handlers.iter().map(|handler| {
        let (cfgs, call) = (handler.cfgs(), call(model, handler));
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
