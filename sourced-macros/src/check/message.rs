//! Checks of items that carry an attribute of ours by themselves.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, ItemStruct, LitStr, Meta};

use crate::diagnostics::Diagnostics;
use crate::model::fields::{self, Around, Unfit};
use crate::names;
use crate::parse::item::Item;
use crate::parse::member::Role;
use crate::parse::options::Options;

/// The item has to be a plain struct.
pub(crate) fn message<'i>(
    role: Role,
    tokens: &TokenStream,
    item: Option<&'i Item>,
    options: &Options,
    dx: &mut Diagnostics,
) -> Option<&'i Item> {
    let attribute = role.attribute();
    let Some(item) = item else {
        dx.error(
            tokens,
            format!("`{attribute}` goes on a struct, or on a method under `#[actor]`"),
            format!("write `{attribute} pub struct Name {{ … }}`"),
        );
        return None;
    };
    if item.keyword != "struct" {
        outside(role, tokens, Some(item), dx);
        return None;
    }
    if let Some(name) = &item.name
        && options.name.is_none()
        && !names::is_type_name(&names::snake(&name.unraw().to_string()))
    {
        dx.error(
            name,
            format!("`{attribute}` cannot make a stored name of `{name}`"),
            format!("write one: `#[{}(\"cart.item_added\")]`", role.word()),
        );
    }
    if let Some(name) = &item.name {
        let default = || names::snake(&name.unraw().to_string());
        let stored = options.name.as_ref().map_or_else(default, LitStr::value);
        aliases(&attribute, &stored, options, dx);
    }
    strict(&attribute, &item.attrs, dx);
    fields(&attribute, tokens, dx);
    if let Some(generics) = &item.generics {
        dx.error(
            generics,
            format!(
                "`{attribute}` cannot be generic: a message has one type and one name in storage"
            ),
            "remove the generic parameters, and name concrete types",
        );
        return None;
    }
    Some(item)
}

/// An alias is another name.
pub(super) fn aliases(attribute: &str, stored: &str, options: &Options, dx: &mut Diagnostics) {
    let same = options.aliases.iter().find(|alias| alias.value() == stored);
    if let Some(alias) = same {
        dx.error(
            alias,
            format!("`{attribute}` is stored as `{stored}` anyway: an alias is a name of the past"),
            "remove it, or write the name under which older messages were stored",
        );
    }
}

/// A field that no message can hold: what says so, where, why, and the type that is probably meant.
pub(super) fn unfit(
    whose: &str,
    (at, why): (TokenStream, Unfit),
    meant: &str,
    dx: &mut Diagnostics,
) {
    let word = at.to_string();
    let (what, help) = match why {
        Unfit::Borrowed => (
            format!("{whose}, which cannot be borrowed"),
            format!("write `{meant}`"),
        ),
        Unfit::OfSelf => (
            format!("{whose}, where `Self` is the message"),
            format!("write `{meant}`"),
        ),
        Unfit::OfOneThread => (
            format!("{whose}, and messages go to other threads, which `{word}` cannot"),
            format!("write `{meant}`"),
        ),
        Unfit::Changing => (
            format!("{whose}, and what is in a message never changes"),
            format!("write what is in the `{word}`, without it; for a resource write `Res<…>`"),
        ),
        Unfit::Nameless => (
            format!("{whose}, and nobody could read that back"),
            format!(
                "write a type that has a name, such as `{meant}`; for a resource write `Res<…>`"
            ),
        ),
    };
    dx.error(at, what, help);
}

/// Fields of a struct that no message can hold.
fn fields(attribute: &str, item: &TokenStream, dx: &mut Diagnostics) {
    // What is half typed is the compiler's to explain.
    let Ok(item) = syn::parse2::<ItemStruct>(item.clone()) else {
        return;
    };
    let around = Around {
        this: item.ident.to_token_stream(),
        generics: &item.generics,
    };
    for field in &item.fields {
        // A message may be in itself, as in `Vec<Self>`.
        if let Some((at, why)) = fields::unfit(&field.ty.to_token_stream())
            && why != Unfit::OfSelf
        {
            let meant = names::spoken(around.owned(&field.ty));
            let whose = format!("`{attribute}` stores this field");
            unfit(&whose, (at, why), &meant, dx);
        }
    }
}

/// History is read whatever its fields.
fn strict(attribute: &str, attrs: &[Attribute], dx: &mut Diagnostics) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let Meta::List(list) = &attr.meta else {
            continue;
        };
        for token in list.tokens.clone() {
            if matches!(&token, TokenTree::Ident(word) if word == "deny_unknown_fields") {
                dx.error(
                    token,
                    format!(
                        "`{attribute}` must be readable for ever, also with fields that it has no longer"
                    ),
                    "remove `deny_unknown_fields`; a gateway refuses unknown fields of commands from outside without it",
                );
            }
        }
    }
}

/// An attribute of ours where it means nothing.
pub(crate) fn outside(role: Role, tokens: &TokenStream, item: Option<&Item>, dx: &mut Diagnostics) {
    let attribute = role.attribute();
    let is_message = matches!(role, Role::Command | Role::Event);
    let block = match role {
        Role::Sync | Role::AfterSync => "#[projector]",
        Role::On => "#[handler]",
        _ => "#[actor]",
    };
    let Some(item) = item else {
        let what = format!("`{attribute}` goes on a method under `{block}`");
        return dx.error(tokens, what, format!("add `{block}` to the `impl` block"));
    };
    let keyword = item.keyword.to_string();
    let (what, help) = match keyword.as_str() {
        "fn" => (
            format!(
                "`{attribute}` on a function means something only inside an `impl` block with `{block}`"
            ),
            format!(
                "move it into `{block} impl Name {{ … }}`, or add `{block}` to the block it is in"
            ),
        ),
        "impl" => (
            format!("`{attribute}` goes on a method, not on the block"),
            format!("write `{block}` above the `impl` block, and `{attribute}` above its methods"),
        ),
        "enum" | "union" if is_message => (
            format!(
                "`{attribute}` takes a struct: a message has one name in storage, and one shape"
            ),
            format!("write a `struct` with `{attribute}` for each variant"),
        ),
        _ if is_message => (
            format!("`{attribute}` goes on a struct, or on a method under `{block}`"),
            format!("write `{attribute} pub struct Name {{ … }}`"),
        ),
        _ => (
            format!("`{attribute}` goes on a method under `{block}`"),
            format!("write `{block} impl Name {{ … }}`, and `{attribute}` above its methods"),
        ),
    };
    dx.error(&item.keyword, what, help);
}
