//! The trail: every message in the order of positions, printed as it is stored.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use sourced::{App, Kind, MessageId, Position, Selection, StoredMessage};
use tokio::sync::watch;

use crate::output::Output;
use crate::progress::Progress;

const PAGE: usize = 1_000;

/// Hints may be missing when other processes store; then it is looked this often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Follows the log from where it ends now.
#[derive(Debug)]
pub struct Trail {
    app: App,
    after: Position,
    output: Option<(Output, Progress)>,
    /// Messages seen.
    pub n_messages: u64,
    /// Commands from outside that have led to no event yet: they wait, or were refused.
    pub unanswered: HashSet<MessageId>,
}

impl Trail {
    /// Starts at the end of the log; prints when there is an output.
    ///
    /// # Errors
    /// When the storage does not answer.
    pub async fn from_now(app: &App, output: Option<(Output, Progress)>) -> anyhow::Result<Self> {
        let after = app.backend().log_end().await?;
        Ok(Self {
            app: app.clone(),
            after,
            output,
            n_messages: 0,
            unanswered: HashSet::new(),
        })
    }

    /// Follows until told that all is stored, and to the end of the log then.
    ///
    /// # Errors
    /// When the storage does not answer or the output does not take the text.
    pub async fn follow(mut self, mut all_stored: watch::Receiver<bool>) -> anyhow::Result<Self> {
        let mut signal = self.app.backend().signal();
        while !*all_stored.borrow_and_update() {
            if self.page().await? {
                continue;
            }
            tokio::select! {
                _ = all_stored.changed() => {}
                () = signal.raised() => {}
                () = self.app.env().clock.sleep(LOOK_AGAIN) => {}
            }
        }
        let end = self.app.backend().log_end().await?;
        while self.after < end && self.page().await? {}
        Ok(self)
    }

    /// Reads and prints a page. Says whether there was anything.
    async fn page(&mut self) -> anyhow::Result<bool> {
        let messages = self.app.log(Selection::all().after(self.after));
        let messages = messages.page(PAGE).await?.messages;
        let Some(last) = messages.last() else {
            return Ok(false);
        };
        self.after = last.position;
        self.n_messages += messages.len() as u64;
        for message in &messages {
            self.note(message);
        }
        if let Some((output, progress)) = &mut self.output {
            let text: String = messages.iter().fold(String::new(), line);
            progress.aside(|| output.write(&text))?;
        }
        Ok(true)
    }

    fn note(&mut self, message: &StoredMessage) {
        match message.kind {
            Kind::Command if message.is_root() => _ = self.unanswered.insert(message.id),
            Kind::Command => {}
            Kind::Event => _ = self.unanswered.remove(&message.causation_id),
        }
    }
}

fn line(mut text: String, message: &StoredMessage) -> String {
    let (position, stream, seq) = (message.position, &message.stream_id, message.seq);
    // Writing to a `String` cannot fail.
    _ = writeln!(
        text,
        "{position} {stream}#{seq} {} {}",
        message.type_name,
        message.payload.as_str()
    );
    text
}
