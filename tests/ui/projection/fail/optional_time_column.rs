//! A time of another crate that may be missing is no column.

use sourced::prelude::*;

#[derive(Debug, Projection)]
struct Line {
    #[key]
    product: String,
    until: Option<std::time::SystemTime>,
}

fn main() {
    let columns = <Line as sourced::table::Row>::COLUMNS;
    _ = (columns.product, columns.until);
}
