//! Stretches: a group that is far behind is given the log as it is, and loses, doubles and reorders nothing by it.

use std::collections::{BTreeMap, BTreeSet};

use sourced::backend::{
    Backend, Claim, Delivery, Group, GroupOrder, ReadLog, STRETCH, StartFrom, StreamAppend,
};
use sourced::{ExpectedSeq, MessageId, NewMessage, Position, Selection, StreamId};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Step, doc, steps};

mod beside;
mod ending;
mod operating;
mod taken_back;

pub use beside::*;
pub use ending::*;
pub use operating::*;
pub use taken_back::*;

/// How often somebody asks for a stretch that must be there.
const PATIENCE: usize = 300;

pub async fn each_once_of_many_short_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = fill(&store, "s", 1_500, 2).await;
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    assert!(handled.deliveries.iter().all(|next| !next.replaying));
    if harness.gives_stretches() {
        assert!(handled.n_stretches >= 2, "{}", handled.n_stretches);
    }
    for place in places.iter().skip(1_500) {
        let lane = store.lane(&group("g"), &stream(&place.stream)).await;
        let lane = lane.unwrap().expect("it was handled");
        assert_eq!((lane.acked, lane.attempts), (place.position, 0));
    }
    assert_eq!(
        store.lane(&group("g"), &StreamId::log()).await.unwrap(),
        None
    );
    is_quiet(&store, &worker).await;
    let later = append(&store, "s-700", [event()]).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.stream, stream("s-700"));
    assert_eq!(delivered(&claim), [later[0].id]);
    assert!(!claim.deliveries[0].replaying);
    store.ack(ack_all(&claim)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn in_order_of_the_log_and_no_more_than_it_may_have<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    // How many messages of a lane are given says nothing of stretches.
    let worker = Worker::of(&store, "g").await.with_stretches();
    let worker = worker.lanes(1).messages_per_lane(1);
    let places = far_behind(&store).await;
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    assert_eq!((claim.attempts, claim.failing_for.as_micros()), (0, 0));
    let given: Vec<MessageId> = places[..STRETCH].iter().map(|place| place.id).collect();
    assert_eq!(delivered(&claim), given);
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(drain(&store, &worker).await.len(), places.len() - STRETCH);
}

pub async fn stretches_are_bounded_in_bytes<H: Harness>(harness: &H) {
    const BYTES: usize = 400_000;
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let worker = worker.bytes(BYTES);
    let mut places = Vec::new();
    for nth in 0..STRETCH / 10 {
        // One in a hundred has more bytes than there is room for.
        let bytes = |stream| match (nth % 10, stream) {
            (5, 7) => BYTES + 1,
            _ => 2_000,
        };
        let round = (0..20).map(|stream| (format!("s-{stream}"), event_of(bytes(stream))));
        places.extend(put(&store, round).await);
    }
    places.sort();
    is_decided(&store, &places).await;
    let mut handled = Handled::default();
    while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
        for claim in worker.try_claim(&store).await {
            let bytes = bytes_of(&claim);
            let n = claim.deliveries.len();
            assert!(bytes <= BYTES || n == 1, "{n} messages have {bytes} bytes");
            handled.ack(&store, &claim, n).await;
        }
    }
    handled.are_each_once(&places);
    if harness.gives_stretches() {
        // What is behind a full one comes in the next one, and in no lanes.
        assert!(handled.n_stretches >= 5, "{}", handled.n_stretches);
    }
}

pub async fn only_who_is_far_behind_and_asks_is_given_one<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let plain = Worker::of(&store, "g").await;
    let asks = plain.colleague().with_stretches();
    let mut places = fill(&store, "s", 9, 110).await;
    let mut handled = Handled::default();
    let claims = asks.claim_lanes(&store, 9).await;
    assert!(claims.iter().all(|claim| !claim.key.stream.is_log()));
    for claim in &claims {
        handled.ack(&store, claim, claim.deliveries.len()).await;
    }
    handled.all(&store, &asks).await;
    assert_eq!(handled.n_stretches, 0);
    places.extend(far_behind(&store).await);
    let first = plain.clone().lanes(1).claim(&store).await;
    assert!(!first.key.stream.is_log());
    // Some lanes have work now, and it goes first.
    let claims = asks.claim_lanes(&store, N_STREAMS - 1).await;
    assert!(claims.iter().all(|claim| !claim.key.stream.is_log()));
    for claim in claims.iter().chain([&first]) {
        handled.ack(&store, claim, claim.deliveries.len()).await;
    }
    handled.all(&store, &asks).await;
    handled.are_each_once(&places);
}

