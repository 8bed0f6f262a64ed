//! Checks of a struct that is to be a row, and of what is called for it after the commit.

use std::collections::HashSet;

use syn::{Data, DeriveInput, Fields, Meta, Type};

use super::parameters::otherwise;
use crate::diagnostics::Diagnostics;
use crate::model::given::type_arguments;
use crate::model::handler::Handler;
use crate::model::parameter::{Parameter, ParameterKind};
use crate::model::row::{Mark, RowModel};
use crate::names;

/// The item has to be a plain struct with named fields.
pub(crate) fn row_item(input: &DeriveInput, dx: &mut Diagnostics) {
    let name = &input.ident;
    let help = format!("write `struct {name} {{ #[key] id: Uuid, … }}`");
    let what = "a `Projection` is a struct with a named field for each column";
    match &input.data {
        Data::Enum(data) => dx.error(data.enum_token, what, help),
        Data::Union(data) => dx.error(data.union_token, what, help),
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) if input.generics.params.is_empty() => {}
            Fields::Named(_) => dx.error(
                &input.generics,
                "a `Projection` cannot be generic: it has one table",
                "remove the generic parameters, and name concrete types",
            ),
            Fields::Unnamed(fields) => dx.error(fields, what, help),
            Fields::Unit => dx.error(name, what, help),
        },
    }
}

/// The struct as a table.
pub(crate) fn row(model: &RowModel, dx: &mut Diagnostics) {
    if !names::is_column_name(&model.table) {
        dx.error(
            &model.ident,
            format!("`{}` cannot be the name of a table", model.table),
            format!(
                "write one: `#[projection(table = \"…\")]`; {}",
                names::COLUMN_NAME_HELP
            ),
        );
    }
    if model.keys().next().is_none() {
        dx.error(
            &model.ident,
            format!("the rows of `{}` have no key", model.ident),
            "write `#[key]` above the field that no two rows share, or above each of several",
        );
    }
    let mut seen = HashSet::new();
    for column in &model.columns {
        if !names::is_column_name(&column.name) {
            dx.error(
                &column.field,
                format!("`{}` cannot be the name of a column", column.name),
                format!(
                    "write one: `#[projection(column = \"…\")]`; {}",
                    names::COLUMN_NAME_HELP
                ),
            );
        }
        if !seen.insert(&column.name) {
            dx.error(
                &column.field,
                format!("`{}` already has a column `{}`", model.ident, column.name),
                "give one of them another name: `#[projection(column = \"…\")]`",
            );
        }
        for (mark, attr) in &column.marks {
            if !matches!(attr.meta, Meta::Path(_)) {
                let word = mark.word();
                let what = format!("`#[{word}]` takes no options");
                dx.error(&attr.meta, what, format!("write `#[{word}]`"));
            }
        }
        if let Some((second, attr)) = column.marks.get(1) {
            let first = column.marks[0].0.word();
            let why = if column.is(Mark::Key) {
                "a key is unique and searched by anyway"
            } else {
                "what is unique is searched by anyway"
            };
            dx.error(
                attr,
                format!(
                    "`{}` is both `#[{first}]` and `#[{}]`: {why}",
                    column.field,
                    second.word()
                ),
                "keep one of them",
            );
        }
        if let (None, Some(time)) = (&column.json, time_of_others(&column.ty)) {
            dx.error(
                time,
                format!("no column holds a `{}`", names::spoken(time)),
                "write `sourced::Timestamp`; or `#[projection(json)]` above the field, which is text to queries then",
            );
        }
        if let (Some(json), Some((mark, _))) = (&column.json, column.marks.first()) {
            dx.error(
                json,
                format!("`{}` is kept as JSON, which cannot be a `#[{}]`", column.field, mark.word()),
                "remove `json`, and implement `sourced::table::ColumnValue` for its type; or remove the mark",
            );
        }
    }
}

/// Times of other crates, which nobody but them and us can make columns of.
const TIMES: [&str; 6] = [
    "DateTime",
    "NaiveDateTime",
    "OffsetDateTime",
    "PrimitiveDateTime",
    "SystemTime",
    "Zoned",
];

/// Such a time, also one that may be missing.
fn time_of_others(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    // One of the user's own may be called `DateTime`, without a time zone.
    let is_plain = last.ident == "DateTime" && last.arguments.is_none();
    if TIMES.iter().any(|name| last.ident == name) && !is_plain {
        return Some(ty);
    }
    let inner = type_arguments(path)
        .next()
        .filter(|_| last.ident == "Option");
    inner.and_then(time_of_others)
}

/// A parameter of `#[after_sync]`, which is called for a row.
pub(super) fn of_after_sync(handler: &Handler, parameter: &Parameter, dx: &mut Diagnostics) {
    match parameter.meant() {
        ParameterKind::Context if parameter.is_principal() => dx.error(
            parameter,
            "`#[after_sync]` methods follow a batch, whose messages may be on behalf of many",
            "remove this parameter, and keep the principal in the row: `message.principal()` of a `&Message<…>`",
        ),
        ParameterKind::Context | ParameterKind::RowChange => otherwise(handler, parameter, dx),
        ParameterKind::Stream => dx.error(
            parameter,
            "`#[after_sync]` methods of a table are about a row, which may be of many streams",
            "remove this parameter, and keep the stream in the row",
        ),
        ParameterKind::Tx => dx.error(
            parameter,
            "`#[after_sync]` methods come after the transaction",
            "remove this parameter: the library reads and writes the rows",
        ),
        _ => dx.error(
            parameter,
            format!("`#[after_sync]` methods cannot take `{}`", names::spoken(&parameter.source.ty)),
            "take `RowChange`, `Res<…>`, `Now` or `Replaying`; keep what the events say in the row",
        ),
    }
}
