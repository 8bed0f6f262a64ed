//! Reading selections of the log: by any condition, in both directions, page by page, and figures about them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sourced::backend::{Backend, Page, ReadLog, ReadStream, Summary};
use sourced::{
    CorrelationId, ExpectedSeq, Kind, MessageId, Metadata, NewMessage, Position, Selection,
    StoredMessage, Timestamp,
};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn each_condition_selects_what_it_says<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let user = |name: &str| Metadata::new().with("user", name);
    let nested = Metadata::new().with("by", serde_json::json!({ "user": "u-1" }));
    let root = at(1, command());
    let cause = append_one(&store, "cart-1", root.clone()).await;
    let caused = at(5, event()).caused_by(&cause);
    append_one(&store, "cart-1", about(caused, user("u-1"))).await;
    append_one(&store, "cart-10", about(at(3, other()), user("u-12"))).await;
    append_one(&store, "Cart-1", about(at(4, event()), nested)).await;
    let odd = user("u-1").with("text", "\"user\":\"u-2\" %_\0");
    append_one(&store, "ü-1", about(at(2, event()), odd)).await;

    let all = log(&store).await;
    let position = |nth: usize| all[nth].position;
    let holds = async |selection: Selection, expected: &[usize]| {
        let expected: Vec<_> = expected.iter().map(|nth| all[*nth].clone()).collect();
        let found = paged(&store, ReadLog::new(selection.clone())).await;
        assert_eq!(found, expected, "{selection:?}");
        let summary = store.summary(&selection).await.unwrap();
        assert_eq!(summary, summary_of(&expected), "{selection:?}");
    };
    let everything = Selection::all;
    holds(everything(), &[0, 1, 2, 3, 4]).await;
    holds(everything().kind(Kind::Command), &[0]).await;
    holds(everything().types([type_name(OTHER)]), &[2]).await;
    let two = everything().types([type_name(OTHER), type_name(WISHED)]);
    holds(two, &[0, 2]).await;
    holds(everything().types([]), &[]).await;
    holds(everything().stream(stream("cart-1")), &[0, 1]).await;
    let two = everything().streams(["ü-1", "cart-1", "ü-1", "nowhere"].map(stream));
    holds(two.clone(), &[0, 1, 4]).await;
    holds(two.kind(Kind::Event), &[1, 4]).await;
    holds(everything().streams([]), &[]).await;
    holds(everything().stream_prefix("cart-1"), &[0, 1, 2]).await;
    holds(everything().stream_prefix("ü"), &[4]).await;
    holds(everything().stream_prefix("cart_"), &[]).await;
    holds(everything().stream_prefix("%"), &[]).await;
    holds(everything().stream_prefix(""), &[0, 1, 2, 3, 4]).await;
    let talk = everything().correlation(root.correlation_id);
    holds(talk.clone(), &[0, 1]).await;
    holds(talk.kind(Kind::Event), &[1]).await;
    let nobody = CorrelationId::from_uuid(uuid());
    holds(everything().correlation(nobody), &[]).await;
    holds(everything().since(second(3)), &[1, 2, 3]).await;
    holds(everything().until(second(3)), &[0, 4]).await;
    holds(everything().since(second(2)).until(second(4)), &[2, 4]).await;
    let for_ever = everything().since(Timestamp::from_micros(i64::MIN));
    let for_ever = for_ever.until(Timestamp::from_micros(i64::MAX));
    holds(for_ever, &[0, 1, 2, 3, 4]).await;
    holds(everything().metadata("user", "u-1"), &[1, 4]).await;
    holds(everything().metadata("user", "u-2"), &[]).await;
    holds(
        everything().metadata("by", serde_json::json!({ "user": "u-1" })),
        &[3],
    )
    .await;
    let odd = everything().metadata("text", "\"user\":\"u-2\" %_\0");
    holds(odd.metadata("user", "u-1"), &[4]).await;
    holds(everything().after(position(2)), &[3, 4]).await;
    holds(everything().upto(position(1)), &[0, 1]).await;
    holds(everything().before(position(1)), &[0]).await;
    holds(everything().before(position(0)), &[]).await;
    holds(everything().after(position(1)).upto(position(3)), &[2, 3]).await;
    holds(everything().after(position(4)), &[]).await;
    holds(everything().after(Position::new(u64::MAX)), &[]).await;
    holds(everything().after(position(3)).upto(position(1)), &[]).await;
}

pub async fn never_skipped_by_pages_of_any_selection<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut chance = Chance(7);
    fill(&store, &mut chance, 150).await;
    let all = log(&store).await;
    assert_eq!(all.len(), 150);
    for _ in 0..60 {
        let selection = chance.selection(&all);
        let mut expected = all.clone();
        expected.retain(|message| selection.contains(message));
        let read = ReadLog::new(selection.clone()).limit(1 + chance.below(20));
        assert_eq!(paged(&store, read.clone()).await, expected, "{read:?}");
        let summary = store.summary(&selection).await.unwrap();
        assert_eq!(summary, summary_of(&expected), "{selection:?}");
        expected.reverse();
        let backwards = paged(&store, read.backwards()).await;
        assert_eq!(backwards, expected, "backwards {selection:?}");
    }
}

