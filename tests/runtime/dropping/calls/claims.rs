//! Calls of the port: claims, acknowledgements, and what could not be handled.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{Ack, ClaimKey, GoOn, Refusal, Remedy, Scheduled, SyncAction, Tx, Verdict};
use sourced::prelude::*;
use sourced::{GroupId, MessageId, Position, Timestamp};

use super::{Call, Made, all_or_none, call};
use crate::world::{LEASE, World, append_of};

pub const CALLS: &[Call] = &[
    call!("Claims::claim", w, task, _n => {
        let group = w.work("claim", task).await;
        Made::plain(async move { _ = w.backend().claim(&w.request(&group)).await.unwrap() })
    }),
    call!("Claims::ack", w, task, n => {
        let (ack, sought) = acknowledgement(&w, task, n).await;
        let of = w.clone();
        Made::plain(async move { _ = w.backend().ack(ack).await.unwrap() })
            .then((of, sought), acknowledged_or_not)
    }),
    call!("Claims::ack_and_go_on", w, task, n => {
        let (ack, sought) = acknowledgement(&w, task, n).await;
        let of = w.clone();
        let next = GoOn { messages: 10, bytes: usize::MAX, lease: LEASE };
        Made::plain(async move { _ = w.backend().ack_and_go_on(ack, next).await.unwrap() })
            .then((of, sought), acknowledged_or_not)
    }),
    call!("Claims::ack_and_fail", w, task, n => {
        let (ack, sought) = acknowledgement(&w, task, n).await;
        let of = w.clone();
        Made::plain(async move {
            _ = w.backend().ack_and_fail(ack, Verdict::RetryAfter(Duration::ZERO), "as told").await.unwrap();
        })
        .then((of, sought), acknowledged_or_not)
    }),
    call!("Claims::release", w, task, _n => {
        let key = w.claim("held", task).await.key;
        Made::plain(async move { w.backend().release(&key).await.unwrap() })
    }),
    call!("Claims::postpone", w, task, _n => {
        let key = w.claim("held", task).await.key;
        Made::plain(async move { w.backend().postpone(&key, Duration::from_mins(1)).await.unwrap() })
    }),
    call!("Claims::renew", w, task, _n => {
        let key = w.claim("held", task).await.key;
        Made::plain(async move { assert_eq!(w.backend().renew(&[key], LEASE).await.unwrap(), []) })
    }),
    call!("Claims::fail", w, task, _n => {
        let claim = w.claim("fail", task).await;
        let verdicts = [
            Verdict::Park,
            Verdict::Skip,
            Verdict::RetryAfter(Duration::from_mins(1)),
            Verdict::StopGroup,
        ];
        let verdict = verdicts[w.dice.below(4)];
        let (of, first) = (w.clone(), claim.deliveries[0].message.position);
        let key = claim.key.clone();
        Made::plain(async move { w.backend().fail(&key, verdict, "as told").await.unwrap() })
            .then((of, claim.key, first, verdict), skipped_if_told)
    }),
    call!("Claims::lane", w, task, _n => {
        let key = w.claim("held", task).await.key;
        Made::plain(async move { _ = w.backend().lane(&key.group, &key.stream).await.unwrap() })
    }),
    call!("Claims::refusals", w, _, _n => {
        let ids = [w.id(), w.id()];
        Made::plain(async move { assert_eq!(w.backend().refusals(&ids).await.unwrap(), []) })
    }),
    call!("Claims::refusal", w, _, _n => {
        let id = w.id();
        Made::plain(async move { assert_eq!(w.backend().refusal(id).await.unwrap(), None) })
    }),
    call!("Claims::pending_lanes", w, task, _n => {
        let group = w.work("read", task).await;
        Made::plain(async move { _ = w.backend().pending_lanes(&[group]).await.unwrap() })
    }),
    call!("Quarantine::parked", w, task, _n => {
        let (key, _) = parked(&w, task).await;
        Made::plain(async move { _ = w.backend().parked(&key.group, None, 10).await.unwrap() })
    }),
    call!("Quarantine::retry_parked", w, task, n => {
        let (key, _) = parked(&w, task).await;
        let (of, asked) = (w.clone(), key.clone());
        Made::plain(async move {
            w.backend().retry_parked(&asked.group, &asked.stream, &reason(n)).await.unwrap();
        })
        .then((of, key, n), retried_or_not)
    }),
    call!("Quarantine::skip", w, task, n => {
        let (key, position) = parked(&w, task).await;
        let (of, asked) = (w.clone(), key.clone());
        Made::plain(async move {
            let skipped = w.backend().skip(&asked.group, &asked.stream, position, &reason(n)).await;
            skipped.unwrap();
        })
        .then((of, key, position), skipped_or_not)
    }),
    call!("Quarantine::interventions", w, task, _n => {
        let group = w.work("read", task).await;
        Made::plain(async move {
            _ = w.backend().interventions(&group, Remedy::Skipped, None, 10).await.unwrap();
        })
    }),
    call!("Quarantine::skip_of", w, task, _n => {
        let group = w.work("read", task).await;
        Made::plain(async move {
            _ = w.backend().skip_of(&group, Position::new(1)).await.unwrap();
        })
    }),
];

fn reason(n: u64) -> String {
    format!("by call {n}")
}

/// A lane that is parked, and where.
async fn parked(w: &World, task: usize) -> (ClaimKey, Position) {
    let claim = w.claim("parked", task).await;
    let backend = w.backend();
    backend
        .fail(&claim.key, Verdict::Park, "as told")
        .await
        .unwrap();
    (claim.key, claim.deliveries[0].message.position)
}

