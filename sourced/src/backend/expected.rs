//! What a writer believes about the end of a stream.

use crate::message::{MessageId, StoredMessage};
use crate::stream::Seq;

/// What a writer believes about the end of a stream; when it is wrong, the append is a conflict.
#[doc(alias = "expected version")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpectedSeq {
    /// Append wherever the stream ends.
    Any,
    /// The stream has no message yet.
    NoStream,
    /// This is the last message.
    Exactly(Seq),
    /// No *event* was stored after this seq (`None`: no event at all); later commands do not matter.
    ///
    /// Nothing says that there is a message of this seq, or which one.
    NoEventAfter(Option<Seq>),
    /// This is the last *event*; later commands do not matter.
    ///
    /// A decision depends on the events before it. A command that arrives meanwhile changes nothing for it, so a busy
    /// stream is not reloaded and decided again for every command dispatched to it. Where the stream is shorter than the
    /// writer believes, or has another event at this seq, the database was set back.
    LastEvent(LastEvent),
}

impl ExpectedSeq {
    /// The last event is this one, or there is none at all.
    pub fn last_event(last: Option<LastEvent>) -> Self {
        last.map_or(Self::NoEventAfter(None), Self::LastEvent)
    }
}

/// The last event that somebody has seen of a stream.
///
/// Its id tells it from another event of the same seq, which there is when the database was set back, and went on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastEvent {
    /// Where it is in its stream.
    pub seq: Seq,
    /// Which one it is.
    pub id: MessageId,
}

impl From<&StoredMessage> for LastEvent {
    fn from(event: &StoredMessage) -> Self {
        Self {
            seq: event.seq,
            id: event.id,
        }
    }
}
