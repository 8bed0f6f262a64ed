//! A block: the type, and its handlers.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Attribute, LitInt, LitStr, Path, Type, TypePath};

use super::Library;
use super::handler::Handler;
use super::message::Past;
use super::snapshots::Snapshots;
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
    ) -> Option<Self> {
        let Type::Path(self_ty) = head.self_ty else {
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
            self_ty,
            ident,
            handlers,
        })
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
