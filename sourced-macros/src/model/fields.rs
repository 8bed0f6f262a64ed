//! Types of fields: what a message cannot hold, and the type that was probably meant.

use std::iter::Peekable;

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, ItemStruct, Type, TypeParamBound};

/// Why a message cannot hold a field of some type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// `&str`, `Cow<'_, str>`: it ends with the call.
    Borrowed,
    /// `Self`: in the struct, that is the message.
    OfSelf,
    /// `Rc`: it stays in one thread.
    OfOneThread,
    /// `Cell`, `Mutex`: somebody may change it.
    Changing,
    /// `dyn`, `impl`, `fn`, `*const`: nobody can read it back.
    Nameless,
}

const CHANGING: [&str; 8] = [
    "Cell",
    "RefCell",
    "UnsafeCell",
    "OnceCell",
    "LazyCell",
    "Mutex",
    "RwLock",
    "OnceLock",
];

/// The first token that makes a type unfit for a field, and why.
pub(crate) fn unfit(ty: &TokenStream) -> Option<(TokenStream, Unfit)> {
    let mut tokens = ty.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        let why = match &token {
            TokenTree::Punct(punct) => match punct.as_char() {
                '&' => Some(Unfit::Borrowed),
                '*' => Some(Unfit::Nameless),
                '\'' => match tokens.peek() {
                    Some(TokenTree::Ident(name)) if name != "static" => {
                        let name = tokens.next();
                        return Some((quote!(#token #name), Unfit::Borrowed));
                    }
                    _ => None,
                },
                _ => None,
            },
            TokenTree::Ident(ident) => match ident.to_string().as_str() {
                "Self" => Some(Unfit::OfSelf),
                "Rc" => Some(Unfit::OfOneThread),
                "dyn" | "impl" | "fn" => Some(Unfit::Nameless),
                // Only what has something in it: a type of the user's own may have the name alone.
                word if CHANGING.contains(&word) && tokens.peek().is_some_and(opens) => {
                    Some(Unfit::Changing)
                }
                _ => None,
            },
            // What runs when the type is made, such as the length of an array.
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => None,
            TokenTree::Group(group) => match unfit(&group.stream()) {
                Some(found) => return Some(found),
                None => None,
            },
            TokenTree::Literal(_) => None,
        };
        if let Some(why) = why {
            return Some((token.into(), why));
        }
    }
    None
}

fn opens(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '<')
}

/// What stands around a type: the type of the block, and the generics of the method.
pub(crate) struct Around<'a> {
    /// What `Self` is.
    pub(crate) this: TokenStream,
    /// Those of the method.
    pub(crate) generics: &'a Generics,
}

