//! The attribute macros of `sourced`.
