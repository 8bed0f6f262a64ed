//! The struct under `#[derive(Projection)]`, and what its attributes say.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Meta, Path, Token};

use super::comma;
use crate::diagnostics::Diagnostics;
use crate::names;

/// What `#[projection(…)]` says.
#[derive(Default)]
pub(crate) struct RowOptions {
    /// `table = "outstanding_todos"`
    pub(crate) table: Option<LitStr>,
    /// `crate = path`
    pub(crate) krate: Option<Path>,
    /// `json`
    pub(crate) json: Option<Ident>,
    /// `column = "due_at"`
    pub(crate) column: Option<LitStr>,
}

/// Where `#[projection(…)]` stands, and what it knows there.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    keys: &'static [&'static str],
    legal: &'static str,
}

/// Above the struct.
pub(crate) const ON_STRUCT: Place = Place {
    keys: &["table", "crate"],
    legal: "options of the struct are `table = \"…\"` and `crate = …`",
};

/// Above a field.
pub(crate) const ON_FIELD: Place = Place {
    keys: &["json", "column"],
    legal: "options of a field are `json` and `column = \"…\"`",
};

impl RowOptions {
    /// Reads all `#[projection(…)]` of an item; what is wrong is said, and the rest is kept.
    pub(crate) fn read(attrs: &[Attribute], place: Place, dx: &mut Diagnostics) -> Self {
        let mut options = Self::default();
        for attr in attrs
            .iter()
            .filter(|attr| attr.path().is_ident("projection"))
        {
            let Meta::List(list) = &attr.meta else {
                dx.error(
                    &attr.meta,
                    "`#[projection]` takes its options in parentheses",
                    place.legal,
                );
                continue;
            };
            let read = |input: ParseStream<'_>| {
                while !input.is_empty() {
                    let before = dx.count();
                    options.option(input, place, dx);
                    while dx.count() > before && !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                    let next = |token: &TokenTree| comma::option(token, place.keys, None);
                    comma::comma(input, "#[projection]", next, dx)?;
                }
                Ok(())
            };
            if let Err(error) = list.parse_args_with(read) {
                dx.syntax(error);
            }
        }
        options
    }

    fn option(&mut self, input: ParseStream<'_>, place: Place, dx: &mut Diagnostics) {
        let Ok(key) = Ident::parse_any(input) else {
            let token = input
                .parse::<TokenTree>()
                .map(|token| token.to_token_stream());
            let what = "`#[projection]` cannot read this option";
            return dx.error(token.unwrap_or_default(), what, place.legal);
        };
        if !place.keys.iter().any(|known| key == known) {
            let what = format!("unknown option `{key}` for `#[projection]`");
            let help = match names::nearest(&key.to_string(), place.keys) {
                Some(near) => format!("did you mean `{near}`? {}", place.legal),
                None => place.legal.to_owned(),
            };
            return dx.error(key, what, help);
        }
        if key == "json" {
            self.json = Some(key);
        } else if key == "crate" {
            let path = input.parse::<Token![=]>();
            match path.and_then(|_| input.call(Path::parse_mod_style)) {
                Ok(path) => self.krate = Some(path),
                Err(_) => dx.error(
                    key,
                    "`crate` of `#[projection]` needs a path",
                    "write `crate = path::to::sourced`",
                ),
            }
        } else {
            let name = input.parse::<Token![=]>();
            match name.and_then(|_| input.parse::<LitStr>()) {
                Ok(name) => self.name(&key, name, dx),
                Err(_) => dx.error(
                    &key,
                    format!("`{key}` of `#[projection]` needs a name"),
                    format!("write `{key} = \"…\"`"),
                ),
            }
        }
    }

    fn name(&mut self, key: &Ident, name: LitStr, dx: &mut Diagnostics) {
        if !names::is_column_name(&name.value()) {
            return dx.error(
                &name,
                format!("{:?} cannot be the name of a {key}", name.value()),
                names::COLUMN_NAME_HELP,
            );
        }
        if key == "table" {
            self.table = Some(name);
        } else {
            self.column = Some(name);
        }
    }
}

/// The tokens inside the macro that a derived struct leaves for `#[projector]`: the fields of the key, what has them, and
/// the event where it is named.
pub(crate) struct KeyInput {
    /// The fields.
    pub(crate) fields: Vec<Ident>,
    /// `message.payload`
    pub(crate) payload: TokenStream,
    /// `TodoAdded`
    pub(crate) event: TokenStream,
}

impl KeyInput {
    /// Takes them apart.
    pub(crate) fn read(input: TokenStream) -> Option<Self> {
        let mut tokens = input.into_iter();
        let mut group = || match tokens.next() {
            Some(TokenTree::Group(group)) => Some(group.stream()),
            _ => None,
        };
        let fields = group()?.into_iter().filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        });
        Some(Self {
            fields: fields.collect(),
            payload: group()?,
            event: tokens.collect(),
        })
    }
}
