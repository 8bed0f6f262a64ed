//! A shop without the framework: the commands of an input, one after the other, and the listings they should lead to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::Value;

#[derive(Default)]
struct PlainCart {
    is_placed: bool,
    has_items_ever: bool,
    lines: BTreeMap<String, (String, u64, u64)>,
}

/// What an input should come to.
pub(crate) struct Expected {
    /// The listings as text.
    pub(crate) listings: String,
    /// How many commands are refused.
    pub(crate) n_refused: usize,
    /// How many events there are, those of follow-ups included.
    pub(crate) n_events: usize,
}

/// Runs the commands by hand.
pub(crate) fn expected(input: &str) -> Expected {
    let mut carts: HashMap<String, PlainCart> = HashMap::new();
    let (mut n_refused, mut n_events) = (0, 0);
    for line in input.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let cart = carts
            .entry(line["cart"].as_str().unwrap().to_owned())
            .or_default();
        match cart.apply(&line) {
            0 => n_refused += 1,
            n => n_events += n,
        }
    }
    let mut ids: Vec<_> = carts
        .keys()
        .filter(|id| carts[*id].has_items_ever)
        .collect();
    ids.sort_by_key(|id| id.as_bytes());
    let listings = ids.iter().map(|id| carts[*id].listing(id)).collect();
    Expected {
        listings,
        n_refused,
        n_events,
    }
}

impl PlainCart {
    /// The number of events it leads to; none is a refusal.
    fn apply(&mut self, line: &Value) -> usize {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        let number = |field: &str| line[field].as_u64().unwrap();
        if self.is_placed {
            return 0;
        }
        match line["command"].as_str().unwrap() {
            "add_item" => {
                let pieces: u64 = self.lines.values().map(|line| line.2).sum();
                let quantity = number("quantity");
                if quantity == 0 || pieces + quantity > 500 {
                    return 0;
                }
                let earlier = self.lines.get(&text("product_id")).map_or(0, |line| line.2);
                let line = (text("name"), number("price"), earlier + quantity);
                self.lines.insert(text("product_id"), line);
                self.has_items_ever = true;
                1
            }
            "remove_item" => usize::from(self.lines.remove(&text("product_id")).is_some()),
            "place" if self.lines.is_empty() => 0,
            "place" => {
                self.is_placed = true;
                2
            }
            other => panic!("{other}"),
        }
    }

    fn listing(&self, id: &str) -> String {
        let status = if self.is_placed {
            "awaiting-payment"
        } else {
            "open"
        };
        let pieces: u64 = self.lines.values().map(|line| line.2).sum();
        let total: u64 = self.lines.values().map(|line| line.1 * line.2).sum();
        let mut text = format!("{id} {status} {pieces} pieces {}", money(total));
        let items: Vec<_> = self
            .lines
            .values()
            .map(|(name, price, n)| {
                format!("{n} × {} at {}", Value::from(name.as_str()), money(*price))
            })
            .collect();
        if !items.is_empty() {
            write!(text, ": {}", items.join(", ")).unwrap();
        }
        text + "\n"
    }
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
