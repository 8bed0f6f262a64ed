//! Claims: the exclusive right of one worker to one stream of a group, for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::{
    AckError, Appended, BackendError, FenceError, LaneFailure, Scheduled, StreamAppend, SyncAction,
};
use crate::message::{MessageId, Metadata, Payload, StoredMessage};
use crate::stream::{GroupId, Position, StreamId};

/// Claiming work, and ending it.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Claims up to `request.lanes` lanes of the named groups that have something to handle, the ones waiting longest
    /// first, each with its oldest pending messages.
    ///
    /// Pending are the messages of the group's types above the lane's acknowledged position, and below it those that are
    /// owed ([`Groups::register_group`](super::Groups::register_group)); without the commands that this very group had
    /// decided before they were stored ([`Message::decided_by`](crate::Message::decided_by)). A stopped group has no
    /// lanes to give.
    ///
    /// - *never-skipped*, *in-order-per-stream*: the messages of one claim are the next ones of that stream without a
    ///   gap, in the order of their seqs; a lane is held by one worker at a time.
    /// - *flat-cost*: the cost does not grow with the number of streams nor with the length of the log.
    /// - *replay-is-marked*: [`Delivery::replaying`] is true only for what this group acknowledged before in this stream.
    /// - A claim has at most `request.bytes` bytes of payloads and metadata, whatever it is of: whoever claims knows how much
    ///   memory that takes. Its first message is given whatever its size.
    ///
    /// A backend may give a *stretch* of the log instead, to one of `request.stretches`: a claim of [`StreamId::log`] with the
    /// next messages of the group, at most [`STRETCH`] of them, in the order of their positions, whatever streams they are in.
    /// It is for a group that is far behind, by [`STRETCH`] positions or more, and none of whose lanes has work or waits; a
    /// backend may prefer lanes nevertheless where streams are long.
    ///
    /// - *never-skipped*, *in-order-per-stream*: while somebody holds a stretch, the group gives nothing else to anybody who
    ///   asks for stretches. All of it is decided, so nothing comes in below what was given.
    /// - An acknowledgement leaves the lane of each of its streams as if that had been claimed and acknowledged by itself.
    /// - What is not acknowledged, be it released, postponed or failed with whatever verdict, or because the lease has ended,
    ///   comes in lanes, with no attempt counted: one message that cannot be handled holds up its own stream and no other.
    /// - *fenced*: a reset and a change of types take it back.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError>;

    /// Ends a claim with progress: everything in `ack` is stored in one transaction, or nothing.
    ///
    /// The steps are: check the fence, append, schedule, record refusals, run the sync actions in order, move the acknowledged
    /// position to `ack.upto` (never backwards), reset the attempts, give the lane back. The result is that of
    /// [`Store::append`](super::Store::append) for `ack.appends`; schedules have the rules of
    /// [`Schedules::schedule`](super::Schedules::schedule).
    ///
    /// The transaction may be run again from the start when the database asks for it (a deadlock, a lost connection
    /// before the commit was sent), and so may the sync actions. A backend may share one transaction among acks that arrive
    /// at the same time; what one of them is refused for is refused to it alone.
    ///
    /// # Errors
    /// [`AckError::Fenced`] when the lane has another holder by now, [`AckError::Append`] when an append was refused,
    /// [`AckError::Sync`] when a sync action failed, [`AckError::Backend`] for the rest. The claim is still held after
    /// all of them but the first.
    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError>;

    /// Ends a claim with progress as [`Claims::ack`] does, and goes on with what the acknowledgement itself has appended to
    /// its stream: what the group handles of that comes back as the claim after this one, in the same transaction, without
    /// a look at the log. It is a claim like any other, with an epoch of its own.
    ///
    /// There is none where the rules of [`Claims::claim`] would give another: when anything else waits in the stream, before
    /// those messages or between them, when the group is stopped, or does not handle them. A backend may also leave them to
    /// the next claim whenever it likes.
    ///
    /// # Errors
    /// As [`Claims::ack`].
    async fn ack_and_go_on(&self, ack: Ack, next: GoOn) -> Result<Acked, AckError> {
        _ = next;
        let appended = self.ack(ack).await?;
        Ok(Acked {
            appended,
            next: None,
        })
    }

    /// Ends a claim with progress as [`Claims::ack`] does, and with a failure of the message after `ack.upto` as
    /// [`Claims::fail`] does, in one transaction: nobody is given that message in between, so the attempt counts.
    ///
    /// Of a stretch nothing is failed: its messages are judged in their own lanes.
    ///
    /// # Errors
    /// As [`Claims::ack`].
    async fn ack_and_fail(
        &self,
        ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError>;

    /// Gives a lane back without progress; it can be claimed again at once.
    ///
    /// # Errors
    /// [`FenceError::Fenced`] when the lane has another holder by now.
    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError>;

    /// Gives a lane back without progress, to be claimed again after this time, by the backend's own clock. Nothing has
    /// failed: no attempt is counted.
    ///
    /// # Errors
    /// [`FenceError::Fenced`] when the lane has another holder by now.
    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError>;

    /// Gives a lane back because handling its first pending message failed. The count of attempts goes up by one, and
    /// what failed, when and how is kept with the lane for a person to read: [`LaneState::failure`]. Of `error`, that is
    /// [`MAX_REASON_BYTES`](super::MAX_REASON_BYTES) at most.
    ///
    /// # Errors
    /// [`FenceError::Fenced`] when the lane has another holder by now.
    async fn fail(&self, claim: &ClaimKey, verdict: Verdict, error: &str)
    -> Result<(), FenceError>;

    /// Prolongs leases: each ends `lease` from now, by the backend's own clock. Returns the claims that are lost.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError>;

    /// Looks at a lane. `None` when the group never had anything to do in that stream.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError>;

    /// Looks up the recorded refusals of commands, in no order. Commands that were not refused have none.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError>;

    /// Looks up the recorded refusal of one command.
    ///
    /// # Errors
    /// As [`Claims::refusals`].
    async fn refusal(&self, command: MessageId) -> Result<Option<Refusal>, BackendError> {
        Ok(self.refusals(&[command]).await?.pop())
    }

    /// How many lanes of these groups hold work that is not acknowledged yet: ready, claimed, delayed, and messages not
    /// yet sorted into lanes count as at least one. Parked lanes do not count, nor does a stopped group: both wait for a
    /// person. Zero means: quiet. All groups are looked at in one snapshot, so work that an ack moves from one group to another is seen in one of them.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError>;
}

