//! A small shop, and a stage for tests: handlers can be told to fail, panic, or wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{Selection, StoredMessage};
use tokio::sync::{Notify, Semaphore};

#[derive(Debug, Default)]
pub struct Till {
    pub sold: Vec<String>,
    notes: u32,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum TillError {
    #[error("the till takes {0} sales only")]
    Full(usize),
}

pub const MAX_SALES: usize = 3;

#[actor]
impl Till {
    #[command]
    pub fn sell(&self, product: String) -> Result<Sold, TillError> {
        if self.sold.len() >= MAX_SALES {
            return Err(TillError::Full(MAX_SALES));
        }
        Ok(Sold { product })
    }

    #[event]
    pub fn sold(&mut self, product: String) {
        self.sold.push(product);
    }

    #[reaction]
    fn note_the_sale(&self, sold: &Sold) -> Note {
        Note {
            text: format!("{} is sale {}", sold.product, self.sold.len()),
        }
    }

    #[command]
    pub fn note(&self, text: String) -> Noted {
        Noted { text }
    }

    #[event]
    pub fn noted(&mut self, text: String) {
        assert!(!text.is_empty());
        self.notes += 1;
    }

    #[command]
    pub async fn play(&self, part: String, stage: Res<Arc<Stage>>) -> Result<Played, Failure> {
        stage.play(&part).await?;
        Ok(Played { part })
    }

    #[event]
    pub fn played(&mut self, part: String) {
        self.sold.push(part);
    }
}

/// Where handlers play the part they are told to: `panic`, `fail`, `twice` (fails twice), `wait`, anything else.
pub struct Stage {
    calls: Mutex<HashMap<String, u32>>,
    /// Raised when a waiting part has begun.
    pub waiting: Notify,
    /// A permit lets one waiting part go on.
    pub go_on: Semaphore,
}

impl Stage {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            waiting: Notify::new(),
            go_on: Semaphore::new(0),
        })
    }

    pub async fn play(&self, part: &str) -> Result<(), Failure> {
        let call = self.count(part);
        match part.split_once('-').map_or(part, |(verb, _)| verb) {
            "panic" => panic!("as told"),
            "fail" => Err(Failure::msg("as told")),
            "twice" if call < 3 => Err(Failure::msg("not yet")),
            "wait" => {
                self.waiting.notify_one();
                self.go_on.acquire().await?.forget();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub fn count(&self, part: &str) -> u32 {
        let mut calls = self.calls.lock().unwrap();
        let calls = calls.entry(part.to_owned()).or_default();
        *calls += 1;
        *calls
    }

    /// How often a part was played.
    pub fn calls(&self, part: &str) -> u32 {
        self.calls.lock().unwrap().get(part).copied().unwrap_or(0)
    }
}

/// How much was sold, saved as a document.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    till: String,
    pub n_sold: u32,
}

pub const REPORTS: &str = "reports";

#[projector]
impl Report {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            till: id.to_string(),
            n_sold: 0,
        }
    }

    #[event]
    fn sold(&mut self, _: &Sold) {
        self.n_sold += 1;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put(REPORTS, &self.till, self).await
    }
}

pub async fn log(app: &App) -> Vec<StoredMessage> {
    app.log(Selection::all())
        .page(10_000)
        .await
        .unwrap()
        .messages
}

pub async fn types(app: &App) -> Vec<String> {
    log(app)
        .await
        .iter()
        .map(|message| message.type_name.to_string())
        .collect()
}

pub async fn report(app: &App, till: &str) -> Option<Report> {
    app.document(REPORTS, till).await.unwrap()
}

pub fn sell(product: &str) -> Sell {
    Sell {
        product: product.into(),
    }
}

pub fn play(part: &str) -> Play {
    Play { part: part.into() }
}
