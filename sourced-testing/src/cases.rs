//! Where random cases come from.

use proptest::test_runner::{Config, RngSeed};
use sourced::env::{Random as _, SystemRandom};

/// What proptest goes by, and the seed that gives the same cases again: this one, or that of the environment, or any. Nothing is written into anybody's folder.
pub(crate) fn config(seed: Option<u64>) -> (Config, u64) {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 8_192,
        ..Config::default()
    };
    let seed = match (seed, config.rng_seed) {
        (Some(seed), _) | (None, RngSeed::Fixed(seed)) => seed,
        (None, RngSeed::Random) => SystemRandom.next_u64(),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    (config, seed)
}
