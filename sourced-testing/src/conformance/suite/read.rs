//! Reading: parts of a stream, pages of the log, single messages, conversations.

use sourced::backend::{Backend, ReadLog, ReadStream};
use sourced::{CorrelationId, ExpectedSeq, Kind, MessageId, Position, Selection, Seq};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn a_stream_nobody_wrote_to_is_empty<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    assert_eq!(read(&store, "nowhere").await, []);
}

pub async fn a_stream_can_be_read_in_parts<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(5)).await;
    append(&store, "b", events(5)).await;
    let all = ReadStream::all(stream("a"));
    let after = |seq| all.clone().after(Seq::new(seq));
    part(&store, all.clone(), &[1, 2, 3, 4, 5]).await;
    part(&store, after(0), &[1, 2, 3, 4, 5]).await;
    part(&store, after(3), &[4, 5]).await;
    part(&store, after(5), &[]).await;
    part(&store, after(99), &[]).await;
    part(&store, all.clone().upto(Seq::new(2)), &[1, 2]).await;
    part(&store, all.clone().upto(Seq::new(99)), &[1, 2, 3, 4, 5]).await;
    part(&store, after(1).upto(Seq::new(4)), &[2, 3, 4]).await;
    part(&store, after(4).upto(Seq::new(2)), &[]).await;
    part(&store, after(1).limit(2), &[2, 3]).await;
    part(&store, all.clone().limit(0), &[]).await;
    part(&store, all.limit(usize::MAX), &[1, 2, 3, 4, 5]).await;
}

pub async fn a_stream_can_be_read_by_kind<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(
        &store,
        "a",
        [command(), event(), command(), event(), event()],
    )
    .await;
    let all = ReadStream::all(stream("a"));
    let only_events = all.clone().only(Kind::Event);
    part(&store, only_events.clone(), &[2, 4, 5]).await;
    part(&store, all.only(Kind::Command), &[1, 3]).await;
    // The limit counts what is given, not what is passed over.
    part(&store, only_events.clone().limit(2), &[2, 4]).await;
    part(&store, only_events.after(Seq::new(2)).limit(1), &[4]).await;
}

pub async fn the_log_comes_in_pages_in_the_order_of_positions<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut expected = Vec::new();
    for name in ["b", "a", "c", "a"] {
        let messages = events(3);
        expected.extend(ids_of(&messages));
        append(&store, name, messages).await;
    }
    let all = log(&store).await;
    assert_eq!(stored_ids(&all), expected);
    assert!(all.is_sorted_by(|one, next| one.position < next.position));
    assert!(all[0].position > Position::START);

    let mut pages = Vec::new();
    let mut read = ReadLog::new(Selection::all()).limit(5);
    loop {
        let page = store.read_log(&read).await.unwrap();
        assert!(page.messages.len() <= 5);
        read = read.beyond(&page);
        pages.extend(page.messages);
        if page.is_last {
            break;
        }
    }
    assert_eq!(pages, all);
    assert_eq!(store.log_end().await.unwrap(), all[11].position);
}

pub async fn the_end_of_the_log_moves_with_every_append<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(store.log_end().await.unwrap(), Position::START);
    for _ in 0..3 {
        let appended = append(&store, "a", events(2)).await;
        assert_eq!(store.log_end().await.unwrap(), appended[1].position);
    }
}

pub async fn a_message_is_found_by_its_id<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = events(3);
    append(&store, "a", messages.clone()).await;
    let found = store.find(messages[1].id).await.unwrap();
    assert_eq!(found.as_ref(), read(&store, "a").await.get(1));
    let nobody = MessageId::from_uuid(uuid());
    assert_eq!(store.find(nobody).await.unwrap(), None);
}

pub async fn a_conversation_is_read_over_all_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let root = command();
    append(&store, "z", [root.clone()]).await;
    append(&store, "a", [event()]).await;
    let cause = store.find(root.id).await.unwrap().unwrap();
    let second = event().caused_by(&cause);
    append(&store, "a", [second.clone()]).await;
    let cause = store.find(second.id).await.unwrap().unwrap();
    let third = [event().caused_by(&cause), event()];
    let appends = vec![to("m", ExpectedSeq::Any, third.clone())];
    store.append(appends).await.unwrap();

    let talk = store.read_correlation(root.correlation_id).await.unwrap();
    assert_eq!(stored_ids(&talk), [root.id, second.id, third[0].id]);
    assert_eq!(talk[2].causation_id, second.id);
    let nothing = CorrelationId::from_uuid(uuid());
    assert_eq!(store.read_correlation(nothing).await.unwrap(), []);
}

async fn part(store: &impl Backend, read: ReadStream, expected: &[u64]) {
    let messages = store.read_stream(read.clone()).await.unwrap();
    assert_eq!(seqs(&messages), expected, "{read:?}");
    assert!(
        messages
            .iter()
            .all(|message| message.stream_id == read.stream)
    );
}
