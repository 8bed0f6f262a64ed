//! Messages: the structs that handlers define, and the traits of a struct that stands on its own.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Path};

use crate::model::Library;
use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::message::{MessageModel, Past};
use crate::model::parameter::{Field, Parameter, is_cfg};
use crate::names;
use crate::parse::member::Role;

/// The struct that a handler defines, and its traits.
pub(crate) fn defined_by(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let name = handler.defines.clone();
    let (vis, cfgs, docs) = (&handler.vis, handler.cfgs(), docs(model, handler));
    let mut fields = handler.fields().peekable();
    // What is wrong with the struct as a whole, such as a second one of its name, is said at the method.
    let at = Span::call_site().located_at(handler.name().span());
    let body = if fields.peek().is_some() {
        let fields = fields.map(|field| self::field(model, handler, field));
        quote_spanned!(at=> { #(#fields),* })
    } else {
        quote_spanned!(at=> ;)
    };
    let keyword = quote_spanned!(at=> struct);
    let serde = LitStr::new(&quote!(#private::serde).to_string().replace(' ', ""), at);
    let stored = model.stored_name(handler);
    let past = model.past(handler);
    let derives = &model.derives;
    let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let first_rule = handler.fields().find_map(Field::rules);
    let rules = first_rule
        .map(|rule| quote_spanned!(rule.path().span()=> #[derive(::garde::Validate)] #[garde(allow_unvalidated)]));
    let is_derived = |name: &str| {
        let last = |path: &Path| path.segments.last().is_some_and(|last| last.ident == name);
        model.derives.iter().any(last)
    };
    let rules_row = match first_rule {
        Some(rule) => {
            let private = model.library.private_at(rule.path().span());
            Some(quote_spanned!(rule.path().span()=> #private::rules_of_parameters!();))
        }
        None => is_derived("Validate").then(|| quote!(#private::rules!();)),
    };
    let extras = if handler.is_broken {
        TokenStream::new()
    } else {
        extras(&private, rules_row.as_ref(), is_derived("JsonSchema"))
    };
    let traits = traits(
        &model.library,
        &name,
        handler.role,
        &stored,
        &past,
        &extras,
        &cfgs,
    );
    if handler.is_broken {
        // Whatever its fields are, they are no mistakes of their own.
        return quote! {
            #cfgs
            #[allow(dead_code)]
            #vis #keyword #name #body
            #cfgs
            #private::broken_message!(#name);
            #traits
        };
    }
    let there = model.library.private_at(at);
    let own_derives = quote_spanned! {at=>
        #[derive(
            ::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq,
            #there::serde::Serialize, #there::serde::Deserialize,
        )]
    };
    let asked = handler.suspect().map(|field| asked(model, handler, field));
    quote! {
        #cfgs
        #docs
        #own_derives
        #[serde(crate = #serde)]
        #derives
        #rules
        #vis #keyword #name #body
        #traits
        #asked
    }
}

/// Asks the compiler whether the field is a message, which the macro cannot see.
fn asked(model: &Model, handler: &Handler, field: &Parameter) -> TokenStream {
    let (cfgs, ty, span) = (handler.cfgs(), &field.source.ty, field.source.ty.span());
    let there = model.library.private_at(span);
    let attribute = handler.role.attribute();
    let text = format!(
        "`{attribute}` takes a message that is defined elsewhere by reference\n\nhelp: write `&{}`",
        names::spoken(ty)
    );
    let kind = kind(handler.role);
    quote_spanned! {span=>
        #cfgs
        const _: () = {
            #[allow(unused_imports)]
            use #there::IsNoMessage as _;
            if let #there::Some(#there::Kind::#kind) = #there::Asked::<#ty>::KIND {
                ::core::panic!(#text)
            }
        };
    }
}

fn kind(role: Role) -> TokenStream {
    if role == Role::Command {
        quote!(Command)
    } else {
        quote!(Event)
    }
}

fn field(model: &Model, handler: &Handler, field: Field<'_>) -> TokenStream {
    let (vis, name, attrs) = (&handler.vis, field.name, field.attrs());
    let ty = if field.is_stream {
        let private = model.library.private();
        quote!(#private::StreamId)
    } else {
        field.ty.to_token_stream()
    };
    let docs = (!field.is_documented()).then(|| {
        let text = format!(" See `{}::{}`.", model.ident, handler.name());
        quote!(#[doc = #text])
    });
    let attrs = attrs.filter(|attr| !handler.is_broken || is_cfg(attr));
    // A trait that the type lacks is said at the type: the compiler takes a field to begin with its visibility.
    let at = ty.span();
    let vis: TokenStream = vis
        .to_token_stream()
        .into_iter()
        .map(|mut word| {
            word.set_span(word.span().located_at(at));
            word
        })
        .collect();
    quote!(#docs #(#attrs)* #vis #name: #ty)
}

fn docs(model: &Model, handler: &Handler) -> TokenStream {
    let docs: TokenStream = handler.docs().map(ToTokens::to_token_stream).collect();
    if !docs.is_empty() {
        return docs;
    }
    let text = format!(
        " The {} of `{}::{}`.",
        handler.role.word(),
        model.ident,
        handler.name()
    );
    quote!(#[doc = #text])
}

/// The traits of a struct that stands on its own, and the derives that it lacks.
///
/// Of one that is broken, which was said, as little as its calls need.
pub(crate) fn definition(model: &MessageModel, is_broken: bool) -> (TokenStream, TokenStream) {
    let private = model.library.private();
    let lacks = |name: &str| !model.derives.iter().any(|derived| derived == name);
    let std = [
        ("Debug", quote!(::core::fmt::Debug)),
        ("Clone", quote!(::core::clone::Clone)),
        ("PartialEq", quote!(::core::cmp::PartialEq)),
    ];
    let serde = [
        ("Serialize", quote!(#private::serde::Serialize)),
        ("Deserialize", quote!(#private::serde::Deserialize)),
    ];
    let by_us = serde.iter().any(|(name, _)| lacks(name)) && !model.has_serde_crate;
    let missing: Vec<_> = std
        .into_iter()
        .chain(serde)
        .filter(|(name, _)| lacks(name))
        .collect();
    let missing = missing.iter().map(|(_, path)| path);
    let serde_crate = by_us.then(|| {
        let path = quote!(#private::serde).to_string().replace(' ', "");
        quote!(#[serde(crate = #path)])
    });
    let rules = (!lacks("Validate")).then(|| quote!(#private::rules!();));
    let extras = extras(&private, rules.as_ref(), !lacks("JsonSchema"));
    let traits = traits(
        &model.library,
        &model.ident,
        model.role,
        &model.name,
        &model.past,
        &extras,
        &model.cfgs,
    );
    if is_broken && model.derives.is_empty() {
        let (ident, cfgs) = (&model.ident, &model.cfgs);
        let traits = quote!(#cfgs #private::broken_message!(#ident); #traits);
        return (TokenStream::new(), traits);
    }
    (quote!(#[derive(#(#missing),*)] #serde_crate), traits)
}

fn traits(
    library: &Library,
    name: &Ident,
    role: Role,
    stored: &str,
    past: &Past,
    extras: &TokenStream,
    cfgs: &TokenStream,
) -> TokenStream {
    let private = library.private();
    let kind = kind(role);
    let returned =
        (role == Role::Event).then(|| quote!(#cfgs #private::returned_by_commands!(#name);));
    let aliases = &past.aliases;
    let aliases = (!aliases.is_empty())
        .then(|| quote!(const ALIASES: &'static [&'static str] = &[#(#aliases),*];));
    let was = past.was.as_ref();
    let check = was.map(|old| {
        let private = library.private_at(old.span());
        quote_spanned!(old.span()=> #cfgs const _: () = #private::check_was::<#name, #old>();)
    });
    let versions = was.map(|old| versions(&private, old));
    let message_type = quote! {
        const NAME: &'static str = #stored;
        const KIND: #private::Kind = #private::Kind::#kind;
        #aliases
        #versions
        #extras
    };
    // A second definition of the name is said where the message is defined.
    let at = Span::call_site().located_at(name.span());
    let there = library.private_at(at);
    let message_type = quote_spanned!(at=> impl #there::MessageType for #name { #message_type });
    let of_kind = quote_spanned!(at=> impl #there::#kind for #name {});
    quote! {
        #cfgs
        #[automatically_derived]
        #message_type
        #check
        #cfgs
        #[automatically_derived]
        #of_kind
        #returned
    }
}

/// What derives add: of other crates, rules and a schema, where the features for them are on.
fn extras(private: &TokenStream, rules: Option<&TokenStream>, has_schema: bool) -> TokenStream {
    let schema = has_schema.then(|| quote!(#private::schema!();));
    quote! {
        fn is_same(&self, other: &Self) -> bool {
            self == other
        }
        #rules
        #schema
    }
}

/// How an older type is read.
fn versions(private: &TokenStream, old: &Path) -> TokenStream {
    // A circle is said there.
    let number = quote_spanned! {old.span()=>
        const N_OLDER: usize = 1 + <#old as #private::MessageType>::N_OLDER;
    };
    quote! {
        #number
        fn names() -> #private::Vec<&'static str> {
            #private::names_with::<Self, #old>()
        }
        fn read(
            type_name: &str,
            payload: &#private::Payload,
        ) -> ::core::result::Result<Self, #private::PayloadError> {
            #private::read_since::<Self, #old>(type_name, payload)
        }
        fn samplers() -> #private::Vec<#private::Sampler> {
            #private::samplers_with::<Self, #old>()
        }
    }
}
