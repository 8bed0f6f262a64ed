//! The trail of messages, and what led to what, as a tree for a person to read.

use std::fmt;

use sourced::StoredMessage;
use sourced::backend::Refusal;

use crate::telling::Telling;

/// All messages of a scenario, in the order of the log.
pub(super) struct Trail {
    pub(super) messages: Vec<StoredMessage>,
    pub(super) refusals: Vec<Refusal>,
}

impl Trail {
    pub(super) fn tellings<'t>(
        &'t self,
        is_meant: impl Fn(&StoredMessage) -> bool + 't,
    ) -> Vec<Telling> {
        let meant = self.messages.iter().filter(|message| is_meant(message));
        meant.map(|message| Telling::came(message, None)).collect()
    }

    /// What a message led to.
    pub(super) fn effects<'t>(
        &'t self,
        of: &'t StoredMessage,
    ) -> impl Iterator<Item = &'t StoredMessage> {
        let is_effect =
            |message: &&StoredMessage| message.causation_id == of.id && message.id != of.id;
        self.messages.iter().filter(is_effect)
    }

    /// What led to it, where that is part of the trail.
    pub(super) fn cause(&self, of: &StoredMessage) -> Option<&StoredMessage> {
        let is_cause = |message: &&StoredMessage| message.id == of.causation_id;
        let mut before = self.messages.iter().filter(|message| message.id != of.id);
        before.find(is_cause)
    }

    /// How a message is told in the tree.
    pub(super) fn told(&self, message: &StoredMessage) -> String {
        let place = format!("{} #{}", message.stream_id, message.seq);
        let mut told = format!("{} ({place})", Telling::came(message, None));
        let refused = self
            .refusals
            .iter()
            .find(|refusal| refusal.command == message.id);
        if let Some(refused) = refused {
            told.push_str(" refused: ");
            told.push_str(&refused.reason);
        }
        told
    }

    fn branch(&self, f: &mut fmt::Formatter<'_>, of: &StoredMessage, indent: &str) -> fmt::Result {
        let effects: Vec<_> = self.effects(of).collect();
        for (n, effect) in effects.iter().enumerate() {
            let is_last = n + 1 == effects.len();
            let (fork, below) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            writeln!(f, "{indent}{fork}{}", self.told(effect))?;
            self.branch(f, effect, &format!("{indent}{below}"))?;
        }
        Ok(())
    }
}

/// What led to what.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for root in &self.messages {
            if self.cause(root).is_none() {
                writeln!(f, "    {}", self.told(root))?;
                self.branch(f, root, "    ")?;
            }
        }
        Ok(())
    }
}
