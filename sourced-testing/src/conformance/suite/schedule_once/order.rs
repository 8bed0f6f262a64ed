//! *schedule-once*: many promoters, the order of each stream, and the limit.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{Backend, Promotion};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{HOUR, later, schedule};

pub async fn it_is_promoted_once_by_many_at_the_same_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(200);
    let all = messages.iter().zip(0..);
    let all =
        all.map(|(message, nth)| later(now, Duration::ZERO, format!("s-{}", nth % 20), message));
    schedule(&store, all).await;
    harness.advance(&store, &guard, HOUR).await;
    let store = Arc::new(store);
    let promoters = (0..8).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move { promote_all(&*store, 7).await })
    });
    let promoted: usize = join(promoters.collect()).await.into_iter().sum();
    assert_eq!(promoted, 200);
    let mut stored = stored_ids(&log(&*store).await);
    stored.sort_unstable();
    let mut expected = ids_of(&messages);
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

pub async fn a_stream_gets_them_in_the_order_of_their_times<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(5);
    let minutes = [3, 1, 2, 1, 2];
    for (message, minutes) in messages.iter().zip(minutes) {
        let delay = Duration::from_mins(minutes);
        schedule(&store, [later(now, delay, "a", message)]).await;
    }
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote_all(&store, 2).await, 5);
    let by_time = [1, 3, 2, 4, 0].map(|nth: usize| messages[nth].id);
    assert_eq!(stored_ids(&read(&store, "a").await), by_time);
}

pub async fn many_promoters_keep_the_order_of_each_stream<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(120);
    // The last one is due first.
    let all = messages.iter().zip(0_u64..).map(|(message, nth)| {
        let delay = Duration::from_secs(600 - nth);
        later(now, delay, format!("s-{}", nth % 3), message)
    });
    schedule(&store, all).await;
    harness.advance(&store, &guard, HOUR).await;
    let store = Arc::new(store);
    let promoters = (0..8).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move { promote_all(&*store, 3).await })
    });
    join(promoters.collect()).await;
    for which in 0..3 {
        let of_stream: Vec<_> = messages.iter().skip(which).step_by(3).collect();
        let expected: Vec<_> = of_stream.iter().rev().map(|message| message.id).collect();
        assert_eq!(
            stored_ids(&read(&*store, format!("s-{which}")).await),
            expected
        );
    }
}

pub async fn a_promotion_keeps_to_its_limit_and_says_when_the_next_is_due<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    assert_eq!(store.promote(10).await.unwrap(), Promotion::default());
    let delays = [Duration::ZERO, Duration::ZERO, HOUR];
    schedule(&store, delays.map(|delay| later(now, delay, "a", &event()))).await;
    harness
        .advance(&store, &guard, Duration::from_secs(1))
        .await;
    let first = store.promote(1).await.unwrap();
    assert_eq!(first, Promotion::new(1, 0, Some(Duration::ZERO)));
    let second = store.promote(1).await.unwrap();
    assert_eq!((second.promoted, second.set_aside), (1, 0));
    let next_in = second.next_in.unwrap();
    assert!(next_in <= HOUR && next_in > HOUR / 2, "{next_in:?}");
    assert_eq!(store.promote(0).await.unwrap().promoted, 0);
}

/// Promotes until nothing is due any more; of several promoters, one may have to leave something to another.
async fn promote_all(store: &impl Backend, limit: usize) -> usize {
    let mut promoted = 0;
    for _ in 0..5_000 {
        let promotion = store.promote(limit).await.unwrap();
        promoted += promotion.promoted;
        if promotion.next_in != Some(Duration::ZERO) {
            return promoted;
        }
    }
    panic!("promoted {promoted} messages, and more are due")
}
