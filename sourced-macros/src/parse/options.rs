//! Options of attributes, declared once and read by one loop.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Path, Token};

use crate::diagnostics::Diagnostics;
use crate::names;

/// One attribute's options, in declared form.
pub(crate) struct Declared {
    /// `#[actor]`
    pub(crate) attribute: &'static str,
    /// What the bare string says, such as `the type prefix`; `None` where there is none.
    pub(crate) name: Option<&'static str>,
    /// The keys it knows.
    pub(crate) keys: &'static [&'static str],
}

/// What was written.
#[derive(Default)]
pub(crate) struct Options {
    /// The bare string.
    pub(crate) name: Option<LitStr>,
    /// `crate = path`
    pub(crate) krate: Option<Path>,
    /// `events = Name`
    pub(crate) events: Option<Ident>,
}

/// Options of `#[actor]`.
pub(crate) const ACTOR: Declared = Declared {
    attribute: "#[actor]",
    name: Some("the type prefix, such as `\"shop.cart\"`"),
    keys: &["crate", "events"],
};

/// Options of `#[projector]`.
pub(crate) const PROJECTOR: Declared = Declared {
    attribute: "#[projector]",
    name: Some("the group, such as `\"cart_listing\"`"),
    keys: &["crate"],
};

/// Options of `#[handler]`.
pub(crate) const HANDLER: Declared = Declared {
    attribute: "#[handler]",
    name: Some("the group, such as `\"order_telemetry\"`"),
    keys: &["crate"],
};

/// Options of `#[command]` on a struct.
pub(crate) const COMMAND: Declared = Declared {
    attribute: "#[command]",
    name: Some("the stored name, such as `\"cart.add_item\"`"),
    keys: &["crate"],
};

/// Options of `#[event]` on a struct.
pub(crate) const EVENT: Declared = Declared {
    attribute: "#[event]",
    name: Some("the stored name, such as `\"cart.item_added\"`"),
    keys: &["crate"],
};

impl Declared {
    /// Reads the options; what is wrong is said, and the rest is kept.
    pub(crate) fn read(&self, args: TokenStream, dx: &mut Diagnostics) -> Options {
        let mut options = Options::default();
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.option(input, &mut options, dx);
                skip_to_comma(input)?;
            }
            Ok(())
        };
        if let Err(error) = read.parse2(args) {
            dx.syntax(error);
        }
        options
    }

    fn option(&self, input: ParseStream<'_>, options: &mut Options, dx: &mut Diagnostics) {
        if input.peek(LitStr) {
            let Ok(name) = input.parse::<LitStr>() else {
                return;
            };
            return self.bare(name, options, dx);
        }
        let Ok(key) = Ident::parse_any(input) else {
            let rest: TokenStream = rest_of(input);
            return dx.error(
                rest,
                format!("`{}` cannot read this option", self.attribute),
                self.legal(),
            );
        };
        if !self.keys.iter().any(|known| key == known) {
            let what = format!("unknown option `{key}` for `{}`", self.attribute);
            let help = match names::nearest(&key.to_string(), self.keys) {
                Some(near) => format!("did you mean `{near}`? {}", self.legal()),
                None => self.legal(),
            };
            drop(rest_of(input));
            return dx.error(key, what, help);
        }
        let is_events = key == "events";
        let is_repeated = if is_events {
            options.events.is_some()
        } else {
            options.krate.is_some()
        };
        if is_repeated {
            return dx.error(
                &key,
                format!("`{}` has `{key}` twice", self.attribute),
                "remove one of them",
            );
        }
        let equals = input.parse::<Token![=]>();
        if is_events {
            match equals.and_then(|_| input.parse()) {
                Ok(name) => options.events = Some(name),
                Err(_) => dx.error(
                    &key,
                    format!("`{key}` of `{}` needs the name of a type", self.attribute),
                    "write `events = CartHappened`",
                ),
            }
            return;
        }
        let value = equals.and_then(|_| input.call(Path::parse_mod_style));
        match value {
            Ok(path) => options.krate = Some(path),
            Err(_) => dx.error(
                &key,
                format!("`{key}` of `{}` needs a path", self.attribute),
                "write `crate = path::to::sourced`",
            ),
        }
    }

    fn bare(&self, name: LitStr, options: &mut Options, dx: &mut Diagnostics) {
        if options.name.is_some() {
            return dx.error(
                name,
                format!("`{}` has two names", self.attribute),
                "remove one of them",
            );
        }
        if !names::is_type_name(&name.value()) {
            let what = format!("`{}` cannot be named {:?}", self.attribute, name.value());
            let help = format!(
                "write words of letters, digits and `_`, joined by dots, {} bytes at most; it is {}",
                names::MAX_TYPE_NAME,
                self.name.unwrap_or("not needed"),
            );
            return dx.error(name, what, help);
        }
        options.name = Some(name);
    }

    fn legal(&self) -> String {
        let keys = self.keys.iter().map(|key| format!("`{key} = …`"));
        let name = self.name.map(ToOwned::to_owned);
        let legal: Vec<String> = name.into_iter().chain(keys).collect();
        format!("options are {}", legal.join(", and "))
    }
}

/// Everything up to the next comma.
fn rest_of(input: ParseStream<'_>) -> TokenStream {
    let mut rest = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => rest.extend([token]),
            Err(_) => break,
        }
    }
    rest
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    drop(rest_of(input));
    input.parse::<Option<Token![,]>>().map(drop)
}
