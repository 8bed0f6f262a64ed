//! The bytes that everything random is made of, so that proptest can shrink it.

/// Bytes that are used up; then there are zeros, which stand for what is simplest.
#[derive(Debug)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// A number below this one.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let mut drawn = usize::from(self.next());
        if bound > 256 {
            drawn = drawn << 8 | usize::from(self.next());
        }
        drawn % bound.max(1)
    }

    /// Eight bytes.
    pub(super) fn whole(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.next()))
    }
}
