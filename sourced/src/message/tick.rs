//! Ticks: the times at which something recurs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{MessageId, Metadata};
use crate::stream::RecurrenceId;
use crate::time::Timestamp;

/// One time at which something recurs. The command made for it carries it, and so does all that follows from that.
///
/// ```
/// use sourced::prelude::*;
/// use sourced::{Message, Timestamp};
///
/// #[command("report.write")]
/// struct Write;
///
/// #[derive(Default)]
/// struct Report;
///
/// #[actor]
/// impl Report {
///     #[command]
///     fn write(&self, command: &Message<Write>) -> Written {
///         let tick = command.tick();
///         Written { of: tick.map(|tick| tick.at) }
///     }
///
///     #[event]
///     fn written(&mut self, of: Option<Timestamp>) {}
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tick {
    /// What recurs.
    pub of: RecurrenceId,
    /// When it was to be. The message's own time may be later.
    pub at: Timestamp,
    /// How many ticks between the one before and this one were passed over because nobody was there for them.
    /// [`Tick::MOST_MISSED`] stands for that many or more.
    pub missed: u32,
}

const KEY: &str = "sourced.tick";

/// Of all ids that are made of names, those of ticks.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_61b8_1f0e_4a57_9d3b_52c7_8e44_a901);

impl Tick {
    /// As far as missed ticks are counted.
    pub const MOST_MISSED: u32 = 10_000;

    pub(crate) fn new(of: RecurrenceId, at: Timestamp, missed: u32) -> Self {
        Self { of, at, missed }
    }

    /// The id of the command of this tick: the same in every process, so that it is stored once.
    pub fn message_id(&self) -> MessageId {
        let mut name = self.of.as_str().as_bytes().to_vec();
        name.extend(self.at.as_micros().to_be_bytes());
        Uuid::new_v5(&NAMESPACE, &name).into()
    }
}

impl Metadata {
    /// The tick that the conversation began with, if it began with one.
    pub fn tick(&self) -> Option<Tick> {
        self.get(KEY)
            .and_then(|value| Tick::deserialize(value).ok())
    }

    pub(crate) fn with_tick(self, tick: &Tick) -> Self {
        self.with(KEY, serde_json::to_value(tick).unwrap_or(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(of: &str, at: i64) -> Tick {
        Tick::new(
            RecurrenceId::new(of).unwrap(),
            Timestamp::from_micros(at),
            0,
        )
    }

    /// What is stored by one version is recognised by the next: this id is for ever.
    #[test]
    fn the_id_of_a_tick_never_changes() {
        let id = tick("daily-report", 1_700_000_000_000_000).message_id();
        assert_eq!(id.to_string(), "d13c55e7-46a5-5dfe-9b17-46c22f6a929f");
    }

    #[test]
    fn ids_differ_by_name_and_time_and_by_nothing_else() {
        let id = |of, at| tick(of, at).message_id();
        assert_ne!(id("a", 1), id("a", 2));
        assert_ne!(id("a", 1), id("b", 1));
        let mut late = tick("a", 1);
        late.missed = 7;
        assert_eq!(late.message_id(), id("a", 1));
    }

    #[test]
    fn metadata_gives_back_the_tick() {
        let mut tick = tick("a", -1);
        tick.missed = 3;
        assert_eq!(Metadata::new().with_tick(&tick).tick(), Some(tick));
        assert_eq!(Metadata::new().tick(), None);
    }
}
