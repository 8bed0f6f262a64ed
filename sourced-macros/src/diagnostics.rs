//! Problems, collected so that one build shows them all.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Collects problems. Only `entry` makes one and writes it out, so that none can be forgotten.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
}

impl Diagnostics {
    /// Says what is wrong with these tokens, and what to type instead.
    pub(crate) fn error(
        &mut self,
        at: impl ToTokens,
        what: impl AsRef<str>,
        help: impl AsRef<str>,
    ) {
        let text = format!("{}\n\nhelp: {}", what.as_ref(), help.as_ref());
        self.errors.push(syn::Error::new_spanned(at, text));
    }

    /// Adds what the parser of Rust's own syntax says.
    pub(crate) fn syntax(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Adds what was said apart.
    pub(crate) fn append(&mut self, said: Self) {
        self.errors.extend(said.errors);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The errors as items.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.errors
            .into_iter()
            .map(syn::Error::into_compile_error)
            .collect()
    }
}
