//! A block: the type, and its handlers.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Generics, LitInt, LitStr, Path, Type, TypePath};

use super::handler::Handler;
use super::message::Past;
use super::snapshots::Snapshots;
use super::{Library, fields};
use crate::names;
use crate::parse::block::Head;
use crate::parse::member::{Member, Role};
use crate::parse::options::Options;

/// An actor or a projector.
pub(crate) struct Model {
    /// Where the library is.
    pub(crate) library: Library,
    /// The prefix of the messages of an actor, the group of a projector.
    pub(crate) name: String,
    /// Older names of an actor, the oldest last.
    pub(crate) aliases: Vec<LitStr>,
    /// The type as written.
    pub(crate) self_ty: TypePath,
    /// Whether something is wrong with the block as a whole, which was said. See [`Handler::is_broken`].
    pub(crate) is_broken: bool,
    /// The generics of the block, which then is broken.
    pub(crate) generics: Generics,
    /// Its last word.
    pub(crate) ident: Ident,
    /// What the enum of its events is called.
    pub(crate) events: Ident,
    /// The word `stored`, where the state is loaded as it was saved.
    pub(crate) stored: Option<Ident>,
    /// The word `global_order`, where all events come in the order of the log.
    pub(crate) global_order: Option<Ident>,
    /// How snapshots are taken, if they are.
    pub(crate) snapshots: Option<Snapshots>,
    /// Which version of a table it keeps, if that is said.
    pub(crate) version: Option<LitInt>,
    /// What the messages that it defines derive besides.
    pub(crate) derives: Vec<Path>,
    /// The `#[cfg]`s of the block.
    pub(crate) cfgs: Vec<Attribute>,
    /// The handlers, in order.
    pub(crate) handlers: Vec<Handler>,
}

impl Model {
    /// Names what was read; `None` when the type is not a plain one, which `check` says.
    pub(crate) fn build(
        options: &Options,
        head: Head,
        members: &[Member],
        mut handlers: Vec<Handler>,
        is_broken: bool,
    ) -> Option<Self> {
        let (generics, mut self_ty) = (head.generics, head.self_ty);
        if is_broken {
            self_ty = fields::lasting(&self_ty);
        }
        let Type::Path(self_ty) = self_ty else {
            return None;
        };
        let ident = self_ty.path.segments.last()?.ident.clone();
        let snake = || names::snake(&ident.unraw().to_string());
        let events = options
            .events
            .clone()
            .unwrap_or_else(|| format_ident!("{}Event", ident));
        for handler in &mut handlers {
            for parameter in &mut handler.parameters {
                parameter.recognise_row(&ident);
                match handler.role {
                    Role::Reaction | Role::On | Role::Event if !handler.listed.is_empty() => {
                        parameter.recognise_any_of(&handler.listed);
                    }
                    Role::Reaction => parameter.recognise(&events),
                    Role::AfterSync => parameter.recognise_row_change(),
                    _ => {}
                }
            }
        }
        Some(Self {
            events,
            library: Library::new(options.krate.as_ref()),
            name: options.name.as_ref().map_or_else(snake, LitStr::value),
            aliases: options.aliases.clone(),
            stored: options.stored.clone(),
            global_order: options.global_order.clone(),
            snapshots: Snapshots::build(options, members),
            version: options.version.clone(),
            derives: options.derives.clone(),
            cfgs: head
                .attrs
                .into_iter()
                .filter(super::parameter::is_cfg)
                .collect(),
            generics: fields::without_lifetimes(generics),
            is_broken,
            self_ty,
            ident,
            handlers,
        })
    }

    /// Whether the block is broken and generic, and stays so: its state is not one type.
    pub(crate) fn is_generic(&self) -> bool {
        !self.generics.params.is_empty()
    }

    /// `impl Decides<AddItem> for Cart`
    pub(crate) fn implements(&self, of: &TokenStream) -> TokenStream {
        let self_ty = &self.self_ty;
        if !self.is_generic() {
            return quote!(impl #of for #self_ty);
        }
        let (generics, _, bounds) = self.generics.split_for_impl();
        let bounds = bounds.map(|bounds| &bounds.predicates);
        let lasts = quote!(#self_ty: ::core::marker::Send + ::core::marker::Sync + 'static);
        quote!(impl #generics #of for #self_ty where #lasts, #bounds)
    }

    /// Whether its `#[event]` methods make and end rows of a table.
    pub(crate) fn has_table(&self) -> bool {
        self.handlers.iter().any(Handler::is_of_table)
    }

    /// The name under which the message that a handler defines is stored.
    pub(crate) fn stored_name(&self, handler: &Handler) -> String {
        match &handler.stored.name {
            Some(name) => name.value(),
            None => format!("{}.{}", self.name, handler.name().unraw()),
        }
    }

    /// How the message that a handler defines was stored before, while the actor had an older name too.
    pub(crate) fn past(&self, handler: &Handler) -> Past {
        let mut past = Past::new(&handler.stored);
        if handler.stored.name.is_some() {
            return past;
        }
        for alias in &self.aliases {
            let name = format!("{}.{}", alias.value(), handler.name().unraw());
            if past.aliases.iter().all(|known| known.value() != name) {
                past.aliases.push(LitStr::new(&name, alias.span()));
            }
        }
        past
    }
}
