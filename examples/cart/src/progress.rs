//! A progress bar for people; in a pipe there is none.

use std::fmt;
use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};
use sourced::Pace;

/// How far the input has been read, or the log has been replayed.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar over so many bytes on standard error, when that is a terminal.
    pub fn over(bytes: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{bar:30} {percent:>3}% {msg} {elapsed}",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So many bytes more are dispatched, and so many commands in all.
    pub fn dispatched(&self, bytes: u64, n_commands: u64) {
        self.bar.inc(bytes);
        self.bar.set_message(format!("{n_commands} commands"));
    }

    /// A replay is that far.
    pub fn replayed(&self, pace: &Pace) {
        let Pace {
            progress,
            per_second,
            time_left,
            ..
        } = pace;
        self.bar.set_length(progress.log_end.get());
        self.bar.set_position(progress.handled_upto.get());
        let speed = per_second.map_or_else(String::new, |speed| format!("{speed:.0} per second"));
        let left = time_left.map_or_else(String::new, |left| format!(", {left:.0?} left"));
        self.bar.set_message(format!("{speed}{left}"));
    }

    /// Takes the bar away while something is printed.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}
