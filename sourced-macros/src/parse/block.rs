//! An `impl` block with its bodies untouched.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Generics, Token, Type};

use super::groups;
use super::member::Member;

/// An `impl` block: its head as tokens, and its members.
///
/// Members are told apart by their tokens alone, so that a block with half-typed handlers comes out as it went in.
pub(crate) struct Block {
    head: TokenStream,
    braces: Group,
    /// The members, in order.
    pub(crate) members: Vec<Member>,
}

/// What stands before the braces.
pub(crate) struct Head {
    /// The attributes of the block.
    pub(crate) attrs: Vec<Attribute>,
    /// Its generics, and what is said of them.
    pub(crate) generics: Generics,
    /// The type.
    pub(crate) self_ty: Type,
    /// The trait, where it is an implementation of one.
    pub(crate) trait_ty: Option<Type>,
}

impl Block {
    /// Takes the item apart at its last braces; gives it back when there are none.
    pub(crate) fn split(item: TokenStream) -> Result<Self, TokenStream> {
        let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
        let Some(TokenTree::Group(braces)) = tokens.pop() else {
            return Err(item);
        };
        if braces.delimiter() != Delimiter::Brace {
            return Err(item);
        }
        let mut members = Vec::new();
        let mut rest = braces.stream().into_iter().peekable();
        while rest.peek().is_some() {
            members.push(Member::take(&mut rest));
        }
        Ok(Self {
            head: tokens.into_iter().collect(),
            braces,
            members,
        })
    }

    /// Reads what stands before the braces.
    pub(crate) fn head(&self) -> syn::Result<Head> {
        let read = |input: ParseStream<'_>| {
            let attrs = input.call(Attribute::parse_outer)?;
            input.parse::<Option<Token![unsafe]>>()?;
            input.parse::<Token![impl]>()?;
            let mut generics: Generics = input.parse()?;
            let mut self_ty: Type = input.parse()?;
            let mut trait_ty = None;
            if input.parse::<Option<Token![for]>>()?.is_some() {
                trait_ty = Some(std::mem::replace(&mut self_ty, input.parse()?));
            }
            generics.where_clause = input.parse()?;
            Ok(Head {
                attrs,
                generics,
                self_ty,
                trait_ty,
            })
        };
        read.parse2(groups::opened(self.head.clone()))
    }
}

/// As the user wrote it, without our attributes.
impl ToTokens for Block {
    fn to_tokens(&self, out: &mut TokenStream) {
        let members = &self.members;
        let mut braces = Group::new(Delimiter::Brace, quote!(#(#members)*));
        braces.set_span(self.braces.span());
        self.head.to_tokens(out);
        out.extend([TokenTree::from(braces)]);
    }
}