/// Names one worker: a process that claims. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct WorkerId(Uuid);

impl WorkerId {
    /// The worker with this UUID.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }
    /// The UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts how often a lane was claimed; each claim has its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number.
    pub const fn new(epoch: u64) -> Self {
        Self(epoch)
    }
    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Who claims.
    pub worker: WorkerId,
    /// From which groups; each gets its fair share of the lanes.
    pub groups: Vec<GroupId>,
    /// At most so many lanes.
    pub lanes: usize,
    /// At most so many messages of each lane; at least 1.
    pub messages_per_lane: usize,
    /// At most so many bytes of payloads and metadata in each claim, as JSON. The first message is given whatever its size. A
    /// backend may count a few bytes more for each.
    pub bytes: usize,
    /// How long the claims hold unless renewed, by the backend's own clock.
    pub lease: Duration,
    /// Those of the groups that may be given a stretch of the log instead of lanes: see [`Claims::claim`].
    pub stretches: Vec<GroupId>,
}

/// How many messages a stretch of the log has at most, and how many positions a group has to be behind to be given one.
pub const STRETCH: usize = 1_000;

/// What there is room for in one claim, for backends that fill it message by message.
#[derive(Debug, Clone)]
pub struct Room {
    messages: usize,
    bytes: usize,
    is_untouched: bool,
}

impl Room {
    /// For so many messages, at least 1, of so many bytes together.
    pub fn new(messages: usize, bytes: usize) -> Self {
        Self {
            messages: messages.max(1),
            bytes,
            is_untouched: true,
        }
    }

