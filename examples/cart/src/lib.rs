//! A shop's carts, end to end: the domain, its read model, and the program around them.
//!
//! [`mod@cart`] and [`listings`] are what a user of `sourced` writes. The rest is a program that feeds commands to them.
#![expect(
    clippy::print_stderr,
    reason = "it is a program that tells people on standard error what it does"
)]

#[expect(
    clippy::missing_errors_doc,
    reason = "why a cart says no is written at `CartError`"
)]
pub mod cart;
pub mod listings;

pub mod args;
pub mod database;
pub mod feed;
pub mod floor;
pub mod generator;
pub mod input;
pub mod listing;
pub mod output;
pub mod progress;
pub mod run;
pub mod source;
pub mod summary;
pub mod trail;
pub mod verify;
