//! Options of attributes, declared once and read by one loop.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitInt, LitStr, Path, Token};

use super::comma;
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
    /// `alias = "cart.added"`, once for each older name.
    pub(crate) aliases: Vec<LitStr>,
    /// `derive(JsonSchema)`
    pub(crate) derives: Vec<Path>,
    /// `was = ItemAddedV1`
    pub(crate) was: Option<Path>,
    /// `key = customer_id`, or `key = Self::by_day`
    pub(crate) key: Option<Path>,
    /// `stored`
    pub(crate) stored: Option<Ident>,
    /// `global_order`
    pub(crate) global_order: Option<Ident>,
    /// `snapshot_every = 100`
    pub(crate) snapshot_every: Option<LitInt>,
    /// `snapshot_version = 2`
    pub(crate) snapshot_version: Option<LitInt>,
    /// `version = 2`
    pub(crate) version: Option<LitInt>,
}

impl Options {
    /// Whether nothing was written that says how a message is stored.
    pub(crate) fn is_unnamed(&self) -> bool {
        self.name.is_none() && self.aliases.is_empty() && self.was.is_none()
    }
}

/// Options of `#[actor]`.
pub(crate) const ACTOR: Declared = Declared {
    attribute: "#[actor]",
    name: Some("the type prefix, such as `\"shop.cart\"`"),
    keys: &[
        "alias",
        "derive",
        "events",
        "snapshot_every",
        "snapshot_version",
        "crate",
    ],
};

/// Options of `#[projector]`.
pub(crate) const PROJECTOR: Declared = Declared {
    attribute: "#[projector]",
    name: Some("the group, such as `\"cart_listing\"`"),
    keys: &["stored", "version", "global_order", "crate"],
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
    name: Some(COMMAND_NAME),
    keys: &["alias", "was", "crate"],
};

/// Options of `#[event]` on a struct.
pub(crate) const EVENT: Declared = Declared {
    attribute: "#[event]",
    name: Some(EVENT_NAME),
    keys: &["alias", "was", "crate"],
};

/// Options of `#[command]` on a method that defines its message.
pub(crate) const COMMAND_METHOD: Declared = Declared {
    attribute: "#[command]",
    name: Some(COMMAND_NAME),
    keys: &["alias", "was"],
};

/// Options of `#[event]` on a method that defines its message.
pub(crate) const EVENT_METHOD: Declared = Declared {
    attribute: "#[event]",
    name: Some(EVENT_NAME),
    keys: &["alias", "was", "key"],
};

const COMMAND_NAME: &str = "the stored name, such as `\"cart.add_item\"`";
const EVENT_NAME: &str = "the stored name, such as `\"cart.item_added\"`";

