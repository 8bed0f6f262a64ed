//! Many histories at the same time.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::figures::Figures;
use super::plan::Plan;
use super::run::{Ran, Telling, run};
use super::setup::Setup;

/// Which seeds are simulated, instead of what the program says: `17`, or `0..100000`.
pub(super) const SEEDS: &str = "SOURCED_SEED";

/// Simulates them on all cores, up to the first that fails.
pub(super) fn histories(setup: &Arc<Setup>, seeds: Range<u64>) -> (Figures, Option<(u64, Ran)>) {
    let next = AtomicU64::new(seeds.start);
    // A lower seed may still fail; a higher one need not be looked at.
    let end = AtomicU64::new(seeds.end);
    let found: Mutex<Option<(u64, Ran)>> = Mutex::default();
    let figures = Mutex::new(Figures::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end.load(Ordering::Relaxed) {
                return;
            }
            let ran = run(setup, &Plan::of(seed, setup.n_workers), Telling::Nothing);
            lock(&figures).add(&ran.figures);
            if ran.broken.is_some() {
                end.fetch_min(seed, Ordering::Relaxed);
                let mut found = lock(&found);
                if found.as_ref().is_none_or(|(first, _)| seed < *first) {
                    *found = Some((seed, ran));
                }
            }
        }
    };
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let n_seeds = usize::try_from(seeds.end.saturating_sub(seeds.start)).unwrap_or(usize::MAX);
    thread::scope(|scope| {
        for _ in 0..n_threads.min(n_seeds) {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    (lock(&figures).clone(), found)
}

/// Runs where no other executor counts the steps of tasks.
pub(super) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the environment says.
pub(super) fn asked_for() -> Option<Range<u64>> {
    let text = std::env::var(SEEDS).ok()?;
    let seeds = read_seeds(&text);
    Some(seeds.unwrap_or_else(|| panic!("`{SEEDS}={text}` is neither `17` nor `0..1000`")))
}

fn read_seeds(text: &str) -> Option<Range<u64>> {
    if let Some((start, end)) = text.split_once("..") {
        return Some(start.trim().parse().ok()?..end.trim().parse().ok()?);
    }
    let seed = text.trim().parse().ok()?;
    Some(seed..seed + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_from_text() {
        assert_eq!(read_seeds("17"), Some(17..18));
        assert_eq!(read_seeds("0..1000"), Some(0..1000));
        assert_eq!(read_seeds("all"), None);
    }
}
