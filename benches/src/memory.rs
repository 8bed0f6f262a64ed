//! The peak of this process's memory, as Linux counts it.

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
