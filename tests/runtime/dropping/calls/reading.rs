//! Calls that only read: readers and feeds.

use futures_util::StreamExt as _;
use sourced::backend::{ReadStream, Summary};
use sourced::{DocumentReader, Feed, Selection, StreamId};

use super::{Call, Made, call};
use crate::domain::{Deposited, LEDGERS, Ledger};
use crate::world::World;

pub const CALLS: &[Call] = &[
    call!("Summary::by_reading", w, _, n => Made::plain(async move {
        let selection = of_stream(n);
        _ = Summary::by_reading(&*w.backend(), &selection).await.unwrap();
    })),
    call!("Reader::stream", w, _, _n => {
        let read = ReadStream::all(StreamId::new("account-1").unwrap());
        Made::plain(async move { _ = w.app.reader().stream(read).await.unwrap() })
    }),
    call!("Reader::find", w, _, _n => {
        let id = w.id();
        Made::plain(async move { assert!(w.app.reader().find(id).await.unwrap().is_none()) })
    }),
    call!("Reader::log_end", w, _, _n => Made::plain(async move {
        _ = w.app.reader().log_end().await.unwrap();
    })),
    call!("Reader::document", w, _, _n => Made::plain(async move {
        let found = w.app.reader().document::<Ledger>(LEDGERS, "account-1").await;
        _ = found.unwrap();
    })),
    call!("Reader::documents", w, _, _n => Made::plain(async move {
        let found = w.app.reader().documents::<Ledger>(LEDGERS, None, 3).await;
        _ = found.unwrap();
    })),
    call!("DocumentReader::get", w, _, _n => Made::plain(async move {
        let documents = DocumentReader::new(w.backend());
        _ = documents.get::<Ledger>(LEDGERS, "account-1").await.unwrap();
    })),
    call!("Feed::page", w, _, n => Made::plain(async move {
        _ = feed(&w, n).page(3).await.unwrap();
    })),
    call!("Feed::summary", w, _, n => Made::plain(async move {
        _ = feed(&w, n).summary().await.unwrap();
    })),
    call!("Feed::count", w, _, n => Made::plain(async move {
        _ = feed(&w, n).count().await.unwrap();
    })),
    call!("Feed::first", w, _, n => Made::plain(async move {
        _ = feed(&w, n).first().await.unwrap();
    })),
    call!("Feed::last", w, _, n => Made::plain(async move {
        _ = feed(&w, n).last().await.unwrap();
    })),
    call!("Feed::stream", w, _, n => Made::plain(async move {
        let mut messages = feed(&w, n).page_size(2).stream();
        while let Some(message) = messages.next().await {
            _ = message.unwrap();
        }
    })),
    call!("Feed::follow", w, _, n => Made::waiting(async move {
        let mut messages = feed(&w, n).page_size(2).follow();
        while let Some(message) = messages.next().await {
            _ = message.unwrap();
        }
    })),
    call!("TypedFeed::stream", w, _, _n => Made::plain(async move {
        let selection = Selection::all().stream(StreamId::new("account-1").unwrap());
        let mut events = w.app.log(selection).page_size(3).typed::<Deposited>().stream();
        while let Some(event) = events.next().await {
            _ = event.unwrap();
        }
    })),
    call!("TypedFeed::follow", w, _, _n => Made::waiting(async move {
        let selection = Selection::all().stream(StreamId::new("account-1").unwrap());
        let mut events = w.app.log(selection).page_size(3).typed::<Deposited>().follow();
        while let Some(event) = events.next().await {
            _ = event.unwrap();
        }
    })),
    call!("Signal::raised", w, _, _n => Made::waiting(async move {
        let mut signal = w.backend().signal();
        loop {
            signal.raised().await;
        }
    })),
];

fn of_stream(n: u64) -> Selection {
    Selection::all().stream(StreamId::new(format!("append-1-{}", n % 7)).unwrap())
}

fn feed(w: &World, n: u64) -> Feed {
    w.app.log(of_stream(n))
}
