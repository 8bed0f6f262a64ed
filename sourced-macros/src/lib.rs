//! The attribute macros of `sourced`.

mod check;
mod diagnostics;
mod entry;
mod expand;
mod model;
mod names;
mod parse;

use check::Kind;
use parse::member::Role;
use proc_macro::TokenStream;

/// Makes a type an actor.
#[proc_macro_attribute]
pub fn actor(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::block(Kind::Actor, args.into(), &item.into()).into()
}

/// Makes a type a projector.
#[proc_macro_attribute]
pub fn projector(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::block(Kind::Projector, args.into(), &item.into()).into()
}

/// A command.
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::message(Role::Command, args.into(), &item.into()).into()
}

/// An event.
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::message(Role::Event, args.into(), &item.into()).into()
}

/// A reaction.
#[proc_macro_attribute]
pub fn reaction(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::Reaction, &item.into()).into()
}

/// The first state.
#[proc_macro_attribute]
pub fn state(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::State, &item.into()).into()
}

/// Saves a read model.
#[proc_macro_attribute]
pub fn sync(_: TokenStream, item: TokenStream) -> TokenStream {
    entry::inner(Role::Sync, &item.into()).into()
}
