//! The commas between options and in lists: where one is missing, that is said at the token before which it belongs.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Lit, Path, Token};

use crate::diagnostics::Diagnostics;
use crate::names;

/// Steps over the comma behind an option that was read. Where something else comes first, that is the next option, and
/// `next` says what to write in its place.
pub(crate) fn comma(
    input: ParseStream<'_>,
    attribute: &str,
    next: impl FnOnce(&TokenTree) -> Option<String>,
    dx: &mut Diagnostics,
) -> syn::Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    if let Some(semicolon) = input.parse::<Option<Token![;]>>()? {
        let what = format!("the options of `{attribute}` are separated by commas");
        dx.error(semicolon, what, "write `,` in the place of `;`");
        return Ok(());
    }
    let token: TokenTree = input.fork().parse()?;
    if let Some(write) = next(&token) {
        dx.error(
            token,
            format!("a comma is missing in `{attribute}`"),
            format!("write `, {write}`"),
        );
    }
    Ok(())
}

/// Paths separated by commas, such as the events of a reaction. `None` when there is something else among them.
pub(crate) fn paths(
    tokens: &TokenStream,
    attribute: &str,
    dx: &mut Diagnostics,
) -> Option<Vec<Path>> {
    let read = |input: ParseStream<'_>| {
        let mut paths = Vec::new();
        while !input.is_empty() {
            paths.push(input.call(Path::parse_mod_style)?);
            let next = |token: &TokenTree| {
                let is_word = matches!(token, TokenTree::Ident(_));
                is_word.then(|| token.to_string())
            };
            comma(input, attribute, next, dx)?;
        }
        Ok(paths)
    };
    read.parse2(tokens.clone()).ok()
}

/// What to write in the place of a token that begins an option: one of these words, or a name.
pub(crate) fn option(token: &TokenTree, keys: &[&str], of: Option<&str>) -> Option<String> {
    match token {
        TokenTree::Ident(word) => {
            let word = word.to_string();
            let is_option = keys.contains(&&*word) || names::nearest(&word, keys).is_some();
            is_option.then_some(word)
        }
        TokenTree::Literal(literal) => {
            let is_text = matches!(syn::parse2(quote!(#literal)), Ok(Lit::Str(_)));
            is_text.then(|| match of {
                Some(key) => format!("{key} = {literal}"),
                None => literal.to_string(),
            })
        }
        TokenTree::Group(group) => match group.stream().into_iter().next() {
            // What a `macro_rules` macro passes on.
            Some(inner) if group.delimiter() == proc_macro2::Delimiter::None => {
                option(&inner, keys, of)
            }
            _ => None,
        },
        TokenTree::Punct(_) => None,
    }
}
