//! A shop's carts, end to end: the domain, its read model, and the program around them.
//!
//! [`mod@cart`] and [`listings`] are what a user of `sourced` writes. The rest is a program that feeds commands to them.
#![expect(clippy::print_stderr, reason = "it is a program that tells people on standard error what it does")]

pub mod cart;
pub mod listings;

pub mod args;
pub mod database;
pub mod feed;
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
