//! What the checks are made of: messages, appends and consumers in few words.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::select;
use sourced::backend::{
    Ack, Appended, Backend, Claim, ClaimRequest, Group, GroupOrder, ReadLog, ReadStream, StartFrom,
    StreamAppend, WorkerId,
};
use sourced::env::{Clock as _, Env, Spawner, SystemClock, Task, TokioSpawner};
use sourced::{
    ExpectedSeq, GroupId, Kind, MessageId, NewMessage, Payload, Selection, Seq, StoredMessage,
    StreamId, Timestamp, TypeName,
};
use uuid::Uuid;

/// Every check calls methods of the port.
pub(super) use sourced::backend::{
    Claims as _, Documents as _, Groups as _, Log as _, Quarantine as _, Recurrences as _,
    Schedules as _, Store as _, Wake as _,
};

/// The type of most events.
pub(super) const HAPPENED: &str = "test.happened";
/// The type of most commands.
pub(super) const WISHED: &str = "test.wished";
/// A type that consumers do not handle unless told so.
pub(super) const OTHER: &str = "test.other";

/// Longer than any run of the suite: it ends when the harness moves the clock, never by chance.
pub(super) const LEASE: Duration = Duration::from_hours(1);
/// When a lease has all but ended.
pub(super) const BEFORE_ITS_END: Duration = Duration::from_mins(59);
/// When a lease has ended.
pub(super) const AFTER_ITS_END: Duration = Duration::from_mins(61);

/// How often to ask for work that must be there.
const PATIENCE: usize = 300;

pub(super) fn stream(name: impl AsRef<str>) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(super) fn group(name: &str) -> GroupId {
    GroupId::new(name).unwrap()
}

pub(super) fn type_name(name: &str) -> TypeName {
    TypeName::new(name).unwrap()
}

pub(super) fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

pub(super) fn uuid() -> Uuid {
    Env::system().ids.next_id()
}

pub(super) fn message(kind: Kind, type_name: &str, payload: &str) -> NewMessage {
    NewMessage::root(
        MessageId::from_uuid(uuid()),
        Timestamp::from_micros(1_700_000_000_123_456),
        TypeName::new(type_name).unwrap(),
        kind,
        Payload::parse(payload).unwrap(),
    )
}

pub(super) fn event() -> NewMessage {
    message(Kind::Event, HAPPENED, "{}")
}

pub(super) fn events(n: usize) -> Vec<NewMessage> {
    (0..n).map(|_| event()).collect()
}

pub(super) fn command() -> NewMessage {
    message(Kind::Command, WISHED, "{}")
}

pub(super) fn other() -> NewMessage {
    message(Kind::Event, OTHER, "{}")
}

