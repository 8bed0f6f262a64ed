//! Dates as columns.

use chrono::{Datelike as _, NaiveDate};

use super::value::{ColumnError, ColumnValue, KeyValue};
use crate::backend::{ColumnType, Value};

/// The years that are written with four digits, so that texts have the order of their dates.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9_999;

/// As text, `2026-11-22`.
impl ColumnValue for NaiveDate {
    const TYPE: ColumnType = ColumnType::Text;

    fn to_value(&self) -> Result<Value, ColumnError> {
        if YEARS.contains(&self.year()) {
            Ok(Value::Text(self.to_string()))
        } else {
            Err(ColumnError::new(
                "cannot hold a date outside of the years 0 to 9999",
            ))
        }
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        let text = String::from_value(value)?;
        let date = text.parse().ok();
        // What is not written as above would be sorted elsewhere, and not be found again.
        let date = date.filter(|date: &Self| date.to_string() == text);
        date.ok_or_else(|| ColumnError::not("NaiveDate"))
    }
}

impl KeyValue for NaiveDate {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_somebody_else_wrote_is_a_date_in_one_form_only() {
        for text in ["", "2026-2-3", "+2026-02-03", "2026-02-30", "02/03/2026"] {
            let error = NaiveDate::from_value(Value::Text(text.to_owned())).unwrap_err();
            assert_eq!(error.to_string(), "holds no `NaiveDate`", "{text}");
        }
    }
}
