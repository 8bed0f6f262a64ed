//! The table: medians over the rounds, and what Sourced makes of the floor.

use std::fmt::Write as _;

use crate::measure::Line;
use crate::plan::Contender;

/// Lines of the same measurement.
struct Row<'a> {
    lines: Vec<&'a Line>,
}

/// The lines as a table in Markdown, in the order in which they first came.
pub(crate) fn markdown(lines: &[Line]) -> String {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for line in lines {
        match rows.iter_mut().find(|row| is_same(row.lines[0], line)) {
            Some(row) => row.lines.push(line),
            None => rows.push(Row { lines: vec![line] }),
        }
    }
    let mut text = String::from(
        "| workload | size | backend | sourced /s | floor /s | ratio | CPU ratio | p50 | p99 | floor p50 | floor p99 | peak MB | floor peak MB |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in &rows {
        row.write(&mut text);
    }
    text
}

fn is_same(one: &Line, other: &Line) -> bool {
    (&one.workload, &one.backend, &one.params) == (&other.workload, &other.backend, &other.params)
}

impl Row<'_> {
    fn write(&self, text: &mut String) {
        let Line {
            workload,
            params,
            backend,
            ..
        } = self.lines[0];
        let rate = |contender| self.median(contender, |line| line.ops_per_s);
        let latency = |contender, of: fn(&Line) -> u64| {
            let micros = self
                .median(contender, |line| of(line) as f64)
                .filter(|micros| *micros > 0.0);
            micros.map_or_else(String::new, |micros| format!("{:.2} ms", micros / 1e3))
        };
        let number = |number: Option<f64>| number.map_or_else(String::new, thousands);
        let peak = |contender| self.median(contender, |line| line.peak_rss_kb as f64 / 1024.0);
        let (ours, floor) = (Contender::Sourced, Contender::Floor);
        let ratio = rate(ours)
            .zip(rate(floor))
            .map(|(ours, floor)| format!("{:.2}", ours / floor));
        let cpu = |contender| {
            let per_op = self.median(contender, |line| line.cpu_seconds / line.ops as f64);
            per_op.filter(|seconds| *seconds > 0.0)
        };
        let cpu_ratio = cpu(floor)
            .zip(cpu(ours))
            .map(|(floor, ours)| format!("{:.2}", floor / ours));
        // Writing to a `String` cannot fail.
        _ = writeln!(
            text,
            "| {workload} | {params} | {backend} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            number(rate(ours)),
            number(rate(floor)),
            ratio.unwrap_or_default(),
            cpu_ratio.unwrap_or_default(),
            latency(ours, |line| line.p50_us),
            latency(ours, |line| line.p99_us),
            latency(floor, |line| line.p50_us),
            latency(floor, |line| line.p99_us),
            number(peak(ours)),
            number(peak(floor)),
        );
    }

    fn median(&self, contender: Contender, of: impl Fn(&Line) -> f64) -> Option<f64> {
        let lines = self.lines.iter().filter(|line| line.contender == contender);
        let mut values: Vec<f64> = lines.map(|line| of(line)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// `12,345`, or `1.5` when it is small.
fn thousands(number: f64) -> String {
    if number < 10.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
