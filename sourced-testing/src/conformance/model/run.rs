//! Asking the backend and the model the same.

use std::fmt::Write as _;
use std::time::Duration;

use sourced::MessageId;
use sourced::backend::Claim;

use super::fixed::{GROUPS, STREAMS, group_id, lanes_of, registered, stream_id};
use super::lanes::Group;
use super::operation::Operation;
use super::streams::Streams;
use crate::conformance::Harness;
use crate::conformance::fixtures::*;

pub(super) const HOUR: Duration = Duration::from_hours(1);
/// Real time passes as well, but never so much.
const A_LITTLE_MORE_THAN_AN_HOUR: Duration = Duration::from_mins(61);
/// How often to ask for what must be there.
const PATIENCE: usize = 200;

/// What came of an operation: words for the story, or what is wrong.
pub(super) type Came = Result<String, String>;

/// Plays operations on a new store, and says what happened.
///
/// # Errors
/// The story, up to the first answer that may not be.
pub(in crate::conformance) async fn play<H: Harness>(
    harness: &H,
    operations: &[Operation],
) -> Result<(), String> {
    let (backend, guard) = harness.fresh().await;
    let mut game = Game {
        harness,
        guard: &guard,
        backend: &backend,
        streams: Streams::default(),
        groups: GROUPS.map(|_| Group::default()),
        claims: Vec::new(),
        hour: 0,
    };
    for group in GROUPS {
        let registered = backend.register_group(&registered(group)).await;
        registered.map_err(|error| format!("no group can be registered: {error}"))?;
    }
    let mut story = String::new();
    for (operation, n) in operations.iter().zip(1..) {
        let came = match game.play(operation).await {
            Ok(came) => game.looks_right(operation).await.map(|()| came),
            Err(wrong) => Err(wrong),
        };
        match came {
            Ok(came) => _ = writeln!(story, "{n}. {operation:?} -> {came}"),
            Err(wrong) => return Err(format!("{story}{n}. {operation:?} -> WRONG: {wrong}")),
        }
    }
    let rest = game.comes_to_rest().await;
    rest.map_err(|wrong| format!("{story}In the end, when all is handled -> WRONG: {wrong}"))
}

pub(super) struct Game<'h, H: Harness> {
    pub(super) harness: &'h H,
    pub(super) guard: &'h H::Guard,
    pub(super) backend: &'h H::Backend,
    pub(super) streams: Streams,
    pub(super) groups: [Group; GROUPS.len()],
    /// Those that were ever made, the newest last.
    pub(super) claims: Vec<Claim>,
    /// How many hours have passed.
    pub(super) hour: u64,
}

