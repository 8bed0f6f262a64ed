//! One member of an `impl` block: its attributes and its tokens up to the body, which is never looked into.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Signature, Visibility};

use super::groups;

/// What a handler is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Command,
    Event,
    Reaction,
    On,
    State,
    BeforeEvolve,
    Sync,
    AfterSync,
}

impl Role {
    const ALL: [Self; 8] = [
        Self::Command,
        Self::Event,
        Self::Reaction,
        Self::On,
        Self::State,
        Self::BeforeEvolve,
        Self::Sync,
        Self::AfterSync,
    ];

    /// The word of the attribute.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Event => "event",
            Self::Reaction => "reaction",
            Self::On => "on",
            Self::State => "state",
            Self::BeforeEvolve => "before_evolve",
            Self::Sync => "sync",
            Self::AfterSync => "after_sync",
        }
    }

    /// The attribute as people write it.
    pub(crate) fn attribute(self) -> String {
        format!("#[{}]", self.word())
    }

    fn of(path: &syn::Path) -> Option<Self> {
        let (first, last) = (path.segments.first()?, path.segments.last()?);
        let is_ours = path.segments.len() == 1 || first.ident == "sourced";
        let role = Self::ALL.into_iter().find(|role| last.ident == role.word());
        role.filter(|_| is_ours)
    }
}

/// An attribute of ours on a member.
pub(crate) struct Inner {
    /// What it says.
    pub(crate) role: Role,
    /// The attribute itself.
    pub(crate) attr: Attribute,
}

/// A member of the block.
pub(crate) struct Member {
    /// Attributes of ours, in order.
    pub(crate) inner: Vec<Inner>,
    /// All other attributes.
    pub(crate) attrs: Vec<Attribute>,
    /// Visibility and signature, or whatever else stands before the body.
    head: Vec<TokenTree>,
    /// The body, or the `;` in its place.
    body: Option<TokenTree>,
}

impl Member {
    /// Takes the next member. What is half typed ends where the next attribute or body begins.
    pub(crate) fn take(tokens: &mut std::iter::Peekable<impl Iterator<Item = TokenTree>>) -> Self {
        let mut member = Self {
            inner: Vec::new(),
            attrs: Vec::new(),
            head: Vec::new(),
            body: None,
        };
        while let Some(token) = tokens.next_if(|token| member.head.is_empty() || !is_pound(token)) {
            if is_pound(&token)
                && let Some(group) = tokens.next_if(is_bracketed)
            {
                member.attribute(token, group);
                continue;
            }
            let is_end = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';')
                || matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
            if is_end {
                member.body = Some(token);
                break;
            }
            member.head.push(token);
        }
        member
    }

    fn attribute(&mut self, pound: TokenTree, group: TokenTree) {
        let tokens = TokenStream::from_iter([pound.clone(), group.clone()]);
        match Attribute::parse_outer.parse2(tokens).as_deref() {
            Ok([attr]) => match Role::of(attr.path()) {
                Some(role) => self.inner.push(Inner {
                    role,
                    attr: attr.clone(),
                }),
                None => self.attrs.push(attr.clone()),
            },
            // Not an attribute yet: the compiler says more about it than we can.
            _ => self.head.extend([pound, group]),
        }
    }

    /// Whether it is a handler.
    pub(crate) fn is_handler(&self) -> bool {
        !self.inner.is_empty()
    }

    /// The signature, with the attributes of the parameters.
    pub(crate) fn signature(&self) -> syn::Result<(Visibility, Signature)> {
        let read = |input: ParseStream<'_>| Ok((input.parse()?, input.parse()?));
        read.parse2(groups::opened(self.head()))
    }

    /// Everything that may make a difference to what it does: its attributes but for docs, its signature and its body.
    pub(crate) fn code(&self) -> TokenStream {
        let is_code = |attr: &&Attribute| !attr.path().is_ident("doc");
        let ours = self.inner.iter().map(|inner| &inner.attr);
        let attrs = ours.chain(self.attrs.iter().filter(is_code));
        let (head, body) = (&self.head, &self.body);
        quote!(#(#attrs)* #(#head)* #body)
    }

    /// What is between the braces, if there are any.
    pub(crate) fn body(&self) -> TokenStream {
        match &self.body {
            Some(TokenTree::Group(body)) => body.stream(),
            _ => TokenStream::new(),
        }
    }

    /// The words before the body.
    pub(crate) fn head(&self) -> TokenStream {
        self.head.iter().cloned().collect()
    }
}

/// As the user wrote it, without our attributes and the attributes of handlers' parameters that are for the message.
///
/// In the place of our attributes stand permissions: the receiver and owned parameters are our demand, not the user's
/// wish, so lints about them would be noise.
impl ToTokens for Member {
    fn to_tokens(&self, out: &mut TokenStream) {
        let (attrs, body) = (&self.attrs, &self.body);
        if !self.is_handler() {
            let head = &self.head;
            return out.extend(quote!(#(#attrs)* #(#head)* #body));
        }
        let is_parameters = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
        let is_fn = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "fn");
        let mut seen_fn = false;
        let head = self.head.iter().cloned().map(|token| {
            seen_fn |= is_fn(&token);
            match token {
                TokenTree::Group(group) if seen_fn && is_parameters(&group.clone().into()) => {
                    seen_fn = false;
                    without_message_attrs(&group).into()
                }
                token => token,
            }
        });
        out.extend(
            quote!(#(#attrs)* #[allow(clippy::unused_self, clippy::needless_pass_by_value)]),
        );
        out.extend(head);
        body.to_tokens(out);
    }
}

/// The parameters with no attributes but those that Rust allows there.
fn without_message_attrs(parameters: &Group) -> Group {
    let mut out = TokenStream::new();
    let mut tokens = parameters.stream().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_pound(&token)
            && let Some(group) = tokens.next_if(is_bracketed)
        {
            if is_allowed_on_parameters(&group) {
                out.extend([token, group]);
            }
            continue;
        }
        out.extend([token]);
    }
    let mut group = Group::new(parameters.delimiter(), out);
    group.set_span(parameters.span());
    group
}

/// The attributes that Rust allows on parameters.
pub(crate) const ON_PARAMETERS: [&str; 7] = [
    "allow", "cfg", "cfg_attr", "deny", "expect", "forbid", "warn",
];

fn is_allowed_on_parameters(bracketed: &TokenTree) -> bool {
    let TokenTree::Group(group) = bracketed else {
        return false;
    };
    let first = group.stream().into_iter().next();
    let is_word = |ident: &Ident| ON_PARAMETERS.iter().any(|word| ident == word);
    matches!(first, Some(TokenTree::Ident(ident)) if is_word(&ident))
}

fn is_pound(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#')
}

fn is_bracketed(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket)
}
