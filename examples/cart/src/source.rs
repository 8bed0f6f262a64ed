//! Lines from a file or standard input, read on a thread of their own: a pipe that pauses holds up nobody.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::sync::mpsc;

use crate::input::{MAX_LINE, Problem};

/// Lines waiting to be dispatched; more are not read ahead.
const AHEAD: usize = 2_000;

/// Where commands come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// A line as it was read.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// Its bytes in the input, its end included.
    pub bytes: u64,
    /// Its text.
    pub text: Result<String, Problem>,
}

impl Input {
    /// The input that was asked for: `-` is standard input, nothing is the file that comes with the example.
    pub fn from_arg(arg: Option<&Path>) -> Self {
        match arg {
            Some(path) if path == Path::new("-") => Self::Stdin,
            Some(path) => Self::File(path.to_owned()),
            None => Self::File(shipped()),
        }
    }

    /// How many bytes there are, when that can be known.
    pub fn n_bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => std::fs::metadata(path)
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|file| file.len()),
        }
    }

    /// Starts to read. After an error the lines end with it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn read(&self) -> anyhow::Result<mpsc::Receiver<io::Result<Line>>> {
        let reader: Box<dyn Read + Send> = match self {
            Self::Stdin => Box::new(io::stdin()),
            Self::File(path) => Box::new(
                File::open(path)
                    .with_context(|| format!("cannot read the commands of {}", path.display()))?,
            ),
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            let mut lines = Lines {
                reader: BufReader::new(reader),
                number: 0,
            };
            // Ends when the input does, or when nobody wants more of it.
            while let Some(line) = lines.next().transpose() {
                let is_last = line.is_err();
                if sender.blocking_send(line).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// The shipped commands: below the current directory when this is the repository, else where they were when this
/// program was built.
fn shipped() -> PathBuf {
    let here = Path::new("examples/cart/data/commands.jsonl");
    if here.is_file() {
        return here.to_owned();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/commands.jsonl")
}

struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64 + 1;
        let mut bytes = (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut line)? as u64;
        if bytes == 0 {
            return Ok(None);
        }
        self.number += 1;
        let mut text = Err(Problem::TooLong);
        if line.ends_with(b"\n") || bytes < limit {
            text = String::from_utf8(line).map_err(|_| Problem::NotUtf8);
        } else {
            bytes += self.skip_line()?;
        }
        Ok(Some(Line {
            number: self.number,
            bytes,
            text,
        }))
    }

    /// Passes over the rest of a line without keeping it.
    fn skip_line(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let n_bytes = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(n_bytes);
            skipped += n_bytes as u64;
            if end.is_some() || n_bytes == 0 {
                return Ok(skipped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let text = format!("a\n{}\nb", "x".repeat(MAX_LINE + 100_000));
        let mut lines = Lines {
            reader: text.as_bytes(),
            number: 0,
        };
        let mut next = || lines.next().unwrap();
        assert_eq!(next().unwrap().text.unwrap(), "a\n");
        let long = next().unwrap();
        assert!(matches!(long.text, Err(Problem::TooLong)));
        assert_eq!(long.bytes, MAX_LINE as u64 + 100_001);
        let last = next().unwrap();
        assert_eq!((last.number, last.text.unwrap().as_str()), (3, "b"));
        assert!(next().is_none());
    }
}
