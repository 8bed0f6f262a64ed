//! The floor in memory: a map of streams.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Row, Stored, loaded, row};
use crate::domain::{AddItem, ItemAdded};
use crate::measure::{Measured, Stopwatch};
use crate::plan::cart;

pub(super) fn decide(commands: usize, events: usize) -> anyhow::Result<Measured> {
    let streams: Mutex<HashMap<String, Vec<Row>>> = Mutex::default();
    let lock = || streams.lock().unwrap_or_else(PoisonError::into_inner);
    let watch = Stopwatch::start();
    for nth in 0..commands {
        let stream = cart(nth / events);
        let stored: Vec<Stored> = {
            let streams = lock();
            let rows = streams.get(&stream).into_iter().flatten();
            rows.filter(|row| row.kind == "event")
                .map(Stored::from)
                .collect()
        };
        let (state, seq) = loaded(&stored)?;
        let ItemAdded {
            product_id,
            name,
            price,
            quantity,
        } = ItemAdded::nth(nth);
        let command = AddItem {
            product_id,
            name,
            price,
            quantity,
        };
        let asked = row(&stream, seq + 1, "command", &command)?;
        let AddItem {
            product_id,
            name,
            price,
            quantity,
        } = command;
        let added = state.add_item(product_id, name, price, quantity)?;
        let added = row(&stream, seq + 2, "event", &added)?;
        lock().entry(stream).or_default().extend([asked, added]);
    }
    Ok(watch.stop(commands, Vec::new()))
}

impl From<&Row> for Stored {
    fn from(row: &Row) -> Self {
        Self {
            place: row.seq,
            stream: row.stream.clone(),
            type_name: row.type_name.to_owned(),
            payload: row.payload.clone(),
        }
    }
}
