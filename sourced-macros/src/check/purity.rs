//! What tokens show in a body that is to be pure: it runs again for each replay, and has to come out the same.
//!
//! A function that such a body calls is not seen. `docs/laws.md` says what finds the rest.

use proc_macro2::{TokenStream, TokenTree};

use crate::diagnostics::Diagnostics;
use crate::model::handler::Handler;
use crate::parse::member::Role;

/// What makes a body come out different, or do something, the next time.
#[derive(Clone, Copy)]
enum Impure {
    Clock,
    Id,
    Chance,
    Outside,
    Output,
    Static,
}

/// Says what is not pure in a method that evolves.
pub(super) fn check(handler: &Handler, dx: &mut Diagnostics) {
    let is_pure = match handler.role {
        Role::Event | Role::BeforeEvolve => true,
        Role::State => !handler.is_load(),
        _ => false,
    };
    if is_pure {
        walk(handler, &handler.body, dx);
    }
}

fn walk(handler: &Handler, body: &TokenStream, dx: &mut Diagnostics) {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            walk(handler, &group.stream(), dx);
        }
        match impure(&tokens, at) {
            Some((why, n_tokens)) => {
                let found = tokens[at..at + n_tokens].iter().cloned().collect();
                say(handler, found, why, dx);
                at += n_tokens;
            }
            None => at += 1,
        }
    }
}

fn say(handler: &Handler, found: TokenStream, why: Impure, dx: &mut Diagnostics) {
    let what = match why {
        Impure::Clock => "reads a clock",
        Impure::Id => "makes an id",
        Impure::Chance => "draws a random number",
        Impure::Outside => "reaches out",
        Impure::Output => "writes something out",
        Impure::Static => "keeps something outside of the state",
    };
    let help = match (handler.role, why) {
        (_, Impure::Output) => {
            "remove it: a replay does it again; what is to be told once belongs in an `#[on]` method of a `#[handler]`"
        }
        (_, Impure::Static) => "keep it in the state, in a field of `self`",
        (Role::State, _) => {
            "begin with a value that is always the same, and set it in an `#[event]` method, from a field of the event"
        }
        (Role::BeforeEvolve, Impure::Clock) => "take `event.created_at`, of the `&StoredMessage`",
        (_, Impure::Clock) => {
            "take a field of the event, which the command sets from `Now`; or `created_at` of `event: &Message<…>`"
        }
        (_, Impure::Id | Impure::Chance) => "take a field of the event, which the command sets",
        (_, Impure::Outside) => {
            "let the command do it, and take what comes of it as a field of the event; what is only to be done belongs in a `#[reaction]`"
        }
    };
    let attribute = handler.role.attribute();
    let what = format!("`{attribute}` methods come out the same in every replay, and this {what}");
    dx.error(found, what, help);
}

/// Types with functions that give another value each time.
const CALLS: [(&str, &[&str], Impure); 11] = [
    ("SystemTime", &["now"], Impure::Clock),
    ("Instant", &["now"], Impure::Clock),
    ("Utc", &["now"], Impure::Clock),
    ("Local", &["now"], Impure::Clock),
    ("OffsetDateTime", &["now_utc", "now_local"], Impure::Clock),
    ("Timestamp", &["now"], Impure::Clock),
    ("Zoned", &["now"], Impure::Clock),
    (
        "Uuid",
        &[
            "new_v1", "new_v4", "new_v6", "new_v7", "now_v1", "now_v6", "now_v7",
        ],
        Impure::Id,
    ),
    ("Ulid", &["new", "generate"], Impure::Id),
    ("File", &["open", "create"], Impure::Outside),
    (
        "env",
        &["var", "vars", "args", "current_dir"],
        Impure::Outside,
    ),
];

/// Crates and modules that are there for nothing else.
const MODULES: [(&str, Impure); 8] = [
    ("rand", Impure::Chance),
    ("fastrand", Impure::Chance),
    ("getrandom", Impure::Chance),
    ("tokio", Impure::Outside),
    ("reqwest", Impure::Outside),
    ("sqlx", Impure::Outside),
    ("fs", Impure::Outside),
    ("thread", Impure::Outside),
];

/// Modules of `std`.
const OF_STD: [&str; 6] = ["env", "fs", "io", "net", "process", "thread"];

const OUTPUT: [&str; 5] = ["dbg", "eprint", "eprintln", "print", "println"];

/// What changes a static.
const CHANGES: [&str; 14] = [
    "fetch_add",
    "fetch_and",
    "fetch_max",
    "fetch_min",
    "fetch_or",
    "fetch_sub",
    "fetch_update",
    "lock",
    "replace",
    "set",
    "store",
    "swap",
    "with",
    "write",
];

/// What begins here that is not pure, and how many tokens it has.
fn impure(tokens: &[TokenTree], at: usize) -> Option<(Impure, usize)> {
    let word = word(tokens, at)?;
    if word == "static" && self::word(tokens, at + 1).is_some_and(|next| next == "mut") {
        return Some((Impure::Static, 2));
    }
    // A method or a field of that name is somebody else's.
    if at > 0 && is_punct(tokens, at - 1, '.') {
        return None;
    }
    if OUTPUT.contains(&&*word) && is_punct(tokens, at + 1, '!') {
        return Some((Impure::Output, 2));
    }
    if word == "thread_rng" {
        return Some((Impure::Chance, 1));
    }
    if is_constant(&word) && is_changed(tokens, at + 1) {
        return Some((Impure::Static, 1));
    }
    if !(is_punct(tokens, at + 1, ':') && is_punct(tokens, at + 2, ':')) {
        return None;
    }
    let next = self::word(tokens, at + 3)?;
    if word == "std" && OF_STD.contains(&&*next) {
        return Some((Impure::Outside, 4));
    }
    let calls = CALLS
        .iter()
        .find(|(of, names, _)| *of == word && names.contains(&&*next));
    if let Some((.., why)) = calls {
        return Some((*why, 4));
    }
    let is_crate = at < 2 || !is_punct(tokens, at - 1, ':');
    let module = MODULES.iter().find(|(name, _)| *name == word && is_crate);
    module.map(|(_, why)| (*why, 4))
}

/// `COUNT.fetch_add`, `COUNT += 1`.
fn is_changed(tokens: &[TokenTree], at: usize) -> bool {
    if is_punct(tokens, at, '.') {
        return word(tokens, at + 1).is_some_and(|word| CHANGES.contains(&&*word));
    }
    let is_operator = ['+', '-', '*', '/', '%', '&', '|', '^']
        .iter()
        .any(|operator| is_punct(tokens, at, *operator));
    is_operator && is_punct(tokens, at + 1, '=')
}

fn is_constant(word: &str) -> bool {
    word.len() > 1
        && word.starts_with(|char: char| char.is_ascii_uppercase())
        && !word.contains(|char: char| char.is_ascii_lowercase())
}

fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, char: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}
