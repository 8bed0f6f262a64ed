//! Snapshots of an actor: how often, and of what code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitInt;

use crate::parse::member::{Member, Role};
use crate::parse::options::Options;

/// What is said of the snapshots of an actor, and what is seen.
pub(crate) struct Snapshots {
    /// The number of events from one to the next.
    pub(crate) every: LitInt,
    /// A hash of the methods that make and change the state.
    pub(crate) code: u64,
    /// What the user says of everything else.
    pub(crate) version: Option<LitInt>,
}

impl Snapshots {
    /// As the options say; `None` when there are to be none.
    pub(super) fn build(options: &Options, members: &[Member]) -> Option<Self> {
        let makes_state = |member: &&Member| {
            let roles = [Role::Event, Role::BeforeEvolve, Role::State];
            member.inner.iter().any(|inner| roles.contains(&inner.role))
        };
        let mut code = Hash::new();
        for member in members.iter().filter(makes_state) {
            code.tokens(member.code());
        }
        Some(Self {
            every: options.snapshot_every.clone()?,
            code: code.0,
            version: options.snapshot_version.clone(),
        })
    }
}

/// FNV-1a of 64 bits over tokens, without their places and the space between them: neither a formatter nor the way in which
/// a compiler prints tokens makes a difference. What it gives is compared with what was stored, so it never changes.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        // Around what a `macro_rules` macro passes on, where somebody else has nothing.
                        Delimiter::None => ("", ""),
                    };
                    self.word(open);
                    self.tokens(group.stream());
                    self.word(close);
                }
                TokenTree::Ident(ident) => self.word(&ident.to_string()),
                TokenTree::Punct(punct) => self.word(punct.as_char().encode_utf8(&mut [0; 4])),
                TokenTree::Literal(literal) => self.word(&literal.to_string()),
            }
        }
    }

    /// With an end that no word has in it.
    fn word(&mut self, word: &str) {
        for byte in word.bytes().chain((!word.is_empty()).then_some(0)) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hash;

    fn hash(code: &str) -> u64 {
        let mut hash = Hash::new();
        hash.tokens(code.parse().unwrap());
        hash.0
    }

    #[test]
    fn only_a_change_of_tokens_changes_the_hash() {
        let code = "fn added(&mut self, n: u32) { self.total += n; self.list[0].add(n) }";
        let spaced = "fn added ( & mut self ,\n n : u32 )\n{ self . total += n; // a comment\n self.list[0].add(n) }";
        assert_eq!(hash(code), hash(spaced));
        for other in [
            code.replace("+=", "-="),
            code.replace("total", "sum"),
            code.replace("[0]", "[1]"),
            code.replace("[0]", "(0)"),
            code.replace("u32", "u64"),
            code.replace("n; self", "n, self"),
            code.replace("self.list[0]", "selflist[0]"),
        ] {
            assert_ne!(hash(code), hash(&other), "{other}");
        }
    }

    #[test]
    fn the_hash_of_tokens_is_for_ever() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("total += 1"), 0x8362_74cf_ad4e_b148);
    }
}
