//! The postgres backend of `sourced`.
