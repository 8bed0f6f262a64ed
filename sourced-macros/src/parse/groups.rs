//! Invisible groups: what a `macro_rules` macro passes on as `$t:ty` or `$e:path` comes as one token with nothing around it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The same tokens without invisible groups, so that a type means what it says wherever it comes from.
///
/// For heads and signatures. In an expression the group keeps what belongs together.
pub(crate) fn opened(tokens: TokenStream) -> TokenStream {
    let opened = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => opened(group.stream()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), opened(group.stream()));
            inner.set_span(group.span());
            TokenTree::from(inner).into()
        }
        token => token.into(),
    });
    opened.collect()
}