impl<H: Harness> Game<'_, H> {
    async fn play(&mut self, operation: &Operation) -> Came {
        match operation {
            Operation::Append(writes) => self.append(writes).await,
            Operation::AppendAgain { nth } => self.append_again(*nth).await,
            Operation::AppendElsewhere { nth } => self.append_elsewhere(*nth).await,
            Operation::Register { group } => {
                let again = registered(usize::from(*group));
                done(self.backend.register_group(&again).await)
            }
            Operation::Claim {
                group,
                worker,
                lanes,
                messages,
                bytes,
            } => {
                self.claim(usize::from(*group), *worker, *lanes, *messages, *bytes)
                    .await
            }
            Operation::Ack {
                claim,
                messages,
                append,
                schedule,
            } => {
                self.ack(*claim, *messages, append.as_ref(), *schedule)
                    .await
            }
            Operation::Fail { claim, verdict } => self.fail(*claim, *verdict).await,
            Operation::AckAndFail {
                claim,
                messages,
                verdict,
            } => self.ack_and_fail(*claim, *messages, *verdict).await,
            Operation::Release { claim } => self.release(*claim).await,
            Operation::Renew { claim } => self.renew(*claim).await,
            Operation::Reset { group, only } => {
                self.reset(usize::from(*group), only.map(usize::from)).await
            }
            Operation::Stop { group } => {
                self.groups[usize::from(*group)].is_stopped = true;
                done(
                    self.backend
                        .stop_group(&group_id(usize::from(*group)), "a pause")
                        .await,
                )
            }
            Operation::Start { group } => {
                self.groups[usize::from(*group)].is_stopped = false;
                done(
                    self.backend
                        .start_group(&group_id(usize::from(*group)))
                        .await,
                )
            }
            Operation::Skip {
                group,
                stream,
                first,
            } => {
                self.skip(usize::from(*group), usize::from(*stream), *first)
                    .await
            }
            Operation::Retry { group, stream } => {
                self.retry(usize::from(*group), usize::from(*stream)).await
            }
            Operation::Schedule { stream, hours } => {
                self.schedule(usize::from(*stream), u64::from(*hours)).await
            }
            Operation::Cancel { nth } => self.cancel(*nth).await,
            Operation::Promote { limit } => self.promote(usize::from(*limit)).await,
            Operation::AnHourPasses => {
                self.hour += 1;
                self.harness
                    .advance(self.backend, self.guard, A_LITTLE_MORE_THAN_AN_HOUR)
                    .await;
                Ok("done".to_owned())
            }
        }
    }

    /// What can be looked at without changing anything.
    async fn looks_right(&mut self, operation: &Operation) -> Result<(), String> {
        for group in GROUPS {
            let n_pending = self.backend.pending_lanes(&[group_id(group)]).await;
            let n_pending = n_pending.map_err(|error| error.to_string())?;
            let right = self.groups[group].n_pending(group, &self.streams);
            if (n_pending == 0) != (right == 0) {
                return Err(format!(
                    "{right} lanes of {} have something to do, and {n_pending} are told",
                    group_id(group)
                ));
            }
        }
        match operation {
            Operation::Append(_) | Operation::Promote { .. } | Operation::Ack { .. } => {
                self.holds_the_streams().await
            }
            _ => Ok(()),
        }
    }

    async fn holds_the_streams(&self) -> Result<(), String> {
        for stream in STREAMS {
            let stored = read(self.backend, stream_id(stream)).await;
            let right: Vec<MessageId> = self
                .streams
                .of(stream)
                .iter()
                .map(|stored| stored.id)
                .collect();
            let is_dense = seqs(&stored).into_iter().eq(1..=right.len() as u64);
            if stored_ids(&stored) != right || !is_dense {
                let (found, seqs) = (stored_ids(&stored), seqs(&stored));
                return Err(format!(
                    "{} holds {found:?} at {seqs:?}, and should hold {right:?}",
                    stream_id(stream)
                ));
            }
        }
        Ok(())
    }

    /// Lets everything go on, and handles it: then nothing is left, and nothing was lost.
    async fn comes_to_rest(&mut self) -> Result<(), String> {
        self.play(&Operation::AnHourPasses).await?;
        for group in GROUPS {
            let nth = u8::try_from(group).unwrap_or_default();
            self.play(&Operation::Start { group: nth }).await?;
            for lane in lanes_of(group) {
                self.retry(group, *lane).await?;
            }
        }
        for group in GROUPS {
            for _ in 0..PATIENCE {
                if self.groups[group].n_pending(group, &self.streams) == 0 {
                    break;
                }
                let n = self.claims.len();
                self.claim(group, 9, 3, 3, None).await?;
                for _ in n..self.claims.len() {
                    // Each is the newest once: what was acknowledged goes to the other end.
                    self.ack(0, 3, None, false).await?;
                    self.claims.rotate_right(1);
                }
                if n == self.claims.len() {
                    hint(self.backend).await;
                }
            }
            let left = self.groups[group].n_pending(group, &self.streams);
            if left > 0 {
                return Err(format!(
                    "{left} lanes of {} are never given",
                    group_id(group)
                ));
            }
        }
        self.looks_right(&Operation::Promote { limit: 0 }).await
    }
}

pub(super) fn done<T, E: std::fmt::Display>(result: Result<T, E>) -> Came {
    result
        .map(|_| "done".to_owned())
        .map_err(|error| error.to_string())
}

/// There is nothing to do it with.
pub(super) fn nothing() -> String {
    "nothing is there".to_owned()
}