/// An event with so many bytes of payload. A database would compress them.
pub(super) fn event_of(bytes: usize) -> NewMessage {
    let text = "x".repeat(bytes - 2);
    message(Kind::Event, HAPPENED, &format!(r#""{text}""#))
}

pub(super) fn to(
    name: impl AsRef<str>,
    expected: ExpectedSeq,
    messages: impl Into<Vec<NewMessage>>,
) -> StreamAppend {
    StreamAppend {
        stream: stream(name),
        expected,
        messages: messages.into(),
    }
}

/// Appends to the end of one stream, which has to work.
pub(super) async fn append(
    store: &impl Backend,
    name: impl AsRef<str>,
    messages: impl Into<Vec<NewMessage>>,
) -> Vec<Appended> {
    let append = to(name, ExpectedSeq::Any, messages);
    store.append(vec![append]).await.unwrap()
}

pub(super) async fn read(store: &impl Backend, name: impl AsRef<str>) -> Vec<StoredMessage> {
    let read = ReadStream::all(stream(name));
    store.read_stream(read).await.unwrap()
}

/// The whole log, which is no longer than the checks make it.
pub(super) async fn log(store: &impl Backend) -> Vec<StoredMessage> {
    let read = ReadLog::new(Selection::all());
    let page = store.read_log(&read).await.unwrap();
    assert!(page.is_last);
    page.messages
}

pub(super) fn ids_of(messages: &[NewMessage]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

pub(super) fn stored_ids(messages: &[StoredMessage]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

pub(super) fn seqs(messages: &[StoredMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.seq.get()).collect()
}

/// How many bytes of payload a claim has.
pub(super) fn bytes_of(claim: &Claim) -> usize {
    let deliveries = claim.deliveries.iter();
    deliveries
        .map(|next| next.message.payload.as_str().len())
        .sum()
}

pub(super) fn delivered(claim: &Claim) -> Vec<MessageId> {
    let deliveries = claim.deliveries.iter();
    deliveries.map(|delivery| delivery.message.id).collect()
}

/// The names of the claimed streams, in the order of the claims.
pub(super) fn streams_of(claims: &[Claim]) -> Vec<&str> {
    claims
        .iter()
        .map(|claim| claim.key.stream.as_str())
        .collect()
}

/// One worker of one or several groups.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) request: ClaimRequest,
}

impl Worker {
    /// A worker that no group has yet.
    pub(super) fn new(groups: &[&str]) -> Self {
        Self {
            request: ClaimRequest {
                worker: WorkerId::from_uuid(uuid()),
                groups: groups.iter().map(|name| group(name)).collect(),
                lanes: 100,
                messages_per_lane: 100,
                bytes: usize::MAX,
                lease: LEASE,
                stretches: Vec::new(),
            },
        }
    }

    /// A worker of a group that is registered for the usual types, from the beginning.
    pub(super) async fn of(store: &impl Backend, name: &str) -> Self {
        register(store, name, &[HAPPENED, WISHED]).await;
        Self::new(&[name])
    }

    /// Another worker of the same groups.
    pub(super) fn colleague(&self) -> Self {
        let mut colleague = self.clone();
        colleague.request.worker = WorkerId::from_uuid(uuid());
        colleague
    }

    /// It takes stretches of the log of all its groups.
    pub(super) fn with_stretches(mut self) -> Self {
        self.request.stretches = self.request.groups.clone();
        self
    }

    pub(super) fn lanes(mut self, lanes: usize) -> Self {
        self.request.lanes = lanes;
        self
    }

    pub(super) fn messages_per_lane(mut self, messages: usize) -> Self {
        self.request.messages_per_lane = messages;
        self
    }

    pub(super) fn bytes(mut self, bytes: usize) -> Self {
        self.request.bytes = bytes;
        self
    }

    /// Asks once.
    pub(super) async fn try_claim(&self, store: &impl Backend) -> Vec<Claim> {
        store.claim(&self.request).await.unwrap()
    }

    /// Asks until this many lanes are claimed in all.
    pub(super) async fn claim_lanes(&self, store: &impl Backend, lanes: usize) -> Vec<Claim> {
        let mut claims = Vec::new();
        // Patience is counted in questions, so that a slow machine does not run out of it.
        for _ in 0..PATIENCE {
            claims.extend(self.try_claim(store).await);
            if claims.len() >= lanes {
                break;
            }
            hint(store).await;
        }
        let streams = streams_of(&claims);
        assert_eq!(claims.len(), lanes, "claimed {streams:?}");
        claims
    }

    /// Asks until there is a lane, which has to be the only one.
    pub(super) async fn claim(&self, store: &impl Backend) -> Claim {
        self.claim_lanes(store, 1).await.remove(0)
    }
}

/// Registers a group for these types, from the beginning.
pub(super) async fn register(store: &impl Backend, name: &str, types: &[&str]) {
    register_from(store, name, types, StartFrom::Beginning).await;
}

pub(super) async fn register_from(
    store: &impl Backend,
    name: &str,
    types: &[&str],
    start_from: StartFrom,
) {
    let group = Group {
        id: group(name),
        types: types
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect(),
        start_from,
        order: GroupOrder::PerStream,
    };
    store.register_group(&group).await.unwrap();
}

/// The plain acknowledgement of everything that was claimed.
pub(super) fn ack_all(claim: &Claim) -> Ack {
    ack_upto(claim, claim.deliveries.len())
}

/// The plain acknowledgement of the first `n` messages of a claim.
pub(super) fn ack_upto(claim: &Claim, n: usize) -> Ack {
    Ack {
        claim: claim.key.clone(),
        upto: claim.deliveries[n - 1].message.position,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    }
}

/// Waits until it may be worth asking again. Signals may be lost, so it does not wait long.
pub(super) async fn hint(store: &impl Backend) {
    let mut signal = store.signal();
    // A clone of a signal that was ever raised resolves at once, which would make this a busy loop.
    calm(&mut signal);
    let raised = std::pin::pin!(signal.raised());
    select(raised, SystemClock.sleep(Duration::from_millis(10))).await;
}

/// Forgets what was raised so far.
pub(super) fn calm(signal: &mut sourced::backend::Signal) {
    while signal.raised().now_or_never().is_some() {}
}

/// Runs something beside the check; awaiting it gives `None` when it panicked.
pub(super) fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    let spawner: &dyn Spawner = &TokioSpawner;
    spawner.spawn(future)
}

/// Waits for all of these.
pub(super) async fn join<T>(tasks: Vec<Task<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("a task of the check panicked"));
    }
    results
}

/// Acknowledges everything there is for these groups, and gives it in the order of its delivery.
pub(super) async fn drain(store: &impl Backend, worker: &Worker) -> Vec<MessageId> {
    let mut seen = Vec::new();
    while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
        for claim in worker.try_claim(store).await {
            seen.extend(delivered(&claim));
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    seen
}

/// There is nothing to do for these groups.
pub(super) async fn is_quiet(store: &impl Backend, worker: &Worker) {
    assert_eq!(worker.try_claim(store).await, []);
    let pending = store.pending_lanes(&worker.request.groups).await.unwrap();
    assert_eq!(pending, 0);
}
