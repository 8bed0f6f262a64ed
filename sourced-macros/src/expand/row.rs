//! A row: a line per column, there and back, and its columns by their names.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::fields;
use crate::model::row::{ColumnModel, RowModel};
use crate::parse::row::KeyInput;

/// Everything beside the struct.
pub(crate) fn row(model: &RowModel) -> TokenStream {
    let private = model.library.private();
    let (ident, vis, table) = (&model.ident, &model.vis, &model.table);
    let columns = format_ident!("{}Columns", ident);
    let keys: Vec<&ColumnModel> = model.keys().collect();
    let (key_ty, key) = match keys.as_slice() {
        [one] => (one.ty.to_token_stream(), cloned(one)),
        several => {
            let types = several.iter().map(|column| &column.ty);
            let values = several.iter().map(|column| cloned(column));
            (quote!((#(#types),*)), quote!((#(#values),*)))
        }
    };
    let key_values = keys.iter().enumerate().map(|(at, column)| {
        let at = Literal::usize_unsuffixed(at);
        let part = if keys.len() == 1 {
            quote!(key)
        } else {
            quote!(&key.#at)
        };
        let kept = kept_as(model, column);
        quote!(to.put(#kept, #part)?;)
    });
    let describe = model.columns.iter().map(|column| describe(model, column));
    let write = model.columns.iter().map(|column| {
        let field = &column.field;
        let put = kept_as(model, column).map(|kept| quote!(to.put(#kept, &self.#field)?;));
        put.unwrap_or_else(|| quote!(to.json(&self.#field)?;))
    });
    let read = model.columns.iter().map(|column| {
        let field = &column.field;
        let take = kept_as(model, column).map(|kept| quote!(#field: from.take(#kept)?));
        take.unwrap_or_else(|| quote!(#field: from.json()?))
    });
    let of_columns = || {
        let columns = model.columns.iter().enumerate();
        columns.filter(|(_, column)| column.json.is_none())
    };
    let fields = of_columns().map(|(_, column)| {
        let (vis, field, ty) = (&column.vis, &column.field, &column.ty);
        let docs = format!(" The column `{}`.", column.name);
        quote!(#[doc = #docs] #vis #field: #private::Column<#ident, #ty>)
    });
    let values = of_columns().map(|(at, column)| {
        let (field, at) = (&column.field, Literal::usize_unsuffixed(at));
        quote!(#field: #private::Column::new(#at))
    });
    let docs = format!(" The columns of [`{ident}`], for queries.");
    let key_of = key_of(model);
    quote! {
        #[doc = #docs]
        #[allow(dead_code)]
        #[derive(Debug)]
        #vis struct #columns { #(#fields),* }
        #[automatically_derived]
        impl #private::Row for #ident {
            type Key = #key_ty;
            type Columns = #columns;
            const TABLE: &'static str = #table;
            const COLUMNS: Self::Columns = #columns { #(#values),* };
            fn describe(columns: &mut #private::Describe) {
                #(#describe)*
            }
            fn key(&self) -> Self::Key {
                #key
            }
            fn key_values(
                key: &Self::Key,
                to: &mut #private::ToRow,
            ) -> ::core::result::Result<(), #private::ColumnError> {
                #(#key_values)*
                ::core::result::Result::Ok(())
            }
            fn write(
                &self,
                to: &mut #private::ToRow,
            ) -> ::core::result::Result<(), #private::ColumnError> {
                #(#write)*
                ::core::result::Result::Ok(())
            }
            fn read(
                from: &mut #private::FromRow,
            ) -> ::core::result::Result<Self, #private::ColumnError> {
                ::core::result::Result::Ok(Self { #(#read),* })
            }
        }
        #key_of
    }
}

/// What others need of a struct that is wrong, so that it is the only mistake: nothing of it runs.
pub(crate) fn broken_row(model: &RowModel) -> TokenStream {
    let private = model.library.private();
    let (ident, vis) = (&model.ident, &model.vis);
    let columns = format_ident!("{}Columns", ident);
    let (impl_generics, ty_generics, _) = model.generics.split_for_impl();
    let ty = fields::lasting(&syn::parse_quote!(#ident #ty_generics));
    let generics = fields::without_lifetimes(model.generics.clone());
    let bounds = (!generics.params.is_empty())
        .then(|| quote!(where #ty: ::core::marker::Send + ::core::marker::Sync + 'static));
    let impl_generics = if bounds.is_some() {
        quote!(#impl_generics)
    } else {
        quote!()
    };
    // Of one type whose parts last; else its columns are as unknown as it is.
    let known = model.columns.iter().filter(|_| bounds.is_none());
    let (names, types): (Vec<_>, Vec<_>) = known
        .map(|column| (&column.field, fields::lasting(&column.ty)))
        .unzip();
    let keys = model.keys().filter(|_| bounds.is_none());
    let keys: Vec<_> = keys.map(|column| fields::lasting(&column.ty)).collect();
    let key_ty = match keys.as_slice() {
        [one] => one.to_token_stream(),
        several => quote!((#(#several),*)),
    };
    let (never, key_of) = (quote!(::core::unreachable!()), key_of(model));
    quote! {
        #[allow(dead_code)]
        #[derive(Debug)]
        #vis struct #columns { #(#names: #private::Column<#ty, #types>),* }
        #[automatically_derived]
        impl #impl_generics #private::Row for #ty #bounds {
            type Key = #key_ty;
            type Columns = #columns;
            const TABLE: &'static str = "";
            const COLUMNS: Self::Columns = #columns { #(#names: #private::Column::new(0)),* };
            fn describe(_: &mut #private::Describe) { #never }
            fn key(&self) -> Self::Key { #never }
            fn key_values(
                _: &Self::Key,
                _: &mut #private::ToRow,
            ) -> ::core::result::Result<(), #private::ColumnError> { #never }
            fn write(
                &self,
                _: &mut #private::ToRow,
            ) -> ::core::result::Result<(), #private::ColumnError> { #never }
            fn read(
                _: &mut #private::FromRow,
            ) -> ::core::result::Result<Self, #private::ColumnError> { #never }
        }
        #key_of
    }
}

/// A macro under the name of the struct, by which `#[projector]` finds out what the fields of the key are called.
fn key_of(model: &RowModel) -> TokenStream {
    let private = model.library.private();
    let name = format_ident!("__sourced_key_of_{}", model.ident);
    let ident = &model.ident;
    let fields = model.keys().map(|column| &column.field);
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros)]
        macro_rules! #name {
            ($($event:tt)*) => { #private::key! { (#(#fields)*) $($event)* } };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        pub(crate) use #name as #ident;
    }
}

/// The key of an event: its fields, or the one, said where the event is named.
pub(crate) fn key(input: &KeyInput) -> TokenStream {
    let span = input.event.span();
    // It means what it meant, and what is wrong is said where the event is named.
    let payload: TokenStream = input
        .payload
        .clone()
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        })
        .collect();
    let values = input.fields.iter().map(|field| {
        let mut field = field.clone();
        field.set_span(span);
        quote_spanned!(span=> ::core::clone::Clone::clone(&#payload.#field))
    });
    if input.fields.len() == 1 {
        quote!(#(#values)*)
    } else {
        quote!((#(#values),*))
    }
}

fn cloned(column: &ColumnModel) -> TokenStream {
    let field = &column.field;
    quote!(::core::clone::Clone::clone(&self.#field))
}

/// `columns.unique("email", kept::<String>());`, at the type: what is wrong with it is said there.
fn describe(model: &RowModel, column: &ColumnModel) -> TokenStream {
    let (ty, name) = (&column.ty, &column.name);
    let Some(kept) = kept_as(model, column) else {
        return quote_spanned!(ty.span()=> columns.json::<#ty>(#name););
    };
    match column.marks.first() {
        None => quote!(columns.column(#name, #kept);),
        Some((mark, _)) => {
            let row = Ident::new(mark.word(), ty.span());
            quote_spanned!(ty.span()=> columns.#row::<#ty>(#name, #kept);)
        }
    }
}

/// `kept::<String>()`, at the type: the same call for each use, so that what is wrong with the type is said once. `None` for
/// what is kept as JSON.
fn kept_as(model: &RowModel, column: &ColumnModel) -> Option<TokenStream> {
    let (ty, span) = (&column.ty, column.ty.span());
    let there = model.library.private_at(span);
    let kept = quote_spanned!(span=> #there::kept::<#ty>());
    column.json.is_none().then_some(kept)
}