    /// Whether the next message fits, which is true of the first whatever its size. When it does, there is less room for
    /// those after it; when not, there is none for them.
    pub fn takes(&mut self, payload: &Payload, metadata: &Metadata) -> bool {
        let bytes = payload.as_str().len() + metadata.n_bytes();
        let is_first = std::mem::take(&mut self.is_untouched);
        let fits = self.messages > 0 && (is_first || bytes <= self.bytes);
        self.messages = if fits { self.messages - 1 } else { 0 };
        self.bytes = self.bytes.saturating_sub(bytes);
        fits
    }
}

/// Names one claim: lane, holder and epoch. Whoever shows it proves that the lane has not moved on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// The group.
    pub group: GroupId,
    /// The stream; or [`StreamId::log`], of a group in global order, or for a stretch of the log.
    pub stream: StreamId,
    /// The holder.
    pub worker: WorkerId,
    /// The lane's epoch since this claim.
    pub epoch: Epoch,
}

/// A claimed lane with its next messages.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a claim that is not acked, released or failed blocks its stream until its lease ends"]
pub struct Claim {
    /// What to show when ending the claim.
    pub key: ClaimKey,
    /// The next pending messages, oldest first; never empty.
    pub deliveries: Vec<Delivery>,
    /// How often handling the first of them has failed before.
    pub attempts: u32,
    /// How long ago the first of these failures was, by the backend's own clock; zero when there was none.
    pub failing_for: Duration,
}

/// One message handed to a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The message.
    pub message: StoredMessage,
    /// Whether this group acknowledged it before, so that only state may change now.
    pub replaying: bool,
}

/// Progress, with everything that has to be stored together with it.
#[derive(Debug, Clone)]
pub struct Ack {
    /// The claim it ends.
    pub claim: ClaimKey,
    /// Everything up to here is handled: the position of a message of the claim.
    pub upto: Position,
    /// What the messages led to.
    pub appends: Vec<StreamAppend>,
    /// What they led to, but for later.
    pub schedules: Vec<Scheduled>,
    /// Commands that were refused. The first refusal of a command stands.
    pub refusals: Vec<Refusal>,
    /// Work to do inside the transaction.
    pub syncs: Vec<Arc<dyn SyncAction>>,
}

/// What to claim of the messages that an acknowledgement appends to its own stream: see [`Claims::ack_and_go_on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoOn {
    /// At most so many of them; at least 1.
    pub messages: usize,
    /// At most so many bytes of them, as [`ClaimRequest::bytes`] has it.
    pub bytes: usize,
    /// How long the claim holds unless renewed, by the backend's own clock.
    pub lease: Duration,
}

/// What became of an acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acked {
    /// What [`Claims::ack`] gives.
    pub appended: Vec<Appended>,
    /// The claim that goes on.
    pub next: Option<Claim>,
}

/// A command that was decided by saying no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The command.
    pub command: MessageId,
    /// Why, in the words of the domain's error type.
    pub reason: String,
}

/// What becomes of a lane whose message could not be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It can be claimed again after this time, by the backend's own clock.
    RetryAfter(Duration),
    /// It waits for a person; later messages of the stream wait behind it.
    Park,
    /// The message is acknowledged without being handled, as by [`Quarantine::skip`](super::Quarantine::skip), with the
    /// error as the reason.
    Skip,
    /// The whole group waits for a person: its state becomes [`GroupState::Failed`](super::GroupState::Failed) with the
    /// error. The lane is ready again for when the group is started.
    StopGroup,
}

/// How far a group is in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneState {
    /// Everything the group handles up to here is acknowledged, but what it owes.
    pub acked: Position,
    /// How often the first pending message has failed.
    pub attempts: u32,
    /// Whether the lane waits for a person.
    pub parked: bool,
    /// The last failure since the last progress.
    pub failure: Option<LaneFailure>,
}

impl LaneState {
    /// For backends.
    pub fn new(acked: Position, attempts: u32, parked: bool, failure: Option<LaneFailure>) -> Self {
        Self {
            acked,
            attempts,
            parked,
            failure,
        }
    }

    /// The error of the last failure since the last progress.
    pub fn last_error(&self) -> Option<&str> {
        Some(&self.failure.as_ref()?.error)
    }
}
