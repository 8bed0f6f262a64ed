//! What has to hold of all that is stored.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sourced::prelude::*;
use sourced::{CorrelationId, Kind, MessageId, Position, Selection, StoredMessage, TypeName};

use crate::domain::{Deposit, Deposited, LEDGERS, Ledger, Note, Noted, Notes, Share, digest};
use crate::world::{UNIT, World};

/// How far the log was looked at, and what was seen.
#[derive(Debug, Default)]
pub struct Looked {
    upto: Position,
    seqs: HashMap<StreamId, u64>,
    /// Of each call, how many messages there are and how many there have to be.
    calls: BTreeMap<u64, (u64, u64)>,
    /// Commands that were decided at once, with how many events they must have.
    decided: HashMap<MessageId, usize>,
    /// Of each unit, the types that came up.
    units: HashMap<CorrelationId, Vec<TypeName>>,
}

impl Looked {
    /// Looks at what is new, while nothing is under way.
    pub async fn on(&mut self, w: &World) -> Result<(), String> {
        let new = w.app.log(Selection::all().after(self.upto)).stream();
        let new: Vec<_> = new.try_collect().await.map_err(|error| error.to_string())?;
        for message in &new {
            self.see(message)?;
        }
        let is_half = |(_, (n, of)): &(&u64, &(u64, u64))| n != of;
        if let Some((call, (n, of))) = self.calls.iter().find(is_half) {
            return Err(format!("call {call} has stored {n} messages of {of}"));
        }
        if let Some((id, n)) = self.decided.iter().find(|(_, n)| **n > 0) {
            return Err(format!("command {id} is stored without {n} of its events"));
        }
        let whole = [
            TypeName::of::<Deposit>(),
            TypeName::of::<Deposited>(),
            TypeName::of::<Note>(),
            TypeName::of::<Noted>(),
        ];
        if let Some((id, types)) = self.units.iter().find(|(_, types)| **types != whole) {
            return Err(format!("the unit {id} has stored {types:?}"));
        }
        self.calls.clear();
        self.decided.clear();
        self.units.clear();
        Ok(())
    }

    fn see(&mut self, message: &StoredMessage) -> Result<(), String> {
        let last = self.seqs.entry(message.stream_id.clone()).or_default();
        // Its first messages may have been removed.
        if *last > 0 && message.seq.get() != *last + 1 || message.position <= self.upto {
            return Err(format!(
                "{} #{} after #{last}",
                message.stream_id, message.seq
            ));
        }
        *last = message.seq.get();
        self.upto = message.position;
        let payload: Value = serde_json::from_str(message.payload.as_str()).unwrap();
        let number = |key: &str| payload.get(key).and_then(Value::as_u64);
        if let (Some(call), Some(of)) = (number("call"), number("of").filter(|of| *of > 0)) {
            let (n, all) = self.calls.entry(call).or_insert((0, of));
            (*n, *all) = (*n + 1, of);
        }
        if message.kind == Kind::Command && message.decided_by.is_some() {
            let n_events = if message.type_name == TypeName::of::<Share>() {
                2
            } else {
                1
            };
            self.decided.insert(message.id, n_events);
        }
        if let Some(n) = self.decided.get_mut(&message.causation_id)
            && message.kind == Kind::Event
        {
            *n -= 1;
        }
        if message.metadata.get(UNIT).is_some() {
            let unit = self.units.entry(message.correlation_id).or_default();
            unit.push(message.type_name.clone());
        }
        Ok(())
    }
}

/// After workers have handled all that was left: each effect is there once, in order.
pub async fn effects(w: &World) -> Result<(), String> {
    let events = w.app.log(Selection::all().of::<Deposited>()).stream();
    let events: Vec<_> = events
        .try_collect()
        .await
        .map_err(|error| error.to_string())?;
    let mut ledgers: BTreeMap<StreamId, Ledger> = BTreeMap::new();
    for event in &events {
        let deposited = event.decode::<Deposited>().unwrap().payload;
        let ledger = ledgers.entry(event.stream_id.clone()).or_default();
        ledger.n += 1;
        ledger.digest = digest(ledger.digest, deposited.call);
        if deposited.nth != ledger.n {
            return Err(format!(
                "{} #{}: decided as {}",
                event.stream_id, event.seq, deposited.nth
            ));
        }
    }
    for (account, wanted) in &ledgers {
        let found: Option<Ledger> = w.app.document(LEDGERS, account).await.unwrap();
        if found.as_ref() != Some(wanted) {
            return Err(format!(
                "the ledger of {account} is {found:?}, not {wanted:?}"
            ));
        }
    }
    let mut wanted: BTreeMap<u64, u64> = BTreeMap::new();
    let notes = w
        .app
        .log(Selection::all().of::<Noted>())
        .typed::<Noted>()
        .stream();
    let notes: Vec<_> = notes
        .try_collect()
        .await
        .map_err(|failure| failure.to_string())?;
    for note in notes {
        *wanted.entry(note.payload.call).or_default() += 1;
    }
    let n_noted: u64 = wanted.values().sum();
    if n_noted != events.len() as u64 {
        return Err(format!("{n_noted} notes of {} deposits", events.len()));
    }
    let rows = w.app.rows::<Notes>().all().await.unwrap();
    let rows: BTreeMap<u64, u64> = rows.into_iter().map(|row| (row.call, row.n)).collect();
    if rows != wanted {
        return Err(format!(
            "{} rows of {} calls differ",
            rows.len(),
            wanted.len()
        ));
    }
    Ok(())
}
