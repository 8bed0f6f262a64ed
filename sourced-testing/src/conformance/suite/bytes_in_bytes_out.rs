//! *bytes-in-bytes-out*: what is stored is read back as it was written, or refused before anything is stored.

use serde_json::json;
use sourced::backend::{AckError, AppendError, Backend, LimitExceeded, Limits};
use sourced::{ExpectedSeq, Kind, Metadata, NewMessage, Payload, Position, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn payloads_are_kept_byte_for_byte<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let deep = "[".repeat(64) + &"]".repeat(64);
    let texts = [
        "null",
        "\"\"",
        "\"Straße 🛒 日本語 \u{202e} é e\u{301}\"",
        r#""\u0000""#,
        r#""\ud83d\uded2 \/ \b""#,
        "-0.0",
        "-0",
        "0.1000",
        "1E+2",
        "1e400",
        "123456789012345678901234567890.123456789",
        "18446744073709551615",
        r#"{"z":1,"a":2,"z":3}"#,
        "  { \"a\" :\n\t[ 1 ,2 ] }  ",
        r#"{"":{"":[]}}"#,
        "\"'; drop table messages; -- $1 ?1 %s\\\\\"",
        &deep,
    ];
    let messages: Vec<_> = texts
        .iter()
        .map(|text| message(Kind::Event, HAPPENED, text))
        .collect();
    append(&store, "a", messages).await;
    let stored = read(&store, "a").await;
    let found: Vec<_> = stored.iter().map(|next| next.payload.as_str()).collect();
    assert_eq!(found, texts);

    let worker = Worker::of(&store, "g").await;
    let claim = worker.claim(&store).await;
    let delivered = claim
        .deliveries
        .iter()
        .map(|next| next.message.payload.as_str());
    assert_eq!(delivered.collect::<Vec<_>>(), texts);
}

pub async fn metadata_is_kept<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut rich = event();
    rich.metadata = Metadata::new()
        .with("text", "Zoë 🛒 \u{0} \"quoted\" \\")
        .with("", "no name")
        .with("Käse", json!({"nested": [1, null, {"deep": true}]}))
        .with("large", u64::MAX)
        .with("small", i64::MIN)
        .with("fraction", 0.1);
    append(&store, "a", [rich.clone(), event()]).await;
    let stored = read(&store, "a").await;
    assert_eq!(stored[0].metadata, rich.metadata);
    assert!(stored[1].metadata.is_empty());
}

pub async fn times_are_kept_to_the_microsecond<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let year_9999 = 253_402_300_799_999_999;
    let times = [0, 1, -1, 1_700_000_000_123_457, year_9999].map(Timestamp::from_micros);
    for time in times {
        let mut message = event();
        message.created_at = time;
        append(&store, "a", [message]).await;
    }
    let stored = read(&store, "a").await;
    let found: Vec<_> = stored.iter().map(|message| message.created_at).collect();
    assert_eq!(found, times);
}

pub async fn names_are_kept_apart_byte_for_byte<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let long = "x".repeat(512);
    let names = [
        "cart-1", "Cart-1", "cart-1 ", " cart-1", "cart_1", "cart%1", "é", "e\u{301}", "'\"\\",
        "🛒", &long,
    ];
    for name in names {
        let first = to(name, ExpectedSeq::NoStream, [event()]);
        store.append(vec![first]).await.unwrap();
    }
    for name in names {
        let messages = read(&store, name).await;
        assert_eq!(messages.len(), 1, "{name:?}");
        assert_eq!(messages[0].stream_id.as_str(), name);
        let worker = Worker::of(&store, name).await;
        let claims = worker.claim_lanes(&store, names.len()).await;
        assert_eq!(streams_of(&claims), names);
        assert!(claims.iter().all(|claim| claim.key.group == group(name)));
    }
}

pub async fn the_largest_payload_is_stored_and_a_larger_one_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let limit = Limits::default().payload_bytes;
    let too_large = sized(limit + 1);
    is_too_large(&store, vec![event(), too_large], limit + 1, limit).await;
    let largest = sized(limit);
    append(&store, "a", [largest.clone()]).await;
    assert_eq!(read(&store, "a").await[0].payload, largest.payload);
}

