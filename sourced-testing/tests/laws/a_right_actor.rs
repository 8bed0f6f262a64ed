//! An actor that keeps all laws, with types that refuse most values.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{MessageId, Timestamp};

/// Text of one form only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Sku(String);

impl TryFrom<String> for Sku {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let digits = text.strip_prefix("sku-").ok_or("not a SKU")?;
        if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err("not a SKU")
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Means {
    Cash,
    Card { digits: u16, holder: Option<String> },
    Split(Vec<Means>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8")]
struct Percent(u8);

impl TryFrom<u8> for Percent {
    type Error = &'static str;
    fn try_from(percent: u8) -> Result<Self, &'static str> {
        (1..=100)
            .contains(&percent)
            .then_some(Self(percent))
            .ok_or("no percentage")
    }
}

#[event("right.put")]
struct Put {
    sku: Sku,
}

impl From<Put> for Added {
    fn from(old: Put) -> Self {
        Self {
            sku: old.sku,
            pieces: 1,
            off: None,
            cause: None,
            at: Timestamp::from_micros(0),
            notes: HashMap::new(),
        }
    }
}

#[event("right.added", alias = "right.included", was = Put)]
#[derive(Debug, Clone, PartialEq)]
struct Added {
    sku: Sku,
    #[serde(alias = "quantity")]
    pieces: u32,
    off: Option<Percent>,
    cause: Option<MessageId>,
    at: Timestamp,
    #[serde(default)]
    notes: HashMap<String, f64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Right {
    lines: BTreeMap<String, u32>,
    paid: Option<Means>,
}

#[derive(Debug)]
struct Full;
impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is full")
    }
}
impl std::error::Error for Full {}

#[actor(snapshot_every = 2)]
impl Right {
    #[command]
    fn add(&self, sku: Sku, pieces: u32, off: Option<Percent>) -> Result<Added, Full> {
        let there = self.lines.get(&sku.0).copied().unwrap_or_default();
        there.checked_add(pieces).ok_or(Full)?;
        let notes = HashMap::from([("a".to_owned(), -0.0), ("b".to_owned(), 1.5)]);
        let at = Timestamp::from_micros(0);
        Ok(Added {
            sku,
            pieces,
            off,
            cause: None,
            at,
            notes,
        })
    }

    #[event]
    fn added(&mut self, added: &Added) {
        let line = self.lines.entry(added.sku.0.clone()).or_default();
        *line = line.saturating_add(added.pieces);
    }

    #[command]
    fn pay(&self, means: Means) -> Paid {
        Paid { means }
    }

    #[event]
    fn paid(&mut self, means: Means) {
        self.paid = Some(means);
    }
}

sourced_testing::laws!(
    Right,
    with: { Sku => "sku-[0-9]{4}" },
    stored: { "right.included" => r#"{"sku":"sku-0001","quantity":2,"off":null,"cause":null,"at":1}"# },
);

#[test]
fn a_value_that_cannot_be_made_is_told_with_its_field_and_what_to_write() {
    says!(
        crate::said(
            || sourced_testing::laws::Laws::<Right>::new().every_message_survives_a_round_trip()
        ),
        "`Right` cannot be checked for the law: every message survives a round trip",
        "no value could be made for the field `sku` of `laws::a_right_actor::Add`, of type `laws::a_right_actor::Sku`: not a SKU",
        "with: { Sku => \"[a-z]{1,8}\" }",
    );
}

#[test]
fn a_stored_message_that_nobody_reads_is_told() {
    let laws = || sourced_testing::laws::Laws::<Right>::new().with::<Sku>(["sku-0001"]);
    says!(
        crate::said(|| laws().stored("right.lost", "{}").upcasting_is_total()),
        "no command or event of the actor is stored as `right.lost`",
    );
    says!(
        crate::said(|| laws().stored("right.put", "{}").upcasting_is_total()),
        "`right.put` as it was stored: {}",
        "missing field `sku`",
    );
}
