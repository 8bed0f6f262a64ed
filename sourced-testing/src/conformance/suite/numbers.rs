//! Numbers that come from outside: the largest and the smallest of each are answered, and overflow nothing.

use std::time::Duration;

use sourced::backend::{
    Backend, Group, GroupOrder, ReadLog, ReadStream, ResetFrom, ResetScope, StartFrom, Truncation,
    Upkeep as _, Verdict,
};
use sourced::{ExpectedSeq, Position, Selection, Seq, StreamId, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

const LAST: Position = Position::new(u64::MAX);
const LAST_SEQ: Option<Seq> = Seq::new(u64::MAX);

pub async fn a_reset_beyond_the_end_changes_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let in_order = in_global_order(&store, "o", StartFrom::Beginning).await;
    append(&store, "a", events(2)).await;
    drain(&store, &worker).await;
    drain(&store, &in_order).await;
    append(&store, "a", [event()]).await;
    let never = ResetFrom::Since(Timestamp::from_micros(i64::MAX));
    for from in [ResetFrom::After(LAST), never] {
        for scope in [ResetScope::All, ResetScope::Stream(stream("a"))] {
            store.reset_group(&group("g"), &scope, from).await.unwrap();
        }
        let all = ResetScope::All;
        store.reset_group(&group("o"), &all, from).await.unwrap();
    }
    for worker in [worker, in_order] {
        assert_eq!(drain(&store, &worker).await.len(), 1);
        is_quiet(&store, &worker).await;
    }
}

pub async fn a_group_may_start_after_every_position<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    let after = StartFrom::After(LAST);
    register_from(&store, "g", &[HAPPENED], after).await;
    let workers = [
        Worker::new(&["g"]),
        in_global_order(&store, "o", after).await,
    ];
    for worker in workers {
        let group = worker.request.groups[0].clone();
        append(&store, "a", [event()]).await;
        is_quiet(&store, &worker).await;
        let from = ResetFrom::Beginning;
        store
            .reset_group(&group, &ResetScope::All, from)
            .await
            .unwrap();
        is_quiet(&store, &worker).await;
        let listed = store.groups().await.unwrap();
        let status = listed.iter().find(|status| status.id == group).unwrap();
        assert_eq!(status.lag(), 0, "{status:?}");
    }
}

pub async fn reads_may_begin_and_end_anywhere<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    let ends = [Position::START, Position::new(1), LAST];
    for (from, to) in ends.iter().flat_map(|from| ends.map(|to| (*from, to))) {
        let between = Selection::all().after(from).upto(to);
        for selection in [
            between.clone(),
            between.stream(stream("a")),
            Selection::all().before(to),
        ] {
            let meant = log(&store)
                .await
                .iter()
                .filter(|message| selection.contains(message))
                .count();
            let read = ReadLog::new(selection.clone()).limit(usize::MAX);
            for read in [read.clone(), read.backwards()] {
                let page = store.read_log(&read).await.unwrap();
                assert_eq!(page.messages.len(), meant, "{read:?}");
                let beyond = store.read_log(&read.beyond(&page)).await.unwrap();
                assert_eq!(beyond.messages, []);
            }
            let summary = store.summary(&selection).await.unwrap();
            assert_eq!(summary.count, meant as u64, "{selection:?}");
        }
    }
    let all = ReadStream::all(stream("a"))
        .upto(LAST_SEQ)
        .limit(usize::MAX);
    assert_eq!(store.read_stream(all.clone()).await.unwrap().len(), 2);
    assert_eq!(store.read_stream(all.after(LAST_SEQ)).await.unwrap(), []);
    let recent = store.recent_streams(Some(LAST), usize::MAX).await.unwrap();
    assert_eq!(recent.streams.len(), 1);
    let none = store
        .recent_streams(Some(Position::START), 1)
        .await
        .unwrap();
    assert_eq!(none.streams.len(), 0);
}

pub async fn a_seq_that_no_stream_has_is_a_conflict<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    let last = LAST_SEQ.unwrap();
    let exactly = to("a", ExpectedSeq::Exactly(last), [event()]);
    let error = store.append(vec![exactly]).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    let no_event_after = to("a", ExpectedSeq::NoEventAfter(LAST_SEQ), [event()]);
    let places = store.append(vec![no_event_after]).await.unwrap();
    assert_eq!(places[0].seq, seq(2));
    let truncation = Truncation {
        stream: stream("a"),
        upto: last,
        bases: Vec::new(),
    };
    store.truncate_stream(&truncation).await.unwrap_err();
}

pub async fn claims_may_ask_for_everything_and_last_for_ever<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut worker = Worker::of(&store, "g").await;
    worker.request.lanes = usize::MAX;
    worker.request.messages_per_lane = usize::MAX;
    worker.request.lease = Duration::MAX;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 2);
    let lost = store
        .renew(std::slice::from_ref(&claim.key), Duration::MAX)
        .await;
    assert_eq!(lost.unwrap(), []);
    store.postpone(&claim.key, Duration::MAX).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    let (group, from) = (group("g"), ResetFrom::Beginning);
    store
        .reset_group(&group, &ResetScope::All, from)
        .await
        .unwrap();
    let claim = worker.claim(&store).await;
    let never = Verdict::RetryAfter(Duration::MAX);
    store.fail(&claim.key, never, "no").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    let name = stream("a");
    store.skip(&group, &name, LAST, "why").await.unwrap_err();
    assert_eq!(store.skip_of(&group, LAST).await.unwrap(), None);
}

async fn in_global_order(store: &impl Backend, name: &str, start_from: StartFrom) -> Worker {
    let group = Group {
        id: group(name),
        types: vec![type_name(HAPPENED)],
        start_from,
        order: GroupOrder::Global,
    };
    store.register_group(&group).await.unwrap();
    let lane = store.lane(&group.id, &StreamId::log()).await.unwrap();
    assert!(lane.is_some());
    Worker::new(&[name])
}