pub async fn too_much_metadata_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let limit = Limits::default().metadata_bytes;
    let around = r#"{"k":""}"#.len();
    let with = |bytes: usize| {
        let mut message = event();
        message.metadata = Metadata::new().with("k", "x".repeat(bytes - around));
        message
    };
    is_too_large(&store, vec![with(limit + 1)], limit + 1, limit).await;
    let largest = with(limit);
    append(&store, "a", [largest.clone()]).await;
    assert_eq!(read(&store, "a").await[0].metadata, largest.metadata);
}

pub async fn metadata_that_nobody_could_read_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let with = |levels: usize| {
        let nested = (1..levels).fold(json!([]), |inner, _| json!([inner]));
        let mut message = event();
        message.metadata = Metadata::new().with("context", nested);
        message
    };
    // The entries themselves are a level.
    is_too_large(&store, vec![with(64)], 65, 64).await;
    is_too_large(&store, vec![event(), with(127)], 128, 64).await;
    // serde_json takes this for what the text in it says.
    let mut disguised = event();
    disguised.metadata =
        Metadata::new().with("context", json!({"$serde_json::private::RawValue": "{"}));
    is_too_large(&store, vec![disguised], 1, 0).await;
    let deepest = with(63);
    append(&store, "a", [deepest.clone()]).await;
    assert_eq!(read(&store, "a").await[0].metadata, deepest.metadata);
}

pub async fn numbers_of_metadata_are_kept_to_the_last_bit<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let numbers = [
        0.093_884_538_491_205_51,
        -0.0,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        9_007_199_254_740_993.0,
        0.1 + 0.2,
    ];
    let mut message = event();
    message.metadata = Metadata::new().with("numbers", json!(numbers));
    append(&store, "a", [message.clone()]).await;
    let stored = read(&store, "a").await;
    let Some(found) = stored[0]
        .metadata
        .get("numbers")
        .and_then(|all| all.as_array())
    else {
        panic!("no numbers: {:?}", stored[0].metadata);
    };
    let bits = found.iter().map(|number| number.as_f64().map(f64::to_bits));
    let expected = numbers.map(|number| Some(number.to_bits()));
    assert_eq!(bits.collect::<Vec<_>>(), expected);
}

pub async fn too_many_messages_are_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let limit = Limits::default().messages;
    is_too_large(&store, events(limit + 1), limit + 1, limit).await;
    assert_eq!(append(&store, "a", events(limit)).await.len(), limit);
    let stored = read(&store, "a").await;
    assert_eq!(stored.len(), limit);
    assert_eq!(stored[limit - 1].seq, seq(limit as u64));
}

pub async fn an_ack_has_the_same_limits<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let mut ack = ack_all(&claim);
    let large = sized(Limits::default().payload_bytes + 1);
    ack.appends = vec![to("b", ExpectedSeq::Any, [large])];
    match store.ack(ack).await {
        Err(AckError::Append(AppendError::Limit(_))) => {}
        result => panic!("not refused: {result:?}"),
    }
    assert_eq!(read(&store, "b").await, []);
    store.ack(ack_all(&claim)).await.unwrap();
}

fn sized(bytes: usize) -> NewMessage {
    let mut message = event();
    let text = format!("\"{}\"", "x".repeat(bytes - 2));
    message.payload = Payload::parse(text).unwrap();
    message
}

/// The append is refused with these figures, and nothing is stored.
async fn is_too_large(store: &impl Backend, messages: Vec<NewMessage>, found: usize, limit: usize) {
    let append = to("a", ExpectedSeq::Any, messages);
    match store.append(vec![append]).await {
        Err(AppendError::Limit(LimitExceeded {
            found: counted,
            limit: allowed,
            ..
        })) => assert_eq!((counted, allowed), (found, limit)),
        Err(error) => panic!("refused for another reason: {error:?}"),
        Ok(_) => panic!("stored"),
    }
    assert_eq!(read(store, "a").await, []);
    assert_eq!(store.log_end().await.unwrap(), Position::START);
}
