//! Standard output, which may be closed by whoever reads it.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

/// Writes lines. When the reader is gone (`cart | head`), nothing more is written and the work goes on.
#[derive(Debug)]
pub struct Output {
    stdout: BufWriter<Stdout>,
    is_closed: bool,
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        Self {
            stdout: BufWriter::new(io::stdout()),
            is_closed: false,
        }
    }

    /// Writes text and hands it on at once.
    ///
    /// # Errors
    /// When it cannot be written, such as to a full disk. A closed pipe is no error.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        match self
            .stdout
            .write_all(text.as_bytes())
            .and_then(|()| self.stdout.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            other => other,
        }
    }
}
