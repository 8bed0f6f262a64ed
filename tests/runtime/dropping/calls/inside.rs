//! Calls inside of transactions, which go on when one of them was given up: units that join one of the caller's, and
//! sync actions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sourced::backend::{
    ReadStream, Refusal, RowChanges, RowQuery, SyncAction, Test, Tx, UnitCommit, Value,
};
use sourced::prelude::*;
use sourced::{ExpectedSeq, GroupId, MessageId};

use super::groups::{At, filled, table};
use super::{Call, Made, all_or_none, call};
use crate::cut::Cut;
use crate::domain::{Account, Deposit, LEDGERS, Ledger};
use crate::own::End;
use crate::transaction::Going;
use crate::world::{World, append_of};

pub const CALLS: &[Call] = &[
    call!("Units::commit_unit", w, _, n => {
        let (unit, ids) = unit(&w, n);
        let of = w.clone();
        Made::plain(async move { _ = w.backend().commit_unit(unit).await.unwrap() })
            .then((of, n, ids), stored_or_not)
    }),
    call!(Databases, "Units::join", w, _, n => Made::by_itself(move |cut| inside(w, n, cut, Inside::Join))),
    call!(Databases, "Joined::read_stream", w, _, n => {
        Made::by_itself(move |cut| inside(w, n, cut, Inside::Read))
    }),
    call!(Databases, "Joined::base", w, _, n => {
        Made::by_itself(move |cut| inside(w, n, cut, Inside::Base))
    }),
    call!(Databases, "Joined::document", w, _, n => {
        Made::by_itself(move |cut| inside(w, n, cut, Inside::Document))
    }),
    call!(Databases, "Joined::live", w, _, n => {
        Made::by_itself(move |cut| inside(w, n, cut, Inside::Live))
    }),
    call!(Databases, "Joined::store_unit", w, _, n => {
        let what = if w.dice.below(3) == 0 { Inside::Conflict } else { Inside::Store };
        Made::by_itself(move |cut| inside(w, n, cut, what))
    }),
    call!(Databases, "Unit::handle_in", w, _, n => Made::by_itself(move |cut| handled_in(w, n, cut))),
    call!(Databases, "Tx::put", w, task, n => in_sync(w, task, n, Act::Put).await),
    call!(Databases, "Tx::get", w, task, n => in_sync(w, task, n, Act::Get).await),
    call!(Databases, "Tx::delete", w, task, n => in_sync(w, task, n, Act::Delete).await),
    call!(Databases, "Tx::read_rows", w, task, n => in_sync(w, task, n, Act::ReadRows).await),
    call!(Databases, "Tx::change_rows", w, task, n => in_sync(w, task, n, Act::ChangeRows).await),
];

/// What is done with a transaction that was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Join,
    Read,
    Base,
    Document,
    Live,
    Store,
    /// What is stored is in conflict with what is there.
    Conflict,
}

/// Whether it was given up. Panics when the transaction does not hold what it should.
async fn inside(w: World, n: u64, cut: Cut, what: Inside) -> bool {
    let own = w.own.as_ref().unwrap();
    let backend = w.backend();
    let (mut unit, ids) = unit(&w, n);
    if what == Inside::Conflict {
        let stream = unit.appends[0].stream.to_string();
        backend
            .append(vec![append_of(&stream, w.messages(n, 0, 1))])
            .await
            .unwrap();
        unit.appends[0].expected = ExpectedSeq::NoStream;
    }
    let stream = StreamId::new(format!("append-1-{}", n % 7)).unwrap();
    let actor = GroupId::new("somebody").unwrap();
    let mut going = Going::begin(own, &n.to_string()).await;
    let done = if what == Inside::Join {
        cut.of(backend.join(going.tx.connection()))
            .await
            .map(|joined| _ = joined.unwrap())
    } else {
        let mut joined = backend.join(going.tx.connection()).await.unwrap();
        match what {
            Inside::Base => cut
                .of(joined.base(&actor, &stream))
                .await
                .map(|it| _ = it.unwrap()),
            Inside::Document => {
                let document = joined.document(LEDGERS, "account-1");
                cut.of(document).await.map(|it| _ = it.unwrap())
            }
            Inside::Live => cut.of(joined.live("tabs")).await.map(|it| _ = it.unwrap()),
            Inside::Conflict => cut
                .of(joined.store_unit(unit))
                .await
                .map(|it| assert!(it.unwrap_err().is_conflict())),
            Inside::Store => cut
                .of(joined.store_unit(unit))
                .await
                .map(|it| _ = it.unwrap()),
            Inside::Join | Inside::Read => {
                let read = joined.read_stream(ReadStream::all(stream));
                cut.of(read).await.map(|it| _ = it.unwrap())
            }
        }
    };
    let went = going.end(done.is_none(), End::Commit).await;
    let is_stored = what == Inside::Store && went.is_stored();
    let parts = parts(&w, n, ids).await;
    assert!(
        parts.iter().all(|(_, is)| *is == is_stored),
        "{what:?}, {went:?}: {parts:?}"
    );
    went.is_given_up
}

