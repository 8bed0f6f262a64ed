//! Tests only: `../generated.rs` in the edition of 2021.
