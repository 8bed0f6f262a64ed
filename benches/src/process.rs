//! What this process has used, as Linux counts it: memory and processors.

use std::fs;

/// Forgets the peak so far: what comes counts from now on. Where the system has no such thing, the peak is that of the
/// whole process.
pub(crate) fn forget_peak() {
    _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak in kB; 0 where the system does not tell.
pub(crate) fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// The processor time so far in seconds, all threads together; 0 where the system does not tell.
pub(crate) fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in brackets and may hold spaces. Behind it, the 12th and 13th field are meant.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS_PER_SECOND
}
