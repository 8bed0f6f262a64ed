//! Names: between the cases of Rust, and what may name a stored type.

use proc_macro2::Ident;
use quote::format_ident;
use syn::ext::IdentExt;

/// `AddItem` → `add_item`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, &char) in chars.iter().enumerate() {
        let after_lower = at > 0 && !chars[at - 1].is_uppercase() && chars[at - 1] != '_';
        let before_lower = at > 0
            && chars[at - 1].is_uppercase()
            && chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if char.is_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(char.to_lowercase());
    }
    out
}

/// `add_item` → `AddItem`.
pub(crate) fn camel(name: &str) -> String {
    let capitalised = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(chars).collect()
        })
    };
    name.split('_').map(capitalised).collect()
}

/// The type that a method defines. Its span is the method's name, its role is another, so rename stays with rustc.
pub(crate) fn message_of(method: &Ident) -> Ident {
    let name = camel(&method.unraw().to_string());
    let is_name = name.starts_with(|first: char| first.is_alphabetic());
    if is_name && name != "Self" {
        format_ident!("{name}", span = method.span())
    } else {
        beside(method)
    }
}

/// Another name for the type that a method defines, where its own is taken.
pub(crate) fn beside(method: &Ident) -> Ident {
    let name = camel(&method.unraw().to_string());
    format_ident!("Message{name}", span = method.span())
}

/// Types and values of Rust's prelude, which a struct of the name would hide in its module.
const OF_RUST: [&str; 9] = [
    "Box", "Err", "None", "Ok", "Option", "Result", "Some", "String", "Vec",
];

/// Its traits.
const TRAITS_OF_RUST: [&str; 34] = [
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Clone",
    "Copy",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Send",
    "Sized",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
];

/// Types of `sourced::prelude`.
const OF_OURS: [&str; 19] = [
    "App",
    "CommandExt",
    "Delete",
    "Elsewhere",
    "Emitter",
    "Failure",
    "History",
    "Message",
    "Metadata",
    "Now",
    "Other",
    "Outgoing",
    "Principal",
    "Replaying",
    "Res",
    "RowChange",
    "StoredMessage",
    "StreamId",
    "Tx",
];

/// Whose name a struct of this name would hide, if it would hide one.
pub(crate) fn hides(name: &str) -> Option<&'static str> {
    if OF_RUST.contains(&name) || is_trait(name) {
        Some("Rust's own")
    } else {
        OF_OURS
            .contains(&name)
            .then_some("that of `sourced::prelude`")
    }
}

/// Whether it is the name of a trait, which few modules write down.
pub(crate) fn is_trait(name: &str) -> bool {
    TRAITS_OF_RUST.contains(&name)
}

/// Whether this can be the name of a stored type, or its prefix: words of letters, digits and `_`, joined by dots.
pub(crate) fn is_type_name(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    name.len() <= MAX_TYPE_NAME && name.split('.').all(is_word)
}

/// Whether this can be the name of a table or a column.
pub(crate) fn is_column_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    starts_well && name.len() <= 48 && name.chars().all(goes_on)
}

/// What such a name is like.
pub(crate) const COLUMN_NAME_HELP: &str =
    "names are small ASCII letters, digits and `_`, 48 at most, and do not start with a digit";

/// The longest name of a stored type, in bytes.
pub(crate) const MAX_TYPE_NAME: usize = 255;

/// The candidate that was probably meant.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let by_distance = candidates.iter().map(|name| (distance(word, name), *name));
    let (distance, name) = by_distance.min()?;
    (distance <= name.len().max(3) / 3 + 1).then_some(name)
}

/// How many letters have to be added, removed or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// Tokens of a type as people write them.
pub(crate) fn spoken(tokens: impl quote::ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    let joined = [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (":: ", "::"),
        (" ,", ","),
    ];
    joined
        .iter()
        .fold(spaced, |text, (from, to)| text.replace(from, to))
}