pub async fn nobody_is_given_one_while_a_lane_is_held_delayed_or_parked<H: Harness>(harness: &H) {
    use sourced::backend::Verdict;
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let first = append(&store, "first", events(2)).await;
    let mut held = worker.claim(&store).await;
    let mut handled = Handled::default();
    let mut places: Vec<Place> = Vec::new();
    for verdict in [None, Some(Verdict::RetryAfter(LEASE)), Some(Verdict::Park)] {
        if let Some(verdict) = verdict {
            store.fail(&held.key, verdict, "no").await.unwrap();
        }
        places.extend(far_behind(&store).await);
        while handled.deliveries.len() < places.len() {
            handled.once(&store, &worker).await;
        }
        assert_eq!(handled.n_stretches, 0, "{verdict:?}");
        if verdict == Some(Verdict::RetryAfter(LEASE)) {
            harness.advance(&store, &guard, AFTER_ITS_END).await;
            held = worker.claim(&store).await;
        }
    }
    handled.are_each_once(&places);
    let name = stream("first");
    store
        .retry_parked(&group("g"), &name, "again")
        .await
        .unwrap();
    assert_eq!(
        drain(&store, &worker).await,
        first.iter().map(|it| it.id).collect::<Vec<_>>()
    );
    let more = far_behind(&store).await;
    if let Some(claim) = stretch(harness, &store, &worker).await {
        store.release(&claim.key).await.unwrap();
    }
    assert_eq!(drain(&store, &worker).await.len(), more.len());
}

pub async fn it_begins_where_the_group_does<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let places = far_behind(&store).await;
    let more = far_behind(&store).await;
    let start = StartFrom::After(places[70].position);
    register_from(&store, "g", &[HAPPENED], start).await;
    let worker = Worker::new(&["g"]).with_stretches();
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&[&places[71..], &more].concat());
    assert_eq!(handled.n_stretches > 0, harness.gives_stretches());
}

pub async fn a_group_in_global_order_has_its_lane_and_no_other<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let g = Group {
        id: group("g"),
        types: vec![type_name(HAPPENED)],
        start_from: StartFrom::Beginning,
        order: GroupOrder::Global,
    };
    store.register_group(&g).await.unwrap();
    let places = far_behind(&store).await;
    let worker = Worker::new(&["g"]).with_stretches();
    let claim = worker.claim(&store).await;
    assert!(claim.key.stream.is_log() && claim.deliveries.len() == 100);
    store.ack(ack_all(&claim)).await.unwrap();
    let lane = store.lane(&group("g"), &StreamId::log()).await.unwrap();
    assert_eq!(lane.unwrap().acked, places[99].position);
    assert_eq!(drain(&store, &worker).await.len(), places.len() - 100);
}

/// A message of the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    position: Position,
    stream: String,
    id: MessageId,
}

/// What was handled, in this order.
#[derive(Debug, Default)]
struct Handled {
    deliveries: Vec<Delivery>,
    n_stretches: usize,
}

impl Handled {
    /// Acknowledges the first `n` messages of a claim.
    async fn ack(&mut self, store: &impl Backend, claim: &Claim, n: usize) {
        fits(claim);
        self.n_stretches += usize::from(claim.key.stream.is_log());
        self.deliveries.extend_from_slice(&claim.deliveries[..n]);
        store.ack(ack_upto(claim, n)).await.unwrap();
    }

    /// Acknowledges everything there is for the groups of a worker.
    async fn all(&mut self, store: &impl Backend, worker: &Worker) {
        while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
            self.once(store, worker).await;
        }
    }

    /// Asks once, and acknowledges what is given.
    async fn once(&mut self, store: &impl Backend, worker: &Worker) {
        let claims = worker.try_claim(store).await;
        for claim in &claims {
            self.ack(store, claim, claim.deliveries.len()).await;
        }
        if claims.is_empty() {
            hint(store).await;
        }
    }

    /// Exactly these, and those of each stream in their order.
    fn are_each_once(&self, places: &[Place]) {
        let mut lasts = BTreeMap::new();
        for Delivery { message, .. } in &self.deliveries {
            let last = lasts.insert(message.stream_id.as_str(), message.seq);
            assert!(last < Some(message.seq), "{message:?} came after {last:?}");
        }
        self.are(places);
    }

    /// Exactly these.
    fn are(&self, places: &[Place]) {
        let found = self.deliveries.iter().map(|next| next.message.id);
        let found: BTreeSet<MessageId> = found.collect();
        let expected = places.iter().map(|place| place.id).collect();
        let missing: Vec<_> = places.iter().filter(|it| !found.contains(&it.id)).collect();
        assert!(
            missing.is_empty(),
            "{} are missing, as {:?}",
            missing.len(),
            missing[0]
        );
        assert_eq!(found, expected);
        assert_eq!(self.deliveries.len(), places.len(), "some came twice");
    }

    /// Which messages of each stream came as replays.
    fn marks(&self) -> BTreeMap<&str, Vec<bool>> {
        let mut marks: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for next in &self.deliveries {
            let of_stream = marks.entry(next.message.stream_id.as_str()).or_default();
            of_stream.push(next.replaying);
        }
        marks
    }
}