impl Around<'_> {
    /// The type that a field probably is to have: `String` for `&str`, `Vec<Cart>` for `&[Self]`.
    pub(crate) fn owned(&self, ty: &Type) -> Type {
        let fallback = || ty.clone();
        match ty {
            Type::ImplTrait(of) => self.of_bounds(&of.bounds).unwrap_or_else(string),
            Type::TraitObject(_) => string(),
            _ => {
                let tokens = self.owned_tokens(ty.to_token_stream());
                syn::parse2(tokens).unwrap_or_else(|_| fallback())
            }
        }
    }

    fn owned_tokens(&self, tokens: TokenStream) -> TokenStream {
        let mut out = TokenStream::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '&' => {
                    self.referred(&mut tokens, &mut out);
                }
                TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                    tokens.next();
                    out.extend(lifetime_static(punct.span()));
                }
                TokenTree::Ident(ident) => self.word(ident, &mut tokens, &mut out),
                TokenTree::Group(group) => {
                    let inner = self.owned_tokens(group.stream());
                    let mut owned = Group::new(group.delimiter(), inner);
                    owned.set_span(group.span());
                    out.extend([TokenTree::from(owned)]);
                }
                token => out.extend([token]),
            }
        }
        out
    }

    /// What stands behind `&`.
    fn referred(
        &self,
        tokens: &mut Peekable<impl Iterator<Item = TokenTree>>,
        out: &mut TokenStream,
    ) {
        let is_quote =
            |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        if tokens.next_if(is_quote).is_some() {
            tokens.next();
        }
        _ = tokens.next_if(|token| matches!(token, TokenTree::Ident(word) if word == "mut"));
        let is_text = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "str");
        let is_list = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && !is_array(group));
        if let Some(text) = tokens.next_if(is_text) {
            out.extend([TokenTree::from(Ident::new("String", text.span()))]);
        } else if let Some(TokenTree::Group(list)) = tokens.next_if(is_list) {
            let of = self.owned_tokens(list.stream());
            out.extend(quote!(Vec<#of>));
        }
    }

    fn word(
        &self,
        ident: Ident,
        tokens: &mut Peekable<impl Iterator<Item = TokenTree>>,
        out: &mut TokenStream,
    ) {
        let is_in_path =
            out.clone().into_iter().last().is_some_and(
                |last| matches!(last, TokenTree::Punct(punct) if punct.as_char() == ':'),
            );
        match ident.to_string().as_str() {
            "Self" => self.this.to_tokens(out),
            "Rc" if is_in_path => out.extend(quote!(Arc)),
            "Rc" => out.extend(quote!(std::sync::Arc)),
            "rc" => out.extend(quote!(sync)),
            "dyn" => {
                out.extend([TokenTree::from(ident)]);
                let ends = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if matches!(punct.as_char(), '>' | ','));
                while let Some(token) = tokens.next_if(|token| !ends(token)) {
                    out.extend([token]);
                }
                out.extend(quote!(+ Send + Sync));
            }
            word if CHANGING.contains(&word) && tokens.peek().is_some_and(opens) => {
                *out = without_path(std::mem::take(out));
                out.extend(self.owned_tokens(inside(tokens)));
            }
            _ => match self.of_parameter(&ident) {
                Some(ty) if !is_in_path => ty.to_tokens(out),
                _ => out.extend([TokenTree::from(ident)]),
            },
        }
    }

    /// What a generic parameter of the method probably is.
    fn of_parameter(&self, name: &Ident) -> Option<Type> {
        let parameter = self.generics.params.iter().find_map(|param| match param {
            GenericParam::Type(param) if param.ident == *name => Some(param),
            _ => None,
        })?;
        Some(self.of_bounds(&parameter.bounds).unwrap_or_else(string))
    }

    /// `String` for `Into<String>`, `Vec<u32>` for `IntoIterator<Item = u32>`.
    fn of_bounds<'b>(&self, bounds: impl IntoIterator<Item = &'b TypeParamBound>) -> Option<Type> {
        let first = bounds.into_iter().find_map(|bound| match bound {
            TypeParamBound::Trait(of) => of.path.segments.last(),
            _ => None,
        })?;
        let name = first.ident.to_string();
        let arguments = first.arguments.to_token_stream().into_iter();
        let inner: Vec<TokenTree> = arguments.collect();
        let inner = inner
            .get(1..inner.len().saturating_sub(1))
            .unwrap_or_default();
        let after_equals =
            |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=');
        let start = inner.iter().position(after_equals).map_or(0, |at| at + 1);
        let of = self.owned_tokens(inner[start..].iter().cloned().collect());
        let owned = match name.as_str() {
            "Into" => of,
            "Iterator" | "IntoIterator" => quote!(Vec<#of>),
            _ => return None,
        };
        syn::parse2(owned).ok()
    }

    /// The event that a command probably is to return which says `impl Into<ItemAdded>`.
    pub(crate) fn returned(&self, ty: &Type) -> Option<Type> {
        match ty {
            Type::ImplTrait(of) => self.of_bounds(&of.bounds),
            _ => None,
        }
    }
}

/// The struct of a message with fields that it can hold; `None` where they are so already.
pub(crate) fn mended(item: &TokenStream) -> Option<TokenStream> {
    let mut item: ItemStruct = syn::parse2(item.clone()).ok()?;
    let (this, generics) = (item.ident.to_token_stream(), item.generics.clone());
    let around = Around {
        this,
        generics: &generics,
    };
    let mut is_mended = false;
    for field in &mut item.fields {
        let unfit = unfit(&field.ty.to_token_stream());
        if unfit.is_some_and(|(_, why)| why != Unfit::OfSelf) {
            field.ty = around.owned(&field.ty);
            is_mended = true;
        }
    }
    is_mended.then(|| item.into_token_stream())
}

/// The same type, of owned parts: `Cart<'static>` for `Cart<'_>`.
pub(crate) fn lasting(ty: &Type) -> Type {
    let around = Around {
        this: TokenStream::new(),
        generics: &Generics::default(),
    };
    around.owned(ty)
}

/// Generics of owned parts.
pub(crate) fn without_lifetimes(mut generics: Generics) -> Generics {
    let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
    let others = generics.params.into_iter().filter(|it| !is_lifetime(it));
    generics.params = others.collect();
    generics
}

/// Without the `std::cell::` at its end.
fn without_path(tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    while is_colon(tokens.last()) {
        tokens.truncate(tokens.len().saturating_sub(2));
        tokens.pop_if(|last| matches!(last, TokenTree::Ident(_)));
    }
    tokens.into_iter().collect()
}

/// What is between the next `<` and its `>`.
fn inside(tokens: &mut impl Iterator<Item = TokenTree>) -> TokenStream {
    let mut depth = 0_u32;
    let is = |token: &TokenTree, char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == char);
    let within = tokens.by_ref().take_while(|token| {
        if is(token, '<') {
            depth += 1;
        } else if is(token, '>') {
            depth -= 1;
        }
        depth > 0
    });
    within.skip(1).collect()
}

fn string() -> Type {
    syn::parse_quote!(String)
}

fn is_array(brackets: &Group) -> bool {
    let mut tokens = brackets.stream().into_iter();
    tokens.any(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';'))
}

fn lifetime_static(span: Span) -> [TokenTree; 2] {
    let mut quote = Punct::new('\'', Spacing::Joint);
    quote.set_span(span);
    [quote.into(), Ident::new("static", span).into()]
}
