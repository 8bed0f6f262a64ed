//! The sqlite backend of `sourced`.