/// A unit of the app in a transaction of the caller's.
async fn handled_in(w: World, n: u64, cut: Cut) -> bool {
    let account = format!("account-in-{n}");
    let unit = w.of_unit().unit();
    let command = Deposit { call: n }.to(account.as_str());
    let own = w.own.as_ref().unwrap();
    let mut going = Going::begin(own, &n.to_string()).await;
    let done = cut.of(going.tx.handle(&unit, command)).await;
    let went = going.end(done.is_none(), End::Commit).await;
    if let Some(result) = done {
        result.unwrap();
    }
    let events = w.app.actor::<Account>(account.as_str()).history().await;
    let ledger = w.app.document::<Ledger>(LEDGERS, &account).await.unwrap();
    assert_eq!(!events.unwrap().is_empty(), went.is_stored(), "{went:?}");
    // It is left to the workers while the ledgers are made once more.
    assert!(went.is_stored() || ledger.is_none(), "{went:?}");
    went.is_given_up
}

/// A unit with something of everything; the ids of what it stores.
fn unit(w: &World, n: u64) -> (UnitCommit, [MessageId; 2]) {
    let append = w.append(n, &format!("unit-{n}"), 1);
    let command = w.id();
    let ids = [append.messages[0].id, command];
    let unit = UnitCommit {
        appends: vec![append],
        refusals: vec![Refusal {
            command,
            reason: "as told".to_owned(),
        }],
        syncs: vec![Arc::new(Write(n.to_string()))],
        ..UnitCommit::default()
    };
    (unit, ids)
}

async fn parts(w: &World, n: u64, [event, command]: [MessageId; 2]) -> [(&'static str, bool); 3] {
    let backend = w.backend();
    let document = backend.document("units", &n.to_string()).await;
    [
        ("the append", backend.find(event).await.unwrap().is_some()),
        (
            "the refusal",
            backend.refusal(command).await.unwrap().is_some(),
        ),
        ("the document", document.unwrap().is_some()),
    ]
}

async fn stored_or_not((w, n, ids): (World, u64, [MessageId; 2])) -> Result<(), String> {
    all_or_none(&parts(&w, n, ids).await)
}

#[derive(Debug)]
struct Write(String);

#[async_trait]
impl SyncAction for Write {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("units", &self.0, &1).await
    }
}

/// What a sync action gives up.
#[derive(Debug, Clone, Copy)]
enum Act {
    Put,
    Get,
    Delete,
    ReadRows,
    ChangeRows,
}

/// A sync action that gives up one of its own calls, goes on, and is stored with its unit.
#[derive(Debug)]
struct GivesUp {
    n: u64,
    act: Act,
    at: At,
    cut: Cut,
    is_given_up: AtomicBool,
}

#[async_trait]
impl SyncAction for GivesUp {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let (key, table) = (self.n.to_string(), table(self.at, 1));
        let id = Value::Integer(self.n.cast_signed());
        let keys = [vec![id.clone()]];
        let row = |n| vec![id.clone(), Value::Integer(n)];
        let created = RowChanges {
            created: vec![row(1)],
            ..RowChanges::default()
        };
        let done = match self.act {
            Act::Put => self.cut.of(tx.put("inside", &key, &1)).await.map(drop),
            Act::Get => self.cut.of(tx.get::<u64>("inside", &key)).await.map(drop),
            Act::Delete => self.cut.of(tx.delete("inside", &key)).await.map(drop),
            Act::ReadRows => self.cut.of(tx.read_rows(&table, &keys)).await.map(drop),
            Act::ChangeRows => {
                tx.read_rows(&table, &keys).await?;
                self.cut
                    .of(tx.change_rows(&table, &created))
                    .await
                    .map(drop)
            }
        };
        self.is_given_up.store(done.is_none(), Ordering::Relaxed);
        // It goes on with what there is now.
        let mut changes = RowChanges::default();
        if tx.read_rows(&table, &keys).await?.is_empty() {
            changes.created.push(row(2));
        } else {
            changes.changed.push(row(2));
        }
        tx.change_rows(&table, &changes).await?;
        tx.put("inside", &key, &2).await
    }
}

async fn in_sync(w: World, task: usize, n: u64, act: Act) -> Made {
    let at = filled(&w, task).await;
    let of = w.clone();
    Made::by_itself(async move |cut| {
        let gives_up = Arc::new(GivesUp {
            n,
            act,
            at,
            cut,
            is_given_up: AtomicBool::new(false),
        });
        let unit = UnitCommit {
            appends: vec![w.append(n, &format!("inside-{n}"), 1)],
            syncs: vec![Arc::clone(&gives_up) as Arc<dyn SyncAction>],
            ..UnitCommit::default()
        };
        w.backend().commit_unit(unit).await.unwrap();
        gives_up.is_given_up.load(Ordering::Relaxed)
    })
    .then((of, n, at), went_on)
}

/// What it did in the end is there.
async fn went_on((w, n, at): (World, u64, At)) -> Result<(), String> {
    let document = w.app.document::<u64>("inside", n.to_string()).await;
    let query = RowQuery {
        filters: vec![(0, Test::Is(Value::Integer(n.cast_signed())))],
        ..RowQuery::default()
    };
    let rows = w.backend().rows(&table(at, 1), &query).await.unwrap();
    match (document.unwrap(), rows.as_slice()) {
        (Some(2), [row]) if row[1] == Value::Integer(2) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}
