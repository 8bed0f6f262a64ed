//! Chance that repeats itself.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use sourced::env::Random;

/// A source of random numbers: the same seed gives the same ones again.
#[derive(Debug)]
pub struct Dice {
    state: AtomicU64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }

    /// Any number below this one; 0 where that is 0.
    pub fn below(&self, end: u64) -> u64 {
        // The excess of the small numbers is smaller than anybody will ever notice.
        self.next_u64().checked_rem(end).unwrap_or(0)
    }

    /// Any number of a range; its start where it is empty.
    pub fn between(&self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// True so many times of a hundred.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Any one of these.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&self, all: &'a [T]) -> &'a T {
        let nth = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        &all[nth]
    }
}

impl Random for Dice {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        scrambled(
            self.state
                .fetch_add(STEP, Ordering::Relaxed)
                .wrapping_add(STEP),
        )
    }
}

/// The finisher of `SplitMix64`: numbers that look alike become numbers that do not.
fn scrambled(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One number of two.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    scrambled(scrambled(a).wrapping_add(b))
}

/// A number for a name, the same in every run of every build.
pub(super) fn number_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let dice = Dice::new(seed);
            [dice.next_u64(), dice.below(1_000), dice.between(3..7)]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn ranges_are_kept() {
        let dice = Dice::new(7);
        assert!((0..1_000).all(|_| (3..5).contains(&dice.between(3..5))));
        assert_eq!((dice.below(0), dice.between(4..4)), (0, 4));
        assert!(!dice.percent(0) && dice.percent(100));
    }
}