pub async fn a_stream_is_read_backwards<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = [command(), event(), command(), event(), event()];
    append(&store, "a", messages).await;
    append(&store, "b", events(3)).await;
    let backwards = ReadStream::all(stream("a")).backwards();
    let seqs = async |read: ReadStream| seqs(&store.read_stream(read).await.unwrap());
    assert_eq!(seqs(backwards.clone()).await, [5, 4, 3, 2, 1]);
    assert_eq!(seqs(backwards.clone().limit(2)).await, [5, 4]);
    assert_eq!(seqs(backwards.clone().after(Some(seq(3)))).await, [5, 4]);
    let upto = backwards.clone().upto(Some(seq(4))).limit(2);
    assert_eq!(seqs(upto).await, [4, 3]);
    let events = backwards.only(Kind::Event).limit(2);
    assert_eq!(seqs(events.clone()).await, [5, 4]);
    assert_eq!(seqs(events.upto(Some(seq(4)))).await, [4, 2]);
}

pub async fn a_page_looks_only_so_far_and_says_how_far<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let rare = Selection::all().types([type_name(OTHER)]);
    append(&store, "a", [other()]).await;
    for _ in 0..(2 * ReadLog::LOOK / 1_000) {
        append(&store, "b", events(1_000)).await;
    }
    append(&store, "a", [other()]).await;
    let all_rare = read(&store, "a").await;

    for read in [
        ReadLog::new(rare.clone()),
        ReadLog::new(rare.clone()).backwards(),
    ] {
        let mut expected = all_rare.clone();
        if read != ReadLog::new(rare.clone()) {
            expected.reverse();
        }
        let first = store.read_log(&read).await.unwrap();
        assert_eq!(first.messages, expected[..1], "{read:?}");
        assert!(!first.is_last);
        let middle = store.read_log(&read.clone().beyond(&first)).await.unwrap();
        assert_eq!(middle.messages, []);
        assert!(!middle.is_last, "what is decided by then goes on");
        let last = store.read_log(&read.beyond(&middle)).await.unwrap();
        assert_eq!(last.messages, expected[1..]);
        assert!(last.is_last);
    }
    // Where an index says where they are, it looks as far as there is anything.
    let found = store
        .read_log(&ReadLog::new(rare.stream(stream("a"))))
        .await;
    let found = found.unwrap();
    assert!(found.is_last);
    assert_eq!(found.messages, all_rare);
}

pub async fn a_last_page_is_gone_on_from_when_more_came<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut reads = vec![
        ReadLog::new(Selection::all()),
        ReadLog::new(Selection::all().types([type_name(OTHER)])),
        ReadLog::new(Selection::all().stream(stream("a"))),
    ];
    for n in 0..3 {
        for read in &mut reads {
            let page = store.read_log(read).await.unwrap();
            assert!(page.is_last);
            assert_eq!(page.messages.len(), usize::from(n > 0), "{read:?}");
            *read = read.clone().beyond(&page);
        }
        append(&store, "a", [other()]).await;
    }
}

/// A number that was drawn for a message which was not stored may be given once more, after a crash.
pub async fn nobody_looks_beyond_what_exists<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let selections = [
        Selection::all(),
        Selection::all().types([type_name(OTHER)]),
        Selection::all().stream(stream("a")),
    ];
    let taken = event();
    let last = append(&store, "a", [taken.clone()])
        .await
        .remove(0)
        .position;
    let in_vain = to("b", ExpectedSeq::Any, [event(), event(), taken]);
    store.append(vec![in_vain]).await.unwrap_err();
    for selection in selections {
        let page = store.read_log(&ReadLog::new(selection)).await.unwrap();
        assert_eq!((page.looked_to, page.is_last), (last, true));
    }
    assert_eq!(store.log_end().await.unwrap(), last);
}

