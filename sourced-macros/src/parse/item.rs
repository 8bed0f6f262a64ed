//! What kind of item an attribute stands on, seen from its first words.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Token, Visibility};

/// The beginning of an item: enough to know what it is.
pub(crate) struct Item {
    /// The attributes above it.
    pub(crate) attrs: Vec<Attribute>,
    /// `struct`, `enum`, `fn`, …
    pub(crate) keyword: Ident,
    /// Its name, if the word after the keyword is one.
    pub(crate) name: Option<Ident>,
    /// Its generics, if there are any.
    pub(crate) generics: Option<TokenTree>,
}

impl Item {
    /// Reads the beginning of an item; `None` when it is nothing with a keyword.
    pub(crate) fn read(item: TokenStream) -> Option<Self> {
        let read = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_outer)?;
            input.parse::<Visibility>()?;
            let mut keyword: Ident = input.call(syn::ext::IdentExt::parse_any)?;
            while MODIFIERS.iter().any(|word| keyword == word) {
                keyword = input.call(syn::ext::IdentExt::parse_any)?;
            }
            let name = input.parse::<Option<Ident>>().ok().flatten();
            let generics = if input.peek(Token![<]) {
                Some(input.parse()?)
            } else {
                None
            };
            input.parse::<TokenStream>()?;
            Ok(Self {
                attrs,
                keyword,
                name,
                generics,
            })
        };
        read.parse2(item).ok()
    }
}

const MODIFIERS: [&str; 4] = ["async", "unsafe", "const", "default"];
