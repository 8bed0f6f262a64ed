//! Feeding: lines become commands and are dispatched in batches.

use std::collections::HashSet;

use sourced::backend::AppendError;
use sourced::{App, DispatchError, MessageId};
use tokio::sync::mpsc;

use crate::input::{Entry, Problem, parse};
use crate::progress::Progress;
use crate::source::Line;

/// Commands stored in one transaction, at most. When the input pauses, fewer are.
const BATCH: usize = 500;

/// Dispatches the lines of an input, and counts.
#[derive(Debug)]
pub struct Feed<'a> {
    app: &'a App,
    progress: &'a Progress,
    /// Commands that are stored by now; 16 bytes of memory each.
    pub ids: Vec<MessageId>,
    /// How many of them an earlier run had stored.
    pub n_already_stored: u64,
    /// The same ones: what became of them was decided out of sight.
    pub earlier: HashSet<MessageId>,
    /// Lines that were skipped.
    pub n_bad_lines: u64,
}

impl<'a> Feed<'a> {
    /// Feeds this app.
    pub fn new(app: &'a App, progress: &'a Progress) -> Self {
        Self {
            app,
            progress,
            ids: Vec::new(),
            n_already_stored: 0,
            earlier: HashSet::new(),
            n_bad_lines: 0,
        }
    }

    /// Dispatches line after line until the input ends.
    ///
    /// Dropping the future stops it between two batches or loses sight of one; either way a new run with the same
    /// ids goes on where this one ended.
    ///
    /// # Errors
    /// When the input cannot be read or the storage does not answer. What came before is stored.
    pub async fn run(
        &mut self,
        lines: &mut mpsc::Receiver<std::io::Result<Line>>,
    ) -> anyhow::Result<()> {
        let mut read = Vec::with_capacity(BATCH);
        while lines.recv_many(&mut read, BATCH).await > 0 {
            let mut batch = Batch::default();
            let mut broken = None;
            for line in read.drain(..) {
                match line {
                    Ok(line) => self.add(&mut batch, line).await?,
                    Err(error) => broken = Some(error),
                }
            }
            self.dispatch(batch).await?;
            if let Some(error) = broken {
                return Err(anyhow::Error::new(error).context("cannot read on"));
            }
        }
        Ok(())
    }

    async fn add(&mut self, batch: &mut Batch, line: Line) -> anyhow::Result<()> {
        batch.bytes += line.bytes;
        let text = match line.text {
            Ok(text) if text.trim().is_empty() => return Ok(()),
            Ok(text) => text,
            Err(problem) => {
                self.report(line.number, &problem);
                return Ok(());
            }
        };
        match parse(&text) {
            Err(problem) => self.report(line.number, &problem),
            Ok(entry) => {
                // The same id twice in one transaction is refused, one after the other it is recognised.
                if entry.id.is_some_and(|id| !batch.ids.insert(id)) {
                    self.dispatch(std::mem::take(batch)).await?;
                    batch.ids.extend(entry.id);
                }
                batch.entries.push((line.number, text, entry));
            }
        }
        Ok(())
    }

    async fn dispatch(&mut self, batch: Batch) -> anyhow::Result<()> {
        if !batch.entries.is_empty() {
            let mut commands = Vec::with_capacity(batch.entries.len());
            let mut lines = Vec::with_capacity(batch.entries.len());
            for (number, text, entry) in batch.entries {
                commands.push(entry.command);
                lines.push((number, text));
            }
            match self.app.dispatch_all(commands).await {
                Ok(receipts) => receipts.iter().for_each(|receipt| self.note(receipt)),
                Err(error) if is_about_one_command(&error) => self.one_by_one(lines).await?,
                Err(error) => return Err(error.into()),
            }
        }
        self.progress.dispatched(batch.bytes, self.ids.len() as u64);
        Ok(())
    }

    /// One command must not hold up the others of its batch.
    async fn one_by_one(&mut self, lines: Vec<(u64, String)>) -> anyhow::Result<()> {
        for (number, text) in lines {
            let Ok(Entry { command, .. }) = parse(&text) else {
                continue; // it was a command a moment ago
            };
            match self.app.dispatch(command).await {
                Ok(receipt) => self.note(&receipt),
                Err(DispatchError::Append(AppendError::IdTaken { id })) => {
                    self.report(number, &Problem::IdTaken(id));
                }
                Err(error) if is_about_one_command(&error) => {
                    self.report(number, &Problem::NotTaken(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn note(&mut self, receipt: &sourced::Receipt) {
        if receipt.already_stored {
            self.n_already_stored += 1;
            self.earlier.insert(receipt.id);
        }
        self.ids.push(receipt.id);
    }

    fn report(&mut self, number: u64, problem: &Problem) {
        self.n_bad_lines += 1;
        self.progress
            .aside(|| eprintln!("line {number}: {problem}"));
    }
}

#[derive(Default)]
struct Batch {
    entries: Vec<(u64, String, Entry)>,
    ids: HashSet<MessageId>,
    bytes: u64,
}

/// Whether the others of the batch can be stored without it.
fn is_about_one_command(error: &DispatchError) -> bool {
    match error {
        DispatchError::Append(error) => {
            matches!(error, AppendError::IdTaken { .. } | AppendError::Limit(_))
        }
        DispatchError::Name(_) | DispatchError::Payload(_) => true,
        _ => false,
    }
}