pub async fn never_skipped_by_followers_of_selections<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let selections = [
        Selection::all().types([type_name(OTHER)]),
        Selection::all().stream_prefix("s-"),
        Selection::all().streams(["s-0", "s-1", "s-2"].map(stream)),
    ];
    let mut followers = Vec::new();
    for selection in selections.clone() {
        let reader = harness.another(&store, &guard).await;
        let is_done = Arc::clone(&is_done);
        followers.push(spawn(async move {
            let mut seen = Vec::new();
            let mut read = ReadLog::new(selection).limit(7);
            loop {
                let was_done = is_done.load(Ordering::SeqCst);
                let page = reader.read_log(&read).await.unwrap();
                read = read.beyond(&page);
                seen.extend(stored_ids(&page.messages));
                match page.is_last {
                    true if was_done => return seen,
                    true => hint(&reader).await,
                    false => {}
                }
            }
        }));
    }
    let store = Arc::new(store);
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        spawn(async move {
            for n in 0..20 {
                let messages = [event(), other()];
                append(&*store, format!("s-{}", (writer + n) % 5), messages).await;
            }
        })
    });
    join(writers.collect()).await;
    is_done.store(true, Ordering::SeqCst);
    let all = log(&*store).await;
    for (follower, selection) in join(followers).await.into_iter().zip(selections) {
        let meant = all.iter().filter(|message| selection.contains(message));
        let expected: BTreeSet<MessageId> = meant.map(|message| message.id).collect();
        assert_eq!(follower.len(), expected.len(), "each message once");
        assert_eq!(BTreeSet::from_iter(follower), expected, "{selection:?}");
    }
}

/// All pages, one after the other.
async fn paged(store: &impl Backend, mut read: ReadLog) -> Vec<StoredMessage> {
    let mut messages = Vec::new();
    loop {
        let page: Page = store.read_log(&read).await.unwrap();
        assert!(page.messages.len() <= read.most());
        messages.extend(page.messages.iter().cloned());
        if page.is_last {
            return messages;
        }
        read = read.beyond(&page);
    }
}

fn summary_of(messages: &[StoredMessage]) -> Summary {
    let mut summary = Summary::default();
    for message in messages {
        summary.add(message);
    }
    summary
}

async fn append_one(store: &impl Backend, name: &str, message: NewMessage) -> StoredMessage {
    let id = message.id;
    append(store, name, [message]).await;
    store.find(id).await.unwrap().unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn at(time: i64, mut message: NewMessage) -> NewMessage {
    message.created_at = second(time);
    message
}

fn about(mut message: NewMessage, metadata: Metadata) -> NewMessage {
    message.metadata = metadata;
    message
}

const STREAMS: [&str; 6] = ["a-1", "a-2", "a_3", "b", "bb", "c"];

/// Stores so many messages, some of them together.
async fn fill(store: &impl Backend, chance: &mut Chance, n_messages: usize) {
    let mut stored: Vec<StoredMessage> = Vec::new();
    while stored.len() < n_messages {
        let first = chance.below(STREAMS.len());
        let n_streams = (1 + chance.below(3)).min(n_messages - stored.len());
        let appends = (0..n_streams).map(|nth| {
            let name = STREAMS[(first + nth) % STREAMS.len()];
            to(name, ExpectedSeq::Any, [chance.message(&stored)])
        });
        let appends: Vec<_> = appends.collect();
        let ids: Vec<_> = appends.iter().map(|append| append.messages[0].id).collect();
        store.append(appends).await.unwrap();
        for id in ids {
            stored.push(store.find(id).await.unwrap().unwrap());
        }
    }
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        // The constants of Knuth's MMIX; the high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn sometimes(&mut self) -> bool {
        self.below(4) == 0
    }

    fn time(&mut self) -> Timestamp {
        second(i64::try_from(self.below(10)).unwrap())
    }

    fn message(&mut self, earlier: &[StoredMessage]) -> NewMessage {
        let mut message = match self.below(3) {
            0 => event(),
            1 => other(),
            _ => command(),
        };
        message.created_at = self.time();
        if self.sometimes() {
            message.metadata = Metadata::new().with("n", self.below(12));
        }
        if !earlier.is_empty() && self.sometimes() {
            message = message.caused_by(&earlier[self.below(earlier.len())]);
        }
        message
    }

    fn selection(&mut self, all: &[StoredMessage]) -> Selection {
        let mut selection = Selection::all();
        if self.sometimes() {
            let first = self.below(STREAMS.len());
            let names = STREAMS.iter().skip(first).take(1 + self.below(3));
            selection = selection.streams(names.map(stream));
        }
        if self.sometimes() {
            let prefix = ["a", "a-", "b", "x"][self.below(4)];
            selection = selection.stream_prefix(prefix);
        }
        if self.sometimes() {
            let name = [HAPPENED, OTHER, WISHED][self.below(3)];
            selection = selection.types([type_name(name)]);
        }
        if self.sometimes() {
            selection = selection.kind([Kind::Event, Kind::Command][self.below(2)]);
        }
        if self.sometimes() {
            selection = selection.correlation(all[self.below(all.len())].correlation_id);
        }
        if self.sometimes() {
            selection = selection.since(self.time());
        }
        if self.sometimes() {
            selection = selection.until(self.time());
        }
        if self.sometimes() {
            selection = selection.metadata("n", self.below(12));
        }
        if self.sometimes() {
            selection = selection.after(all[self.below(all.len())].position);
        }
        if self.sometimes() {
            selection = selection.upto(all[self.below(all.len())].position);
        }
        selection
    }
}
