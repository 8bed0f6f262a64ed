//! What the tables have to be: a fold of the log by hand, which shares nothing with the projectors but the log.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;
use sourced::StoredMessage;

/// A table as it has to be: its name, the columns of its key and the others, and its rows by their keys, all as text.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) name: &'static str,
    pub(super) key: &'static [&'static str],
    pub(super) others: &'static [&'static str],
    pub(super) rows: BTreeMap<Vec<String>, Vec<String>>,
}

/// What the events so far come to.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) n_events: u64,
    /// By stream: events, cents, trail.
    streams: BTreeMap<String, (u64, i64, i64)>,
    /// By customer and product: opened, closed, cents.
    customers: BTreeMap<(String, u64), (u64, u64, i64)>,
    /// By stream: customer, cents, amendments.
    open: BTreeMap<String, (String, i64, u64)>,
}

impl Fold {
    /// The next event of the log.
    pub(super) fn add(&mut self, message: &StoredMessage) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(message.payload.as_str())?;
        let customer = event["customer"].as_str().context("a customer")?.to_owned();
        let product = event["product"].as_u64().context("a product")?;
        let cents = event["cents"].as_i64().unwrap_or(0);
        let (stream, seq) = (message.stream_id.to_string(), message.seq.get());
        self.n_events += 1;

        let of_stream = self.streams.entry(stream.clone()).or_default();
        of_stream.0 += 1;
        of_stream.1 += cents;
        of_stream.2 = (of_stream.2 * 31 + i64::try_from(seq)?) % 1_000_000_007;

        let of_customer = self.customers.entry((customer.clone(), product));
        let (opened, closed, spent) = of_customer.or_default();
        *spent += cents;
        match message.type_name.as_str() {
            "tables.opened" => {
                *opened += 1;
                let before = self.open.insert(stream, (customer, cents, 0));
                anyhow::ensure!(before.is_none(), "an order was opened twice");
            }
            "tables.amended" => {
                let order = self.open.get_mut(&stream).context("no order is open")?;
                order.1 += cents;
                order.2 += 1;
            }
            "tables.closed" => {
                *closed += 1;
                self.open.remove(&stream).context("no order is open")?;
            }
            other => anyhow::bail!("an event `{other}`"),
        }
        Ok(())
    }

    /// The rows of each table.
    pub(super) fn tables(self) -> [Expected; 3] {
        let streams = self.streams.into_iter().map(|(stream, row)| {
            let (events, cents, trail) = row;
            (vec![stream], texts([&events, &cents, &trail]))
        });
        let customers = self.customers.into_iter().map(|(key, row)| {
            let (opened, closed, cents) = row;
            (texts([&key.0, &key.1]), texts([&opened, &closed, &cents]))
        });
        let open = self.open.into_iter().map(|(stream, row)| {
            let (customer, cents, amendments) = row;
            (vec![stream], texts([&customer, &cents, &amendments]))
        });
        [
            Expected {
                name: "stream_totals",
                key: &["stream"],
                others: &["events", "cents", "trail"],
                rows: streams.collect(),
            },
            Expected {
                name: "customer_totals",
                key: &["customer", "product"],
                others: &["opened", "closed", "cents"],
                rows: customers.collect(),
            },
            Expected {
                name: "open_orders",
                key: &["order_id"],
                others: &["customer", "cents", "amendments"],
                rows: open.collect(),
            },
        ]
    }
}

fn texts<const N: usize>(values: [&dyn ToString; N]) -> Vec<String> {
    values.iter().map(|value| value.to_string()).collect()
}
