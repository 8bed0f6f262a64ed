//! A struct that is a row of a table.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;
use syn::{Attribute, Data, DeriveInput, Field, Generics, Type, Visibility};

use super::Library;
use crate::diagnostics::Diagnostics;
use crate::names;
use crate::parse::row::{ON_FIELD, ON_STRUCT, RowOptions};

/// The struct under `#[derive(Projection)]`.
pub(crate) struct RowModel {
    /// Where the library is.
    pub(crate) library: Library,
    /// The struct.
    pub(crate) ident: Ident,
    /// Its visibility.
    pub(crate) vis: Visibility,
    /// Its generics, which are wrong.
    pub(crate) generics: Generics,
    /// What its table is called.
    pub(crate) table: String,
    /// Its fields.
    pub(crate) columns: Vec<ColumnModel>,
}

/// A field that is a column.
pub(crate) struct ColumnModel {
    /// The field.
    pub(crate) field: Ident,
    /// Its visibility.
    pub(crate) vis: Visibility,
    /// Its type.
    pub(crate) ty: Type,
    /// What the column is called.
    pub(crate) name: String,
    /// `#[key]`, `#[index]`, `#[unique]`, in order.
    pub(crate) marks: Vec<(Mark, Attribute)>,
    /// `json`, where it is written.
    pub(crate) json: Option<Ident>,
}

/// What a column is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Key,
    Index,
    Unique,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Key, Self::Index, Self::Unique];

    /// The word of the attribute, and of the row in generated code.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Index => "index",
            Self::Unique => "unique",
        }
    }
}

impl RowModel {
    /// Names what was read. What has no name is no column, which `check` says.
    pub(crate) fn build(input: &DeriveInput, dx: &mut Diagnostics) -> Self {
        let fields = match &input.data {
            Data::Struct(data) => data.fields.iter().collect(),
            _ => Vec::new(),
        };
        let options = RowOptions::read(&input.attrs, ON_STRUCT, dx);
        let snake = || names::snake(&input.ident.unraw().to_string());
        let columns = fields.into_iter();
        let columns = columns.filter_map(|field| ColumnModel::build(field, dx));
        Self {
            columns: columns.collect(),
            library: Library::new(options.krate.as_ref()),
            table: options.table.map_or_else(snake, |table| table.value()),
            ident: input.ident.clone(),
            vis: input.vis.clone(),
            generics: input.generics.clone(),
        }
    }

    /// The columns of the key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &ColumnModel> {
        self.columns.iter().filter(|column| column.is(Mark::Key))
    }
}

impl ColumnModel {
    fn build(field: &Field, dx: &mut Diagnostics) -> Option<Self> {
        let ident = field.ident.clone()?;
        let options = RowOptions::read(&field.attrs, ON_FIELD, dx);
        let of = |attr: &Attribute| {
            let mark = Mark::ALL
                .into_iter()
                .find(|mark| attr.path().is_ident(mark.word()));
            Some((mark?, attr.clone()))
        };
        Some(Self {
            name: match options.column {
                Some(name) => name.value(),
                None => ident.unraw().to_string(),
            },
            vis: field.vis.clone(),
            ty: field.ty.clone(),
            marks: field.attrs.iter().filter_map(of).collect(),
            json: options.json,
            field: ident,
        })
    }

    /// Whether it is marked so.
    pub(crate) fn is(&self, mark: Mark) -> bool {
        self.marks.iter().any(|(of, _)| *of == mark)
    }
}
