//! Messages: the structs that handlers define, and the traits of a struct that stands on its own.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use crate::model::block::Model;
use crate::model::handler::Handler;
use crate::model::message::MessageModel;
use crate::model::parameter::Field;
use crate::names;
use crate::parse::member::Role;

/// The struct that a handler defines, and its traits.
pub(crate) fn defined_by(model: &Model, handler: &Handler) -> TokenStream {
    let private = model.library.private();
    let name = names::message_of(handler.name());
    let (vis, cfgs, docs) = (&handler.vis, handler.cfgs(), docs(model, handler));
    let mut fields = handler.fields().peekable();
    let body = if fields.peek().is_some() {
        let fields = fields.map(|field| self::field(model, handler, field));
        quote!({ #(#fields),* })
    } else {
        quote!(;)
    };
    let serde = quote!(#private::serde).to_string().replace(' ', "");
    let stored = model.stored_name(handler);
    let traits = traits(&private, &name, handler.role, &stored, &cfgs);
    quote! {
        #cfgs
        #docs
        #[derive(
            ::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq,
            #private::serde::Serialize, #private::serde::Deserialize,
        )]
        #[serde(crate = #serde)]
        #vis struct #name #body
        #traits
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
pub(crate) fn definition(model: &MessageModel) -> (TokenStream, TokenStream) {
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
    let traits = traits(&private, &model.ident, model.role, &model.name, &model.cfgs);
    (quote!(#[derive(#(#missing),*)] #serde_crate), traits)
}

fn traits(
    private: &TokenStream,
    name: &Ident,
    role: Role,
    stored: &str,
    cfgs: &TokenStream,
) -> TokenStream {
    let kind = if role == Role::Command {
        quote!(Command)
    } else {
        quote!(Event)
    };
    let returned =
        (role == Role::Event).then(|| quote!(#cfgs #private::returned_by_commands!(#name);));
    quote! {
        #cfgs
        #[automatically_derived]
        impl #private::MessageType for #name {
            const NAME: &'static str = #stored;
            const KIND: #private::Kind = #private::Kind::#kind;
        }
        #cfgs
        #[automatically_derived]
        impl #private::#kind for #name {}
        #returned
    }
}
