//! Calls of actors, and of what the library is made of: reactors, and the streams as they see them.

use std::sync::Arc;
use std::time::Duration;

use sourced::actor::Handlers;
use sourced::backend::{Delivery, ReadStream};
use sourced::message::Payload;
use sourced::prelude::*;
use sourced::reactor::{Batch, Context, Progress, Register, Resources, Services, States};
use sourced::{GroupId, Kind, Position, Seq, StoredMessage, TypeName};

use super::{Call, Made, call, fine};
use crate::domain::{Account, Deposit, Ledger};
use crate::world::World;

pub const CALLS: &[Call] = &[
    // Whether its events are there is seen in the log.
    call!("ActorRef::execute", w, _, n => {
        let (account, other) = (account(&w), format!("account-{}", 10 + n % 3));
        Made::plain(async move {
            let account = w.app.actor::<Account>(account);
            let is_shared = w.dice.below(3) == 0;
            let said = if is_shared {
                account.share(n, StreamId::new(other).unwrap()).await.map(drop)
            } else {
                account.execute(Deposit { call: n }).await.map(drop)
            };
            // Of those who want the same stream at the same time, some are too late too often.
            fine(said, |error| error.to_string().contains("was changed by others"));
        })
    }),
    // What a durable method calls.
    call!("ActorRef::decide_now", w, _, n => {
        let account = account(&w);
        Made::plain(async move {
            let said = w.app.actor::<Account>(account).deposit(n).await;
            fine(said, |error| error.to_string().contains("was changed by others"));
        })
    }),
    call!("ActorRef::load", w, _, _n => Made::plain(async move {
        _ = w.app.actor::<Account>(account(&w)).load().await.unwrap();
    })),
    call!("ActorRef::load_upto", w, _, _n => Made::plain(async move {
        let account = w.app.actor::<Account>(account(&w));
        _ = account.load_upto(Seq::new(2)).await.unwrap();
    })),
    call!("ActorRef::history", w, _, _n => Made::plain(async move {
        _ = w.app.actor::<Account>(account(&w)).history().await.unwrap();
    })),
    call!("ActorRef::in_memory", w, _, n => Made::plain(async move {
        let twin = w.app.actor::<Account>(format!("account-of-{n}")).in_memory().await;
        _ = twin.unwrap();
    })),
    call!("ActorRef::seen_by", w, _, n => {
        let account = w.app.actor::<Account>(format!("account-of-{n}"));
        account.deposit(n).await.unwrap();
        Made::waiting(async move { _ = account.seen_by::<Ledger>(Duration::from_secs(1)).await })
    }),
    call!("Other::load", w, _, _n => {
        let services = services(&w);
        let (own, other) = (id("account-own"), id(&account(&w)));
        let cx = Context::live(&command(&w, &own, 0), &services);
        Made::plain(async move { _ = Other::<Account>::load(Ok(other), &own, &cx).await.unwrap() })
    }),
    call!("Handlers::decide_on", w, _, n => {
        let services = services(&w);
        Made::plain(async move {
            let handlers = Handlers::<Account>::of_actor();
            let command = command(&w, &id("account-own"), n);
            let cx = Context::live(&command, &services);
            let decided = handlers.decide_on(&Account::default(), &command, &cx).await;
            assert_eq!(decided.unwrap().unwrap().len(), 1);
        })
    }),
    call!("Reactor::handle", w, _, n => {
        let services = services(&w);
        let (stream, deliveries) = deposited(&w, n).await;
        Made::plain(async move {
            let handled = Ledger::reactor().handle(&batch(&stream, &deliveries, &services)).await;
            assert!(handled.unwrap().failure.is_none());
        })
    }),
    call!("Afterwards::run", w, _, n => {
        let services = services(&w);
        let stream = id(&format!("account-of-{n}"));
        let commands: Vec<_> = (0..3).map(|nth| delivery(command(&w, &stream, nth))).collect();
        let handled = Account::reactor().handle(&batch(&stream, &commands, &services)).await.unwrap();
        assert_eq!(handled.afterwards.len(), 1, "a snapshot is due");
        Made::plain(async move { handled.afterwards[0].run(&services).await })
    }),
    call!("Streams::read_stream", w, _, _n => {
        let services = services(&w);
        let read = ReadStream::all(id(&account(&w)));
        Made::plain(async move { _ = services.streams().read_stream(read).await.unwrap() })
    }),
    call!("Streams::snapshot", w, _, _n => {
        let services = services(&w);
        Made::plain(async move {
            let found = services.streams().snapshot(&group(), &id(&account(&w))).await;
            _ = found.unwrap();
        })
    }),
    call!("Streams::base", w, _, _n => {
        let services = services(&w);
        Made::plain(async move {
            _ = services.streams().base(&group(), &id(&account(&w))).await.unwrap();
        })
    }),
];

/// One that many calls are about.
fn account(w: &World) -> String {
    format!("account-{}", w.dice.below(6))
}

fn id(stream: &str) -> StreamId {
    StreamId::new(stream).unwrap()
}

fn group() -> GroupId {
    Account::reactor().group().clone()
}

fn services(w: &World) -> Services {
    let env = w.app.env().clone();
    Services::new(
        w.backend(),
        env,
        Arc::new(Resources::default()),
        States::new(0),
    )
}

/// A command that is not stored.
fn command(w: &World, stream: &StreamId, n: u64) -> StoredMessage {
    let mut message = w.messages(0, 0, 1).remove(0);
    message.kind = Kind::Command;
    message.type_name = TypeName::of::<Deposit>();
    message.payload = Payload::encode(&Deposit { call: n }).unwrap();
    let seq = Seq::new(n + 1).unwrap();
    StoredMessage::stored(message, stream.clone(), seq, Position::new(n + 1))
}

fn delivery(message: StoredMessage) -> Delivery {
    Delivery {
        message,
        replaying: false,
    }
}

/// An account of one deposit, and what a worker would be given of it.
async fn deposited(w: &World, n: u64) -> (StreamId, Vec<Delivery>) {
    let account = format!("account-of-{n}");
    w.app
        .actor::<Account>(account.as_str())
        .deposit(n)
        .await
        .unwrap();
    let read = ReadStream::all(id(&account)).only(Kind::Event);
    let events = w.backend().read_stream(read).await.unwrap();
    (id(&account), events.into_iter().map(delivery).collect())
}

fn batch<'a>(
    stream: &'a StreamId,
    deliveries: &'a [Delivery],
    services: &'a Services,
) -> Batch<'a> {
    static PROGRESS: std::sync::LazyLock<Progress> = std::sync::LazyLock::new(Progress::default);
    Batch {
        stream,
        deliveries,
        streams: services.streams(),
        services,
        progress: &PROGRESS,
    }
}
