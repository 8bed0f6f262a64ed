//! The reference backend: everything in memory, one mutex, no cleverness.

/// Keeps everything in memory.
#[derive(Debug)]
pub struct Memory;
