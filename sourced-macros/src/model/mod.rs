//! What was read, in our own words. The user's tokens stay in it.

pub(crate) mod block;
pub(crate) mod handler;
pub(crate) mod message;
pub(crate) mod parameter;
pub(crate) mod reactions;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// Where generated code finds the library.
pub(crate) struct Library(TokenStream);

impl Library {
    /// From the `crate` option.
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        Self(krate.map_or_else(|| quote!(::sourced), |path| quote!(#path)))
    }

    /// The names for generated code.
    pub(crate) fn private(&self) -> TokenStream {
        let root = &self.0;
        quote!(#root::__private)
    }
}
