//! Tests for what is built on `sourced`.