impl Declared {
    /// Reads the options; what is wrong is said, and the rest is kept.
    pub(crate) fn read(&self, args: TokenStream, dx: &mut Diagnostics) -> Options {
        let before = dx.count();
        let mut options = Options::default();
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let before = dx.count();
                let begins_with_a_text = input.peek(LitStr);
                let key = input.fork().call(Ident::parse_any).ok();
                self.option(input, &mut options, dx);
                if dx.count() > before {
                    drop(rest_of(input));
                }
                // A second text is another old name.
                let is_of_names = begins_with_a_text || key.is_some_and(|key| key == "alias");
                let of = is_of_names.then_some("alias");
                let next = |token: &TokenTree| comma::option(token, self.keys, of);
                comma::comma(input, self.attribute, next, dx)?;
                if is_of_names && dx.count() > before && input.peek(LitStr) {
                    input.parse::<LitStr>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = read.parse2(args) {
            dx.syntax(error);
        }
        // A number that was not understood is enough to say.
        if let (None, Some(version)) = (&options.snapshot_every, &options.snapshot_version)
            && dx.count() == before
        {
            dx.error(
                version,
                format!(
                    "`{}` takes no snapshots that could have a version",
                    self.attribute
                ),
                "add `snapshot_every = 100`, or remove `snapshot_version`",
            );
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
            let rest = rest_of(input);
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
        match key.to_string().as_str() {
            "alias" => self.alias(&key, input, options, dx),
            "derive" => self.derives(&key, input, options, dx),
            "events" => self.events(&key, input, options, dx),
            "stored" => self.word(key, input, &mut options.stored, dx),
            "global_order" => self.word(key, input, &mut options.global_order, dx),
            "snapshot_every" => {
                let help =
                    "write `snapshot_every = 100`, the number of events from one to the next";
                self.number(&key, input, &mut options.snapshot_every, (1, help), dx);
            }
            "snapshot_version" => {
                let help = "write `snapshot_version = 2`, and a higher number with every change";
                self.number(&key, input, &mut options.snapshot_version, (0, help), dx);
            }
            "version" => {
                let help =
                    "write `version = 2`, and a higher number when its table is to be built anew";
                self.number(&key, input, &mut options.version, (1, help), dx);
            }
            "key" => {
                let help = "write `key = customer_id`, a field of the event, or `key = Self::by_day`, a function of `&Message<…>`";
                let twice = "for a key of several fields write a function: `key = Self::by_day`";
                self.path(&key, input, &mut options.key, (help, twice), dx);
            }
            "was" => {
                let help = "write `was = ItemAddedV1`, the type that it took the place of";
                let twice = "keep the youngest of them; that one says itself what it was before, by its own `was`";
                self.path(&key, input, &mut options.was, (help, twice), dx);
            }
            _ => {
                let help = "write `crate = path::to::sourced`";
                self.path(
                    &key,
                    input,
                    &mut options.krate,
                    (help, "remove one of them"),
                    dx,
                );
            }
        }
    }

    /// `stored`, once, and nothing after it.
    fn word(
        &self,
        key: Ident,
        input: ParseStream<'_>,
        slot: &mut Option<Ident>,
        dx: &mut Diagnostics,
    ) {
        if input.peek(Token![=]) {
            let what = format!("`{key}` of `{}` takes no value", self.attribute);
            dx.error(rest_of(input), what, format!("write `{key}`"));
        } else if slot.is_some() {
            let what = format!("`{}` has `{key}` twice", self.attribute);
            dx.error(&key, what, "remove one of them");
        }
        *slot = Some(key);
    }

    /// `events = CartHappened`
    fn events(
        &self,
        key: &Ident,
        input: ParseStream<'_>,
        options: &mut Options,
        dx: &mut Diagnostics,
    ) {
        if options.events.is_some() {
            let what = format!("`{}` has `{key}` twice", self.attribute);
            return dx.error(key, what, "remove one of them");
        }
        match input.parse::<Token![=]>().and_then(|_| input.parse()) {
            Ok(name) => options.events = Some(name),
            Err(_) => dx.error(
                key,
                format!("`{key}` of `{}` needs the name of a type", self.attribute),
                "write `events = CartHappened`",
            ),
        }
    }

    /// `key = 100`, once, no less than this and no more than fits into 32 bits.
    fn number(
        &self,
        key: &Ident,
        input: ParseStream<'_>,
        slot: &mut Option<LitInt>,
        (least, help): (u32, &str),
        dx: &mut Diagnostics,
    ) {
        if slot.is_some() {
            let what = format!("`{}` has `{key}` twice", self.attribute);
            return dx.error(key, what, "remove one of them");
        }
        let value = input
            .parse::<Token![=]>()
            .and_then(|_| input.parse::<LitInt>());
        let Ok(value) = value else {
            let what = format!("`{key}` of `{}` needs a number", self.attribute);
            return dx.error(key, what, help);
        };
        let number = value.base10_parse::<u32>();
        if !number.is_ok_and(|number| number >= least) || !value.suffix().is_empty() {
            let what = format!("`{key}` of `{}` cannot be `{value}`", self.attribute);
            return dx.error(&value, what, help);
        }
        *slot = Some(value);
    }

    /// `key = path`, once.
    fn path(
        &self,
        key: &Ident,
        input: ParseStream<'_>,
        slot: &mut Option<Path>,
        (help, help_twice): (&str, &str),
        dx: &mut Diagnostics,
    ) {
        if slot.is_some() {
            let what = format!("`{}` has `{key}` twice", self.attribute);
            return dx.error(key, what, help_twice);
        }
        let value = input
            .parse::<Token![=]>()
            .and_then(|_| input.call(Path::parse_mod_style));
        if let Ok(path) = value {
            *slot = Some(path);
            return;
        }
        let article = if key == "was" { "a type" } else { "a path" };
        let what = format!("`{key}` of `{}` needs {article}", self.attribute);
        dx.error(key, what, help);
    }

    /// `derive(Eq, schemars::JsonSchema)`
    fn derives(
        &self,
        key: &Ident,
        input: ParseStream<'_>,
        options: &mut Options,
        dx: &mut Diagnostics,
    ) {
        let mut read = || {
            let list: Group = input.parse().ok()?;
            comma::paths(&list.stream(), "derive(…)", dx)
        };
        match read() {
            Some(paths) => options.derives.extend(paths),
            None => dx.error(
                key,
                format!(
                    "`{key}` of `{}` lists what its messages derive",
                    self.attribute
                ),
                "write `derive(Eq, schemars::JsonSchema)`",
            ),
        }
    }

    /// `alias = "name"`, any number of times.
    fn alias(
        &self,
        key: &Ident,
        input: ParseStream<'_>,
        options: &mut Options,
        dx: &mut Diagnostics,
    ) {
        let value = input
            .parse::<Token![=]>()
            .and_then(|_| input.parse::<LitStr>());
        let Ok(alias) = value else {
            let example = if self.attribute == ACTOR.attribute {
                "old_cart"
            } else {
                "cart.old_name"
            };
            return dx.error(
                key,
                format!("`alias` of `{}` needs a name", self.attribute),
                format!("write `alias = \"{example}\"`, once for each older name"),
            );
        };
        if !names::is_type_name(&alias.value()) {
            let what = format!(
                "`{}` was never stored as {:?}, which is no name of a type",
                self.attribute,
                alias.value()
            );
            return dx.error(&alias, what, type_name_help());
        }
        if options
            .aliases
            .iter()
            .any(|other| other.value() == alias.value())
        {
            let what = format!(
                "`{}` has the alias {:?} twice",
                self.attribute,
                alias.value()
            );
            return dx.error(&alias, what, "remove one of them");
        }
        options.aliases.push(alias);
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
                "{}; it is {}",
                type_name_help(),
                self.name.unwrap_or("not needed"),
            );
            return dx.error(name, what, help);
        }
        options.name = Some(name);
    }

    fn legal(&self) -> String {
        let keys = self.keys.iter().map(|key| match *key {
            "derive" => "`derive(…)`".to_owned(),
            "stored" | "global_order" => format!("`{key}`"),
            key => format!("`{key} = …`"),
        });
        let name = self.name.map(ToOwned::to_owned);
        let mut legal: Vec<String> = name.into_iter().chain(keys).collect();
        let last = legal.pop().unwrap_or_default();
        format!("options are {}, and {last}", legal.join(", "))
    }
}

fn type_name_help() -> String {
    format!(
        "write words of letters, digits and `_`, joined by dots, {} bytes at most",
        names::MAX_TYPE_NAME
    )
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
