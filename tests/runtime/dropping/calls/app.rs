//! Calls of an app: dispatching, units, looking at what is there, and workers.

use std::time::Duration;

use sourced::prelude::*;
use sourced::{MessageId, Outcome, Seq, StoredMessage, Timestamp, Truncate};

use super::{Call, Made, all_or_none, call};
use crate::cut::pass;
use crate::domain::{Account, Deposit, LEDGERS, Ledger};
use crate::world::{World, append_of, registered};

pub const CALLS: &[Call] = &[
    call!("App::dispatch", w, _, n => {
        let command = Deposit { call: n }.to(account(n));
        Made::plain(async move { _ = w.app.dispatch(command).await.unwrap() })
    }),
    call!("App::dispatch_all", w, _, n => {
        let ids = [w.id(), w.id(), w.id()];
        let deposit = |nth: usize| Deposit { call: n }.to(account(n + nth as u64)).with_id(ids[nth]);
        let commands = [deposit(0), deposit(1), deposit(2).at(far_away())];
        let of = w.clone();
        Made::plain(async move { _ = w.app.dispatch_all(commands).await.unwrap() })
            .then((of, ids), dispatched_or_not)
    }),
    call!("App::cancel", w, _, n => {
        let id = for_later(&w, n).await;
        Made::plain(async move { _ = w.app.cancel(id).await.unwrap() })
    }),
    call!("App::reschedule", w, _, n => {
        let id = for_later(&w, n).await;
        Made::plain(async move { _ = w.app.reschedule(id, far_away()).await.unwrap() })
    }),
    call!("App::scheduled", w, _, _n => Made::plain(async move {
        _ = w.app.scheduled(None, 3).await.unwrap();
    })),
    call!("App::decide", w, _, n => {
        let command = Deposit { call: n }.to(account(n));
        Made::plain(async move {
            assert!(matches!(w.app.decide(command).await.unwrap(), Outcome::Applied(_)));
        })
    }),
    call!("App::outcome", w, _, n => {
        let receipt = w.app.dispatch(Deposit { call: n }.to(account(n))).await.unwrap();
        Made::plain(async move { _ = w.app.outcome(receipt.id).await.unwrap() })
    }),
    call!("Receipt::outcome", w, _, n => {
        let receipt = w.app.dispatch(Deposit { call: n }.to(account(n))).await.unwrap();
        Made::waiting(async move { _ = receipt.outcome().await.unwrap() })
    }),
    call!("Receipt::seen_by", w, _, n => {
        let receipt = w.app.dispatch(Deposit { call: n }.to(account(n))).await.unwrap();
        let within = Duration::from_millis(3);
        Made::waiting(async move { _ = receipt.seen_by::<Ledger>(within).await })
    }),
    call!("App::seen_by", w, _, n => {
        let unit = w.app.unit().with::<Account>();
        let outcome = unit.handle(Deposit { call: n }.to(format!("account-of-{n}"))).await.unwrap();
        let within = Duration::from_millis(3);
        Made::waiting(async move {
            _ = w.app.seen_by::<Ledger>(outcome.messages(), within).await;
        })
    }),
    // Whether the whole of it is there is seen in the log.
    call!("Unit::handle", w, _, n => {
        let command = Deposit { call: n }.to(format!("account-of-{n}"));
        Made::plain(async move { _ = w.of_unit().unit().handle(command).await.unwrap() })
    }),
    call!("Incoming::accept", w, _, n => Made::plain(async move {
        let gateway = w.app.gateway(w.app.commands()).before_async(|_| {
            Box::pin(async {
                pass(2).await;
                Ok(())
            })
        });
        let body = format!(r#"{{"call": {n}}}"#);
        let command = gateway.command("account.deposit", &*body).to(account(n)).accept().await;
        _ = command.unwrap();
    })),
    call!("App::load", w, _, n => Made::plain(async move {
        _ = w.app.load::<Account>(account(n)).await.unwrap();
    })),
    call!("App::document", w, _, n => Made::plain(async move {
        _ = w.app.document::<Ledger>(LEDGERS, account(n)).await.unwrap();
    })),
    call!("App::documents", w, _, _n => Made::plain(async move {
        _ = w.app.documents::<Ledger>(LEDGERS, None, 3).await.unwrap();
    })),
    call!("App::groups", w, _, _n => Made::plain(async move {
        _ = w.app.groups().await.unwrap();
    })),
    call!("App::health", w, _, _n => Made::plain(async move {
        assert_eq!(w.app.health().await.backend.error, None);
    })),
    call!("App::idle", w, _, _n => Made::waiting(async move { _ = w.app.idle().await.unwrap() })),
    call!("App::recurring", w, _, _n => Made::plain(async move {
        assert_eq!(w.app.recurring().await.unwrap().len(), 1);
    })),
    call!("App::recent_streams", w, _, _n => Made::plain(async move {
        _ = w.app.recent_streams(None, 5).await.unwrap();
    })),
    call!("App::statistics", w, _, _n => Made::plain(async move {
        _ = w.app.statistics().await.unwrap();
    })),
    call!("App::truncate", w, _, n => {
        let (stream, _) = filled(&w, n).await;
        let of = w.clone();
        Made::plain(async move {
            let truncate = Truncate::upto(Seq::new(2).unwrap());
            assert_eq!(w.app.truncate(stream, truncate).await.unwrap(), 2);
        })
        .then((of, n), all_or_one_is_left)
    }),
    call!("App::archive", w, _, n => {
        let (stream, all) = filled(&w, n).await;
        let of = w.clone();
        Made::plain(async move {
            let truncate = Truncate::upto(Seq::new(2).unwrap());
            let mut kept = Vec::new();
            let keep = |page: Vec<StoredMessage>| {
                kept.extend(page);
                async {
                    pass(1).await;
                    Ok(())
                }
            };
            assert_eq!(w.app.archive(stream, truncate, keep).await.unwrap(), 2);
            assert_eq!(kept, all[..2]);
        })
        .then((of, n), all_or_one_is_left)
    }),
    call!("App::restore", w, _, n => {
        let (stream, all) = filled(&w, n).await;
        let truncate = Truncate::upto(Seq::new(2).unwrap());
        w.app.truncate(stream, truncate).await.unwrap();
        let of = w.clone();
        Made::plain(async move { assert_eq!(w.app.restore(&all).await.unwrap(), 2) })
            .then((of, n), all_or_one_is_left)
    }),
    call!("AppBuilder::build", w, _, _n => {
        let builder = registered(w.builder());
        Made::plain(async move { _ = builder.build().await.unwrap() })
    }),
    // What the tasks of workers come to is seen at the end: there are none.
    call!("App::run", w, _, _n => Made::waiting(async move { _ = w.app.run().await.unwrap() })),
    call!("Running::stop", w, _, _n => {
        let running = w.app.start();
        Made::plain(async move { _ = running.stop().await })
    }),
];

fn account(n: u64) -> String {
    format!("account-{}", n % 6)
}

fn far_away() -> Timestamp {
    Timestamp::from_micros(5_000_000_000_000_000)
}

async fn for_later(w: &World, n: u64) -> MessageId {
    let command = Deposit { call: n }.to(account(n)).at(far_away());
    w.app.dispatch(command).await.unwrap().id
}

async fn dispatched_or_not((w, ids): (World, [MessageId; 3])) -> Result<(), String> {
    let is_stored = async |id| w.backend().find(id).await.unwrap().is_some();
    all_or_none(&[
        ("the first", is_stored(ids[0]).await),
        ("the second", is_stored(ids[1]).await),
        (
            "the one for later",
            w.backend().waiting(ids[2]).await.unwrap().is_some(),
        ),
    ])
}

/// A stream of three messages that nobody handles.
async fn filled(w: &World, n: u64) -> (String, Vec<StoredMessage>) {
    let stream = format!("cut-{n}");
    w.backend()
        .append(vec![append_of(&stream, w.messages(n, 0, 3))])
        .await
        .unwrap();
    (stream, left(w, n).await)
}

async fn left(w: &World, n: u64) -> Vec<StoredMessage> {
    let stream = StreamId::new(format!("cut-{n}")).unwrap();
    let read = sourced::backend::ReadStream::all(stream);
    w.backend().read_left(&read).await.unwrap().messages
}

async fn all_or_one_is_left((w, n): (World, u64)) -> Result<(), String> {
    match left(&w, n).await.len() {
        1 | 3 => Ok(()),
        n_left => Err(format!("half done: {n_left} messages are left")),
    }
}
