//! What the tokens of a body show. A body is never parsed, so that one that is half typed is no error of ours.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Whether a method of this variable is awaited: `mailer.send(text).await`.
pub(crate) fn awaits(body: &TokenStream, name: &Ident) -> bool {
    let tokens: Vec<TokenTree> = body.clone().into_iter().collect();
    let inside = tokens.iter().any(|token| match token {
        TokenTree::Group(group) => awaits(&group.stream(), name),
        _ => false,
    });
    let is_name = |at: usize| matches!(&tokens[at], TokenTree::Ident(ident) if ident == name);
    let is_field = |at: usize| at > 0 && is_punct(&tokens[at - 1], '.');
    let called = |at: usize| is_awaited_call(&tokens[at + 1..]);
    inside || (0..tokens.len()).any(|at| is_name(at) && !is_field(at) && called(at))
}

/// `.send(text).await`, and whatever is between the dots.
fn is_awaited_call(tokens: &[TokenTree]) -> bool {
    let mut n_calls = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "await" => return n_calls > 0,
            TokenTree::Ident(_) if at > 0 => {}
            TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | '?') => {}
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis && at > 0 => {
                n_calls += 1;
            }
            _ => return false,
        }
    }
    false
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}
