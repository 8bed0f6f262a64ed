//! Entries: the user's item first, then what is wrong with it, then what was generated.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::DeriveInput;

use crate::check::{self, Kind};
use crate::diagnostics::Diagnostics;
use crate::expand;
use crate::model::block::Model;
use crate::model::fields;
use crate::model::handler::Handler;
use crate::model::message::MessageModel;
use crate::model::row::RowModel;
use crate::parse::block::Block;
use crate::parse::item::Item;
use crate::parse::member::{Member, Role};
use crate::parse::options::{self, Options};
use crate::parse::row::KeyInput;

/// `#[actor]`, `#[projector]` and `#[handler]`.
pub(crate) fn block(kind: Kind, args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut dx = Diagnostics::default();
    let split = Block::split(item.clone());
    // Our attributes are gone from it, whatever is wrong otherwise.
    let user = match &split {
        Ok(block) => block.to_token_stream(),
        Err(item) => item.clone(),
    };
    let declared = match kind {
        Kind::Actor => options::ACTOR,
        Kind::Projector | Kind::Stored | Kind::Table => options::PROJECTOR,
        Kind::Handler => options::HANDLER,
    };
    let options = declared.read(args, &mut dx);
    let generated = generated(kind, &options, item, split.ok(), &mut dx);
    let errors = dx.into_tokens();
    quote!(#user #errors #generated)
}

fn generated(
    kind: Kind,
    options: &Options,
    item: &TokenStream,
    block: Option<Block>,
    dx: &mut Diagnostics,
) -> Option<TokenStream> {
    let (block, head) = check::block(kind, item, block, dx)?;
    let before = dx.count();
    check::head(kind, &head, dx);
    let is_broken = dx.count() > before;
    let members = block.members.iter().filter(|member| member.is_handler());
    let build = |member: &Member| Handler::build(member, dx);
    let handlers = members.filter_map(build).collect();
    let mut model = Model::build(options, head, &block.members, handlers, is_broken)?;
    let kind = match kind {
        Kind::Projector if model.has_table() => Kind::Table,
        Kind::Projector if model.stored.is_some() => Kind::Stored,
        kind => kind,
    };
    check::model(kind, &mut model, &block.members, dx);
    let handlers: Vec<&Handler> = model.handlers.iter().collect();
    Some(match kind {
        Kind::Actor => expand::actor(&model, &handlers),
        Kind::Projector | Kind::Stored => expand::projector(&model, &handlers),
        Kind::Table => expand::table(&model, &handlers),
        Kind::Handler => expand::handler(&model, &handlers),
    })
}

/// `#[command]` and `#[event]` on an item.
pub(crate) fn message(role: Role, args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut dx = Diagnostics::default();
    let declared = match role {
        Role::Command => options::COMMAND,
        _ => options::EVENT,
    };
    let options = declared.read(args, &mut dx);
    let read = Item::read(item.clone());
    let model = check::message(role, item, read.as_ref(), &options, &mut dx)
        .and_then(|read| MessageModel::build(role, &options, read));
    // Fields that no message can hold are mended, so that they are the only mistake.
    let mended = (dx.count() > 0).then(|| fields::mended(item)).flatten();
    let define = |model| expand::definition(model, mended.is_some());
    let (derives, traits) = model.as_ref().map(define).unzip();
    let item = mended.as_ref().unwrap_or(item);
    let errors = dx.into_tokens();
    quote!(#derives #item #errors #traits)
}

/// `#[derive(Projection)]`.
pub(crate) fn row(item: TokenStream) -> TokenStream {
    let mut dx = Diagnostics::default();
    let generated = row_generated(item, &mut dx);
    let errors = dx.into_tokens();
    quote!(#errors #generated)
}

fn row_generated(item: TokenStream, dx: &mut Diagnostics) -> Option<TokenStream> {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => {
            dx.syntax(error);
            return None;
        }
    };
    let before = dx.count();
    check::row_item(&input, dx);
    let is_named = dx.count() == before;
    let model = RowModel::build(&input, dx);
    if is_named {
        check::row(&model, dx);
    }
    Some(if dx.count() == before {
        expand::row(&model)
    } else {
        expand::broken_row(&model)
    })
}

/// The key of an event, inside generated code.
pub(crate) fn key(input: TokenStream) -> TokenStream {
    KeyInput::read(input).map_or_else(TokenStream::new, |input| expand::key(&input))
}

/// `#[reaction]`, `#[on]`, `#[state]`, `#[before_evolve]`, `#[sync]` and `#[after_sync]`, which mean something inside a block only.
pub(crate) fn inner(role: Role, item: &TokenStream) -> TokenStream {
    let mut dx = Diagnostics::default();
    check::outside(role, item, Item::read(item.clone()).as_ref(), &mut dx);
    let errors = dx.into_tokens();
    quote!(#item #errors)
}
