//! How many are tried, and what came of them.

/// Payloads of one append.
pub const BATCH: usize = 500;

/// The figures of one backend.
pub struct Tally {
    backend: &'static str,
    of_each: usize,
    lines: Vec<(&'static str, usize, usize)>,
}

impl Tally {
    pub fn of(backend: &'static str) -> Self {
        let n = std::env::var("SOURCED_PAYLOADS");
        let n: usize = n.map_or(3_000, |n| n.parse().unwrap());
        Self {
            backend,
            of_each: n.div_ceil(4),
            lines: Vec::new(),
        }
    }

    /// How many to try in each of the four ways.
    pub fn of_each(&self) -> usize {
        self.of_each
    }

    pub fn add(&mut self, way: &'static str, stored: usize, refused: usize) {
        assert!(stored > 0 && refused > 0, "{way}: {stored}, {refused}");
        self.lines.push((way, stored, refused));
    }

    pub fn tell(&self) {
        for (way, stored, refused) in &self.lines {
            let (backend, tried) = (self.backend, stored + refused);
            println!(
                "{backend}, {way}: {tried} tried, {stored} stored and read back equal, {refused} refused, 0 others"
            );
        }
    }
}
