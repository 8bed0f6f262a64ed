//! Rows of a table as tests compare them, column by column.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;
use sourced::backend::{Table, Value, Values};
use sourced::table::{Row, values_of};

use crate::diff::{self, LEGEND};
use crate::telling::{fields_under, line};

/// What is expected of the rows of a table.
pub(crate) struct Rows {
    table: Table,
    expected: BTreeMap<Values, Fields>,
}

/// What a row says, by its columns and the paths in them.
type Fields = Vec<(String, String)>;

impl Rows {
    /// These rows and no others.
    ///
    /// # Errors
    /// What is wrong with the expectation.
    pub(crate) fn expected<R: Row>(
        table: Table,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Self, String> {
        let mut expected = BTreeMap::new();
        for row in rows {
            let row = values_of(&table, &row);
            let row = row.map_err(|error| format!("an expected row cannot be there: {error}"))?;
            let (key, fields) = (table.key_of(&row), fields(&table, &row));
            if let Some(other) = expected.insert(key, fields.clone()) {
                let (one, other) = (told(&fields), told(&other));
                return Err(format!(
                    "two of the rows that are expected have the same key\n\n    {other}\n    {one}\n"
                ));
            }
        }
        Ok(Self { table, expected })
    }

    /// Compares them with those that there are.
    ///
    /// # Errors
    /// The differences.
    pub(crate) fn compare(&self, came: &[Values]) -> Result<(), String> {
        let came = came.iter().map(|row| {
            let key = self.table.key_of(row);
            (key, fields(&self.table, row))
        });
        let came: BTreeMap<Values, Fields> = came.collect();
        let mut keys: Vec<&Values> = self.expected.keys().chain(came.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let (mut text, mut differ) = (String::new(), false);
        for key in keys {
            // Writing to a string cannot fail.
            _ = match (self.expected.get(key), came.get(key)) {
                (Some(expected), Some(came)) if expected == came => {
                    writeln!(text, "    {}", told(came))
                }
                (Some(expected), Some(came)) => {
                    differ = true;
                    let fields = diff::fields(expected, came);
                    writeln!(text, "    {{\n{fields}    }}")
                }
                (expected, came) => {
                    differ = true;
                    let rows = [("-", expected), ("+", came)];
                    let mut rows = rows
                        .into_iter()
                        .filter_map(|(sign, row)| Some((sign, row?)));
                    rows.try_for_each(|(sign, row)| writeln!(text, "  {sign} {}", told(row)))
                }
            };
        }
        if !differ {
            return Ok(());
        }
        let name = self.table.name;
        Err(format!(
            "the rows of `{name}` are not those expected {LEGEND}\n\n{text}"
        ))
    }
}

/// `{ todo_id: 3, title: "reap" }`
fn told(fields: &Fields) -> String {
    let fields = fields.iter().map(|(name, value)| line(name, value));
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

fn fields(table: &Table, row: &Values) -> Fields {
    let mut fields = Vec::new();
    for (column, value) in table.columns.iter().zip(row) {
        let value = match value {
            Value::Null => Json::Null,
            Value::Bool(is) => Json::from(*is),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Text(text) => Json::from(text.as_str()),
            Value::Bytes(bytes) => Json::from(bytes.as_slice()),
            Value::Uuid(id) => Json::from(id.to_string()),
            Value::Timestamp(time) => Json::from(time.to_string()),
            Value::Json(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
            }
        };
        fields_under(column.name, &value, &mut fields);
    }
    fields
}
