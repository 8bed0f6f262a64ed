//! A struct that is a message on its own.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, LitStr, Meta, Path};

use super::Library;
use super::parameter::is_cfg;
use crate::names;
use crate::parse::item::Item;
use crate::parse::member::Role;
use crate::parse::options::Options;

/// The struct under `#[command]` or `#[event]`.
pub(crate) struct MessageModel {
    /// Where the library is.
    pub(crate) library: Library,
    /// Command or event.
    pub(crate) role: Role,
    /// The stored name.
    pub(crate) name: String,
    /// How it was stored before.
    pub(crate) past: Past,
    /// The struct.
    pub(crate) ident: Ident,
    /// The traits it derives already, by their last words.
    pub(crate) derives: Vec<String>,
    /// Whether it tells serde's derives where serde is.
    pub(crate) has_serde_crate: bool,
    /// Its `#[cfg]`s.
    pub(crate) cfgs: TokenStream,
}

/// Older names and the older type of a message.
pub(crate) struct Past {
    /// Older names of the same shape.
    pub(crate) aliases: Vec<LitStr>,
    /// The type that it took the place of.
    pub(crate) was: Option<Path>,
}

impl Past {
    /// From the options of the attribute.
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            aliases: options.aliases.clone(),
            was: options.was.clone(),
        }
    }
}

impl MessageModel {
    /// Names what was read; `None` without a name.
    pub(crate) fn build(role: Role, options: &Options, item: &Item) -> Option<Self> {
        let ident = item.name.clone()?;
        let snake = || names::snake(&ident.unraw().to_string());
        let cfgs = item.attrs.iter().filter(|attr| is_cfg(attr));
        Some(Self {
            library: Library::new(options.krate.as_ref()),
            role,
            name: options.name.as_ref().map_or_else(snake, LitStr::value),
            past: Past::new(options),
            derives: item.attrs.iter().flat_map(derives).collect(),
            has_serde_crate: item.attrs.iter().any(has_serde_crate),
            cfgs: quote!(#(#cfgs)*),
            ident,
        })
    }
}

/// The last words of the derived paths.
fn derives(attr: &Attribute) -> Vec<String> {
    let Meta::List(list) = &attr.meta else {
        return Vec::new();
    };
    if !attr.path().is_ident("derive") {
        return Vec::new();
    }
    let words = list
        .tokens
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident.to_string()),
            _ => None,
        });
    words.collect()
}

fn has_serde_crate(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else {
        return false;
    };
    let is_crate = |token| matches!(token, TokenTree::Ident(ident) if ident == "crate");
    attr.path().is_ident("serde") && list.tokens.clone().into_iter().any(is_crate)
}
