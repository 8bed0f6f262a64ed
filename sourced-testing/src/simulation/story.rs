//! The story of a history, as it is told to a person, and its trace, as it is compared with another.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use sourced::backend::{Claim, ClaimKey, Verdict};
use sourced::message::StoredMessage;
use sourced::{GroupId, Position};

use super::process::{BEGINNING, moment};
use crate::faulty::Call;

/// So much of a payload is told.
const PAYLOAD: usize = 100;

/// What happened, in order.
#[derive(Debug, Default)]
pub(super) struct Story {
    lines: Vec<Line>,
    trace: String,
    /// What was ever given to whom.
    given: HashSet<(GroupId, Position)>,
    /// What of the log was told.
    pub(super) told_upto: Position,
}

#[derive(Debug)]
struct Line {
    at: u64,
    who: String,
    what: String,
    claim: Option<ClaimKey>,
    weight: Weight,
}

#[derive(Debug, PartialEq, Eq)]
enum Weight {
    /// It goes without saying where what came of it is said, and nothing went wrong in between.
    Implied,
    Plain,
    /// Something went wrong.
    Drama,
}

impl Story {
    pub(super) fn tell(&mut self, at: u64, who: &str, what: String) {
        self.add(at, who, what, None, Weight::Drama);
    }

    /// Something that is as it should be.
    pub(super) fn say(&mut self, at: u64, who: &str, what: String) {
        self.add(at, who, what, None, Weight::Plain);
    }

    /// A line of the trace alone.
    pub(super) fn trace(&mut self, at: u64, who: &str, what: &dyn fmt::Display) {
        // Writing to a string cannot fail.
        _ = writeln!(self.trace, "{at} {who}: {what}");
    }

    pub(super) fn claimed(&mut self, at: u64, who: &str, claims: &[Claim]) {
        for Claim {
            key, deliveries, ..
        } in claims
        {
            let messages = deliveries.iter().map(|delivery| &delivery.message);
            let mut is_again = false;
            for message in messages.clone() {
                is_again |= !self.given.insert((key.group.clone(), message.position));
            }
            let is_replay = deliveries.iter().all(|delivery| delivery.replaying);
            let again = match (is_again, is_replay) {
                (true, true) => ", as a replay",
                (true, false) => ", again",
                (false, _) => "",
            };
            let group = &key.group;
            let weight = if is_again {
                Weight::Plain
            } else {
                Weight::Implied
            };
            let what = format!("gets {} for `{group}`{again}", places(messages));
            self.add(at, who, what, Some(key.clone()), weight);
        }
    }

    /// What a call has changed, by the messages that are new since.
    pub(super) fn changed(
        &mut self,
        at: u64,
        who: &str,
        call: &Call<'_>,
        answer: &Result<(), String>,
        new: &[StoredMessage],
        handled_upto: Option<&StoredMessage>,
    ) {
        if let Err(error) = answer {
            self.trace(at, who, error);
            if !matches!(call, Call::Claim(_) | Call::Renew(_)) {
                self.add(
                    at,
                    who,
                    format!("may not: {error}"),
                    call.claim().cloned(),
                    Weight::Plain,
                );
            }
            return;
        }
        let mut said = Vec::new();
        if let (Call::Ack(ack), Some(last)) = (call, handled_upto) {
            let (group, stream) = (&ack.claim.group, &last.stream_id);
            said.push(format!("handles {stream} #{} for `{group}`", last.seq));
            let refusals = ack.refusals.iter();
            said.extend(refusals.map(|refusal| format!("refuses it: {}", refusal.reason)));
        }
        if !new.is_empty() {
            let verb = match call {
                Call::Promote => "moves into its stream",
                _ => "stores",
            };
            let messages: Vec<_> = new.iter().map(told).collect();
            said.push(format!("{verb} {}", messages.join(", ")));
        }
        for later in call.schedules() {
            let (name, stream) = (&later.message.type_name, &later.stream);
            let keeps = format!("keeps {name} for {stream}");
            // By a clock that is behind, what is for later may be due at once.
            said.push(if later.at <= moment(at) {
                format!("{keeps}, which is due already")
            } else {
                let after = later.at.saturating_since(BEGINNING).as_micros();
                let until = Time(u64::try_from(after).unwrap_or(u64::MAX));
                format!("{keeps} until {until}")
            });
        }
        if let Call::Fail(claim, verdict, error) = call {
            let then = match verdict {
                Verdict::RetryAfter(_) => "to be tried again",
                Verdict::Park => "PARKED",
                Verdict::Skip => "SKIPPED",
                Verdict::StopGroup => "the group is STOPPED",
            };
            let (group, stream) = (&claim.group, &claim.stream);
            said.push(format!("fails at {stream} for `{group}`, {then}: {error}"));
        }
        if said.is_empty() {
            return;
        }
        self.add(
            at,
            who,
            said.join("; "),
            call.claim().cloned(),
            Weight::Plain,
        );
    }

    /// Everything that happened, call by call.
    pub(super) fn into_trace(self) -> String {
        self.trace
    }

    fn add(&mut self, at: u64, who: &str, what: String, claim: Option<ClaimKey>, weight: Weight) {
        self.trace(at, who, &what);
        self.lines.push(Line {
            at,
            who: who.to_owned(),
            what,
            claim,
            weight,
        });
    }

    fn is_needed(&self, nth: usize) -> bool {
        let line = &self.lines[nth];
        let mut next = self.lines[nth + 1..]
            .iter()
            .filter(|next| next.who == line.who);
        let next = next.find(|next| next.weight == Weight::Drama || next.claim == line.claim);
        line.weight != Weight::Implied || next.is_none_or(|next| next.weight == Weight::Drama)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.iter().enumerate();
        let needed = lines.filter(|(nth, _)| self.is_needed(*nth));
        let width = self.lines.iter().map(|line| line.who.len()).max();
        let width = width.unwrap_or_default();
        for (number, (_, line)) in needed.enumerate() {
            let number = number + 1;
            let Line { at, who, what, .. } = line;
            writeln!(
                f,
                "{number:>4}. {:>10}  {who:width$}  {what}",
                Time(*at).to_string()
            )?;
        }
        Ok(())
    }
}

/// Microseconds since the beginning: `1.250 s`, `2 d 03:00 h`.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1_000_000, self.0 / 1_000 % 1_000);
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        match seconds {
            0..3_600 => write!(f, "{seconds}.{millis:03} s"),
            3_600..86_400 => write!(f, "{hours}:{minutes:02} h"),
            _ => write!(f, "{days} d {hours}:{minutes:02} h"),
        }
    }
}

/// `order-3 #4 order.place {"n":1}`.
fn told(message: &StoredMessage) -> String {
    let payload = message.payload.as_str();
    let end = payload.floor_char_boundary(PAYLOAD);
    let payload = match payload {
        "null" | "{}" => String::new(),
        long if end < long.len() => format!(" {}…", &long[..end]),
        short => format!(" {short}"),
    };
    let StoredMessage {
        stream_id,
        seq,
        type_name,
        ..
    } = message;
    format!("{stream_id} #{seq} {type_name}{payload}")
}

/// `order-3 #4 order.placed, #5 order.paid`.
fn places<'a>(messages: impl Iterator<Item = &'a StoredMessage>) -> String {
    let mut text = String::new();
    for message in messages {
        if text.is_empty() {
            text.push_str(message.stream_id.as_str());
        } else {
            text.push(',');
        }
        // Writing to a string cannot fail.
        _ = write!(text, " #{} {}", message.seq, message.type_name);
    }
    text
}
