//! What was read, in our own words. The user's tokens stay in it.

pub(crate) mod block;
pub(crate) mod fields;
pub(crate) mod given;
pub(crate) mod handler;
pub(crate) mod message;
pub(crate) mod parameter;
pub(crate) mod reactions;
pub(crate) mod row;
pub(crate) mod snapshots;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// Where generated code finds the library.
pub(crate) struct Library(Option<Path>);

impl Library {
    /// From the `crate` option.
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.cloned())
    }

    /// The names for generated code.
    pub(crate) fn private(&self) -> TokenStream {
        self.private_at(Span::call_site())
    }

    /// The same, so that what the compiler says about a name is said at this place.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        let default = || quote_spanned!(span=> ::sourced);
        let root = self
            .0
            .as_ref()
            .map_or_else(default, ToTokens::to_token_stream);
        quote_spanned!(span=> #root::__private)
    }
}
