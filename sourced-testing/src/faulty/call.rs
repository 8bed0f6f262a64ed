//! What is asked of a backend, as those see it who may let it fail.

use std::fmt;

use sourced::backend::Table;
use sourced::backend::{
    Ack, ClaimKey, ClaimRequest, Scheduled, StreamAppend, UnitCommit, UnitError, Verdict,
};
use sourced::backend::{AckError, AppendError};
use sourced::{ExpectedSeq, GroupId, RecurrenceId, StreamId};

/// A call of a backend, with what it brings.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Call<'a> {
    /// Messages are stored: a dispatch, or a durable method.
    Append(&'a [StreamAppend]),
    /// Messages are stored, and others kept for later.
    Schedule(&'a [StreamAppend], &'a [Scheduled]),
    /// What is due moves into its stream.
    Promote,
    /// A worker asks for work.
    Claim(&'a ClaimRequest),
    /// A worker brings what its messages led to.
    Ack(&'a Ack),
    /// A worker gives a claim back without progress.
    Release(&'a ClaimKey),
    /// A worker gives a claim back because its handler failed.
    Fail(&'a ClaimKey, Verdict, &'a str),
    /// A worker prolongs its leases.
    Renew(&'a [ClaimKey]),
    /// A unit is stored.
    Unit(&'a UnitCommit),
    /// A recurrence moves on.
    Advance(&'a RecurrenceId, &'a [StreamAppend]),
    /// A snapshot is saved or deleted.
    Snapshot(&'a GroupId, &'a StreamId),
    /// A program that starts needs this table, which this group fills.
    EnsureTable(&'a Table, &'a GroupId),
    /// An operator changes something: this is the name of the method.
    Operate(&'static str),
    /// Something is only looked at: this is the name of the method.
    Read(&'static str),
}

/// The sorts of [`Call`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "they are those of `Call`")]
pub enum Op {
    Append,
    Schedule,
    Promote,
    Claim,
    Ack,
    Release,
    Fail,
    Renew,
    Unit,
    Advance,
    Snapshot,
    Operate,
    Read,
}

impl<'a> Call<'a> {
    /// Of which sort it is.
    pub fn op(&self) -> Op {
        match self {
            Self::Append(_) => Op::Append,
            Self::Schedule(..) => Op::Schedule,
            Self::Promote => Op::Promote,
            Self::Claim(_) => Op::Claim,
            Self::Ack(_) => Op::Ack,
            Self::Release(_) => Op::Release,
            Self::Fail(..) => Op::Fail,
            Self::Renew(_) => Op::Renew,
            Self::Unit(_) => Op::Unit,
            Self::Advance(..) => Op::Advance,
            Self::Snapshot(..) => Op::Snapshot,
            Self::EnsureTable(..) | Self::Operate(_) => Op::Operate,
            Self::Read(_) => Op::Read,
        }
    }

    /// What it stores in streams, or expects of them.
    pub fn appends(&self) -> &'a [StreamAppend] {
        match self {
            Self::Append(appends) | Self::Schedule(appends, _) | Self::Advance(_, appends) => {
                appends
            }
            Self::Ack(ack) => &ack.appends,
            Self::Unit(unit) => &unit.appends,
            _ => &[],
        }
    }

    /// What it keeps for later.
    pub fn schedules(&self) -> &'a [Scheduled] {
        match self {
            Self::Schedule(_, later) => later,
            Self::Ack(ack) => &ack.schedules,
            Self::Unit(unit) => &unit.schedules,
            _ => &[],
        }
    }

    /// The claim it is about.
    pub fn claim(&self) -> Option<&'a ClaimKey> {
        match self {
            Self::Ack(ack) => Some(&ack.claim),
            Self::Release(claim) | Self::Fail(claim, ..) => Some(claim),
            _ => None,
        }
    }

    /// The first append that somebody else can have been faster with, as a conflict tells of it.
    pub(super) fn conflict(&self) -> Option<AppendError> {
        let expects = |append: &&StreamAppend| append.expected != ExpectedSeq::Any;
        let append = self.appends().iter().find(expects)?;
        Some(AppendError::Conflict {
            stream: append.stream.clone(),
            expected: append.expected,
            actual: None,
        })
    }

    /// Whether somebody else could have been faster: an append expects something.
    pub fn can_conflict(&self) -> bool {
        self.conflict().is_some()
    }

    /// Whether something may be different after it.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Read(_))
    }
}

impl fmt::Display for Call<'_> {
    /// As a verb: `claims`, `stores`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(_) => f.write_str("append"),
            Self::Schedule(..) => f.write_str("schedule"),
            Self::Promote => f.write_str("promote"),
            Self::Claim(_) => f.write_str("claim"),
            Self::Ack(ack) => write!(f, "ack of `{}` in {}", ack.claim.group, ack.claim.stream),
            Self::Release(claim) => {
                write!(f, "release of `{}` in {}", claim.group, claim.stream)
            }
            Self::Fail(claim, ..) => write!(f, "fail of `{}` in {}", claim.group, claim.stream),
            Self::Renew(claims) => write!(f, "renewal of {} claims", claims.len()),
            Self::Unit(_) => f.write_str("unit"),
            Self::Advance(id, _) => write!(f, "tick of {id}"),
            Self::Snapshot(_, stream) => write!(f, "snapshot of {stream}"),
            Self::EnsureTable(..) => f.write_str("ensure_table"),
            Self::Operate(name) | Self::Read(name) => f.write_str(name),
        }
    }
}

/// Errors that can be those of an append. The others never are.
pub(super) trait OfAppend: Sized {
    fn of_append(error: AppendError) -> Option<Self>;
}

macro_rules! of_append {
    ($($error:ty: $of_append:expr;)*) => {
        $(impl OfAppend for $error {
            fn of_append(error: AppendError) -> Option<Self> {
                let of_append: fn(AppendError) -> Option<Self> = $of_append;
                of_append(error)
            }
        })*
    };
}

of_append! {
    AppendError: Some;
    AckError: |error| Some(Self::Append(error));
    UnitError: |error| Some(Self::Append(error));
    sourced::backend::BackendError: |_| None;
    sourced::backend::FenceError: |_| None;
    sourced::backend::QuarantineError: |_| None;
    sourced::backend::TableError: |_| None;
    sourced::backend::TruncateError: |_| None;
}