/// What is true of every claim.
fn fits(claim: &Claim) {
    let deliveries = claim.deliveries.iter();
    let positions: Vec<Position> = deliveries.map(|next| next.message.position).collect();
    assert!(!positions.is_empty());
    if claim.key.stream.is_log() {
        assert!(positions.len() <= STRETCH, "{}", positions.len());
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    } else {
        let is_own = |next: &Delivery| next.message.stream_id == claim.key.stream;
        assert!(claim.deliveries.iter().all(is_own));
    }
}

/// The streams of [`far_behind`].
const N_STREAMS: usize = 22;

/// So many messages that a group is given one stretch of them and a few lanes: their streams alternate.
async fn far_behind(store: &impl Backend) -> Vec<Place> {
    fill(store, "s", N_STREAMS, STRETCH / 20).await
}

/// So many events in each of so many streams, which alternate; in the order of the log.
async fn fill(store: &impl Backend, prefix: &str, streams: usize, each: usize) -> Vec<Place> {
    let mut places = Vec::new();
    for _ in 0..each {
        let round = (0..streams).map(|nth| (format!("{prefix}-{nth}"), event()));
        places.extend(put(store, round).await);
    }
    places.sort();
    is_decided(store, &places).await;
    places
}

/// Appends one message to each of these streams.
async fn put(
    store: &impl Backend,
    messages: impl IntoIterator<Item = (String, NewMessage)>,
) -> Vec<Place> {
    let (mut streams, mut appends) = (Vec::new(), Vec::<StreamAppend>::new());
    for (name, message) in messages {
        appends.push(to(&name, ExpectedSeq::Any, [message]));
        streams.push(name);
    }
    let appended = store.append(appends).await.unwrap();
    let places = streams.into_iter().zip(appended);
    places
        .map(|(stream, it)| Place {
            position: it.position,
            stream,
            id: it.id,
        })
        .collect()
}

/// Waits until no transaction of somebody else hides these.
async fn is_decided(store: &impl Backend, places: &[Place]) {
    let Some(last) = places.iter().map(|place| place.position).max() else {
        return;
    };
    let before = Position::new(last.get() - 1);
    let read = ReadLog::new(Selection::all().after(before));
    while store.read_log(&read).await.unwrap().messages.is_empty() {
        hint(store).await;
    }
}

/// Asks until there is a stretch, which has to come. None of a backend that gives none.
async fn stretch<H: Harness>(harness: &H, store: &H::Backend, worker: &Worker) -> Option<Claim> {
    if !harness.gives_stretches() {
        return None;
    }
    for _ in 0..PATIENCE {
        let mut claims = worker.try_claim(store).await;
        if let Some(claim) = claims.pop() {
            assert!(
                claims.is_empty() && claim.key.stream.is_log(),
                "these lanes are given, and no stretch: {:?}, {}",
                streams_of(&claims),
                claim.key.stream
            );
            fits(&claim);
            return Some(claim);
        }
        hint(store).await;
    }
    panic!("no stretch is given to a group that is far behind");
}

/// Nobody can end the claim any more, and nothing is stored by it.
async fn is_lost(store: &impl Backend, claim: &Claim) {
    is_fenced(store, claim).await;
    assert!(store.release(&claim.key).await.is_err());
    let lost = store.renew(std::slice::from_ref(&claim.key), LEASE).await;
    assert_eq!(lost.unwrap(), std::slice::from_ref(&claim.key));
}

/// Nothing is stored by the claim any more.
async fn is_fenced(store: &impl Backend, claim: &Claim) {
    let mut ack = ack_all(claim);
    ack.syncs.push(steps([Step::Put("lost", 1)]));
    ack.appends.push(to("lost", ExpectedSeq::Any, [event()]));
    let error = store.ack(ack).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert_eq!(doc(store, "lost").await, None);
    assert_eq!(read(store, "lost").await, []);
}