/// Whether the message was skipped: passed over and recorded, or neither.
async fn skip_is_whole(w: &World, key: &ClaimKey, position: Position) -> Result<bool, String> {
    let lane = w.backend().lane(&key.group, &key.stream).await.unwrap();
    let has_passed = lane.is_some_and(|lane| lane.acked >= position);
    let skip = w.backend().skip_of(&key.group, position).await.unwrap();
    all_or_none(&[("the skip", has_passed), ("its record", skip.is_some())])?;
    Ok(has_passed)
}

async fn skipped_or_not((w, key, position): (World, ClaimKey, Position)) -> Result<(), String> {
    skip_is_whole(&w, &key, position).await.map(drop)
}

async fn skipped_if_told(
    (w, key, position, verdict): (World, ClaimKey, Position, Verdict),
) -> Result<(), String> {
    let is_skipped = skip_is_whole(&w, &key, position).await?;
    if is_skipped && verdict != Verdict::Skip {
        return Err(format!("skipped by {verdict:?}"));
    }
    Ok(())
}

async fn retried_or_not((w, key, n): (World, ClaimKey, u64)) -> Result<(), String> {
    let lane = w.backend().lane(&key.group, &key.stream).await.unwrap();
    let is_free = lane.is_some_and(|lane| !lane.parked);
    let is_noted = has_intervention(&w, &key.group, Remedy::Retried, n).await;
    all_or_none(&[("the retry", is_free), ("its record", is_noted)])
}

async fn has_intervention(w: &World, group: &GroupId, remedy: Remedy, n: u64) -> bool {
    let mut after = None;
    loop {
        let page = w
            .backend()
            .interventions(group, remedy, after, 100)
            .await
            .unwrap();
        if page.iter().any(|it| it.reason == reason(n)) {
            return true;
        }
        match page.last() {
            Some(last) => after = Some(last.number),
            None => return false,
        }
    }
}

/// How an acknowledgement comes to be stored: with others, after a rehearsal, or in a transaction of its own.
#[derive(Debug, Clone, Copy)]
enum Way {
    Plain,
    Documents,
    Transaction,
    Schedules,
}

/// The acknowledgement of a claim, with something of everything.
async fn acknowledgement(w: &World, task: usize, n: u64) -> (Ack, Sought) {
    let claim = w.claim("acked", task).await;
    let upto = claim.deliveries.last().unwrap().message.position;
    let ways = [Way::Plain, Way::Documents, Way::Transaction, Way::Schedules];
    let way = ways[w.dice.below(4)];
    let has_document = !matches!(way, Way::Plain | Way::Schedules);
    let mut messages = w.messages(n, 1, 2);
    let later = messages.pop().unwrap();
    let (now, later_id, command) = (messages[0].id, later.id, w.id());
    let write: Arc<dyn SyncAction> = Arc::new(Write {
        key: n.to_string(),
        reads: matches!(way, Way::Transaction),
    });
    let scheduled = Scheduled {
        at: Timestamp::from_micros(5_000_000_000_000_000),
        stream: StreamId::new(format!("after-{n}")).unwrap(),
        message: later,
    };
    let has_schedule = matches!(way, Way::Schedules);
    let ack = Ack {
        claim: claim.key.clone(),
        upto,
        appends: vec![append_of(&format!("acked-{}", n % 5), messages)],
        schedules: has_schedule.then_some(scheduled).into_iter().collect(),
        refusals: vec![Refusal {
            command,
            reason: "as told".to_owned(),
        }],
        syncs: has_document.then_some(write).into_iter().collect(),
    };
    let sought = Sought {
        key: claim.key,
        upto,
        now,
        command,
        document: has_document.then(|| n.to_string()),
        later: has_schedule.then_some(later_id),
        way,
    };
    (ack, sought)
}

/// What an acknowledgement brings.
#[derive(Debug, Clone)]
struct Sought {
    key: ClaimKey,
    upto: Position,
    now: MessageId,
    command: MessageId,
    document: Option<String>,
    later: Option<MessageId>,
    way: Way,
}

async fn acknowledged_or_not((w, sought): (World, Sought)) -> Result<(), String> {
    let backend = w.backend();
    let key = &sought.key;
    let lane = backend.lane(&key.group, &key.stream).await.unwrap();
    let append = backend.find(sought.now).await.unwrap();
    let refusal = backend.refusal(sought.command).await.unwrap();
    let mut parts = vec![
        (
            "the lane",
            lane.is_some_and(|lane| lane.acked >= sought.upto),
        ),
        ("the append", append.is_some()),
        ("the refusal", refusal.is_some()),
    ];
    if let Some(document) = &sought.document {
        let document = backend.document("acks", document).await.unwrap();
        parts.push(("the document", document.is_some()));
    }
    if let Some(later) = sought.later {
        let waits = backend.waiting(later).await.unwrap();
        parts.push(("what is for later", waits.is_some()));
    }
    all_or_none(&parts).map_err(|error| format!("{:?}: {error}", sought.way))
}

/// Writes a document; one that reads before needs a transaction of its own.
#[derive(Debug)]
struct Write {
    key: String,
    reads: bool,
}

#[async_trait]
impl SyncAction for Write {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        if self.reads {
            tx.get::<u64>("acks", &self.key).await?;
        }
        tx.put("acks", &self.key, &1).await
    }
}
