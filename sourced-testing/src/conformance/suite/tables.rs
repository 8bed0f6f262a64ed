//! Tables: rows of read models, changed by sync actions and queried.

mod making;
mod querying;

pub use making::*;
pub use querying::*;

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{
    AckError, Backend, Column, ColumnType, KeyError, MAX_KEY_BYTES, Mark, Nulls, RowChanges,
    RowQuery, SyncAction, Table, Tables as _, Tx, Value, Values,
};
use sourced::{Failure, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

const KEEPER: &str = "keeper";

fn column(name: &'static str, of: ColumnType, nulls: Nulls, mark: Mark) -> Column {
    Column {
        name,
        of,
        nulls,
        mark,
    }
}

/// Counts by name.
pub(super) fn counts() -> Table {
    use ColumnType::{Integer, Text};
    use Nulls::{Allowed, Refused};
    Table {
        name: "counts",
        version: 1,
        columns: vec![
            column("name", Text, Refused, Mark::Key),
            column("n", Integer, Refused, Mark::Index),
            column("note", Text, Allowed, Mark::Unique),
        ],
    }
}

fn count(name: &str, n: i64) -> Values {
    vec![text(name), Value::Integer(n), Value::Null]
}

fn noted(name: &str, n: i64, note: &str) -> Values {
    vec![text(name), Value::Integer(n), text(note)]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn key(name: &str) -> Values {
    vec![text(name)]
}

/// Reads these rows, then changes some.
#[derive(Debug, Clone)]
struct Change {
    table: Table,
    changes: RowChanges,
    /// Adds one to each, or makes it.
    increments: Vec<Values>,
    fails: bool,
}

impl Change {
    fn of(table: &Table) -> Self {
        Self {
            table: table.clone(),
            changes: RowChanges::default(),
            increments: Vec::new(),
            fails: false,
        }
    }

    fn create(mut self, rows: impl Into<Vec<Values>>) -> Self {
        self.changes.created = rows.into();
        self
    }

    fn change(mut self, rows: impl Into<Vec<Values>>) -> Self {
        self.changes.changed = rows.into();
        self
    }

    fn delete(mut self, keys: impl Into<Vec<Values>>) -> Self {
        self.changes.deleted = keys.into();
        self
    }

    fn increment(mut self, names: &[&str]) -> Self {
        self.increments = names.iter().map(|name| key(name)).collect();
        self
    }

    fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    fn action(self) -> Arc<dyn SyncAction> {
        Arc::new(self)
    }
}

#[async_trait]
impl SyncAction for Change {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let mut changes = self.changes.clone();
        let rows = changes.created.iter().chain(&changes.changed);
        let mut keys: Vec<Values> = rows.map(|row| self.table.key_of(row)).collect();
        keys.extend(changes.deleted.iter().chain(&self.increments).cloned());
        keys.sort_unstable();
        let found = tx.read_rows(&self.table, &keys).await?;
        for key in &self.increments {
            let row = found.iter().find(|row| self.table.key_of(row) == *key);
            let Some(row) = row else {
                let row = [key.clone(), vec![Value::Integer(1), Value::Null]];
                changes.created.push(row.concat());
                continue;
            };
            let mut row = row.clone();
            let Value::Integer(n) = row[1] else {
                return Err(Failure::msg("no number"));
            };
            row[1] = Value::Integer(n + 1);
            changes.changed.push(row);
        }
        tx.change_rows(&self.table, &changes).await?;
        if self.fails {
            return Err(Failure::msg("on purpose"));
        }
        Ok(())
    }
}

/// A store with this table, and nothing handled yet.
async fn with_table<H: Harness>(harness: &H, table: &Table) -> (H::Backend, H::Guard) {
    let (store, guard) = harness.fresh().await;
    store.ensure_table(table, &group(KEEPER)).await.unwrap();
    (store, guard)
}

/// Does this in an acknowledgement of a new event.
async fn try_apply(store: &impl Backend, change: Change) -> Result<(), AckError> {
    let worker = Worker::of(store, "writer").await;
    append(store, uuid().to_string(), [event()]).await;
    let claim = worker.claim(store).await;
    let mut ack = ack_all(&claim);
    ack.syncs = vec![change.action()];
    let done = store.ack(ack).await.map(drop);
    if done.is_err() {
        // Nobody is to find it again.
        store.ack(ack_all(&claim)).await.unwrap();
    }
    done
}

async fn apply(store: &impl Backend, change: Change) {
    try_apply(store, change).await.unwrap();
}

async fn all(store: &impl Backend, table: &Table) -> Vec<Values> {
    store.rows(table, &RowQuery::default()).await.unwrap()
}

pub async fn rows_are_created_changed_and_deleted<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let rows = |n: i64| (0..300).map(move |at| count(&format!("{at:04}"), n));
    apply(
        &store,
        Change::of(&counts()).create(rows(1).collect::<Vec<_>>()),
    )
    .await;
    assert_eq!(all(&store, &counts()).await, rows(1).collect::<Vec<_>>());
    let mut expected: Vec<Values> = rows(1).collect();
    expected.drain(..75);
    expected[..100].clone_from_slice(&rows(2).skip(75).take(100).collect::<Vec<_>>());
    let change = Change::of(&counts())
        .delete(
            rows(1)
                .take(75)
                .map(|row| row[..1].to_vec())
                .collect::<Vec<_>>(),
        )
        .change(expected[..100].to_vec());
    apply(&store, change).await;
    assert_eq!(all(&store, &counts()).await, expected);
    // A row that went can come again.
    apply(&store, Change::of(&counts()).create([count("0000", 3)])).await;
    assert_eq!(all(&store, &counts()).await[0], count("0000", 3));
}

pub async fn one_transaction_with_the_acknowledgement<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    apply(
        &store,
        Change::of(&counts()).create([count("a", 1), count("b", 1)]),
    )
    .await;
    let change = Change::of(&counts())
        .create([count("c", 1)])
        .change([count("a", 2)])
        .delete([key("b")]);
    let failed = try_apply(&store, change.failing()).await;
    assert!(matches!(failed, Err(AckError::Sync(_))), "{failed:?}");
    let expected = [count("a", 1), count("b", 1)];
    assert_eq!(all(&store, &counts()).await, expected);
}

pub async fn a_transaction_sees_what_it_wrote<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let worker = Worker::of(&store, "writer").await;
    append(&store, "s", [event()]).await;
    let mut ack = ack_all(&worker.claim(&store).await);
    let increment = || Change::of(&counts()).increment(&["a", "b"]).action();
    let delete = Change::of(&counts()).delete([key("b")]).action();
    ack.syncs = vec![increment(), increment(), delete, increment()];
    store.ack(ack).await.unwrap();
    let expected = [count("a", 3), count("b", 1)];
    assert_eq!(all(&store, &counts()).await, expected);
}

pub async fn one_transaction_after_the_other_on_the_same_rows<H: Harness>(harness: &H) {
    const LANES: usize = 12;
    let (store, _guard) = with_table(harness, &counts()).await;
    apply(&store, Change::of(&counts()).create([count("old", 0)])).await;
    let worker = Worker::of(&store, "writer").await;
    for lane in 0..LANES {
        append(&store, format!("s-{lane}"), [event()]).await;
    }
    let claims = worker.claim_lanes(&store, LANES).await;
    let store = Arc::new(store);
    let acks = claims.into_iter().map(|claim| {
        let store = Arc::clone(&store);
        spawn(async move {
            let mut ack = ack_all(&claim);
            let rows = Change::of(&counts()).increment(&["new", "old", "other"]);
            ack.syncs = vec![rows.action()];
            store.ack(ack).await.unwrap();
        })
    });
    join(acks.collect()).await;
    let n = i64::try_from(LANES).unwrap();
    let expected = [count("new", n), count("old", n), count("other", n)];
    assert_eq!(all(&*store, &counts()).await, expected);
}

/// What is wrong with one of many acknowledgements.
#[derive(Debug, Clone, Copy)]
enum Odd {
    Fails,
    IsNotUnique,
}

pub async fn many_at_once_do_not_answer_for_each_other<H: Harness>(harness: &H) {
    for odd in [Odd::Fails, Odd::IsNotUnique] {
        one_of_many_is(harness, odd).await;
    }
}

async fn one_of_many_is<H: Harness>(harness: &H, odd: Odd) {
    const LANES: usize = 12;
    const ODD: usize = 4;
    let (store, _guard) = with_table(harness, &counts()).await;
    apply(&store, Change::of(&counts()).create([noted("a", 0, "x")])).await;
    let worker = Worker::of(&store, "writer").await;
    for lane in 0..LANES {
        append(&store, format!("s-{lane}"), [event()]).await;
    }
    let claims = worker.claim_lanes(&store, LANES).await;
    let streams: Vec<_> = claims
        .iter()
        .map(|claim| claim.key.stream.clone())
        .collect();
    let store = Arc::new(store);
    let acks = claims.into_iter().enumerate().map(|(lane, claim)| {
        let store = Arc::clone(&store);
        spawn(async move {
            let rows = Change::of(&counts()).increment(&["all"]);
            let own = count(&format!("own-{lane:02}"), 1);
            let rows = match odd {
                Odd::Fails if lane == ODD => rows.failing(),
                Odd::IsNotUnique if lane == ODD => rows.create([noted("b", 1, "x")]),
                _ => rows.create([own]),
            };
            let mut ack = ack_all(&claim);
            ack.syncs = vec![rows.action()];
            store.ack(ack).await.is_ok()
        })
    });
    let stored = join(acks.collect()).await;
    let fits = |lane: &usize| *lane != ODD;
    let expected: Vec<bool> = (0..LANES).map(|lane| fits(&lane)).collect();
    assert_eq!(stored, expected, "{odd:?}");
    for (lane, stream) in streams.iter().enumerate() {
        let state = store.lane(&group("writer"), stream).await.unwrap();
        let is_acked = state.is_some_and(|state| state.acked.get() > 0);
        assert_eq!(is_acked, fits(&lane), "{odd:?}: {stream}");
    }
    let n = i64::try_from(LANES - 1).unwrap();
    let mut expected = vec![noted("a", 0, "x"), count("all", n)];
    let own = (0..LANES).filter(fits);
    expected.extend(own.map(|lane| count(&format!("own-{lane:02}"), 1)));
    assert_eq!(all(&*store, &counts()).await, expected, "{odd:?}");
}

pub async fn a_row_that_is_not_unique_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let both = [noted("a", 1, "x"), count("b", 1), count("c", 1)];
    apply(&store, Change::of(&counts()).create(both)).await;
    let twin = Change::of(&counts()).create([noted("d", 1, "x")]);
    assert!(try_apply(&store, twin).await.is_err());
    // What goes, goes first.
    let instead = Change::of(&counts())
        .delete([key("a")])
        .create([noted("d", 1, "x")]);
    apply(&store, instead).await;
    let expected = [count("b", 1), count("c", 1), noted("d", 1, "x")];
    assert_eq!(all(&store, &counts()).await, expected);
}

pub async fn a_key_that_no_backend_keeps_is_refused_by_name<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let long = "x".repeat(MAX_KEY_BYTES);
    let longest = noted(&long, 1, &long);
    apply(&store, Change::of(&counts()).create([longest.clone()])).await;
    let too_long = format!("{long}x");
    let odd = [count(&too_long, 1), noted("a", 1, &too_long)];
    for (row, says) in odd.into_iter().zip([
        "(`name`) of a row of `counts`",
        "`note` of a row of `counts`",
    ]) {
        let change = Change::of(&counts()).create([row]);
        let Err(AckError::Sync(failure)) = try_apply(&store, change).await else {
            panic!("{says}")
        };
        assert!(failure.find::<KeyError>().is_some(), "{failure:?}");
        let said = failure.chain();
        assert!(
            said.contains(says) && said.contains("2048 is the limit"),
            "{said}"
        );
    }
    assert_eq!(all(&store, &counts()).await, [longest]);
}

/// A column of each type, and a nullable one of each.
fn everything() -> Table {
    use ColumnType::{Bool, Bytes, Float, Integer, Json, Text, Timestamp, Uuid};
    let types = [
        (Text, "text", "maybe_text"),
        (Integer, "integer", "maybe_integer"),
        (Float, "float", "maybe_float"),
        (Bool, "bool", "maybe_bool"),
        (Bytes, "bytes", "maybe_bytes"),
        (Uuid, "uuid", "maybe_uuid"),
        (Timestamp, "timestamp", "maybe_timestamp"),
        (Json, "json", "maybe_json"),
    ];
    let columns = types.into_iter().flat_map(|(of, name, maybe)| {
        let mark = if of == Integer || of == Text {
            Mark::Key
        } else {
            Mark::Plain
        };
        [
            column(name, of, Nulls::Refused, mark),
            column(maybe, of, Nulls::Allowed, Mark::Plain),
        ]
    });
    Table {
        name: "everything",
        version: 2,
        columns: columns.collect(),
    }
}

fn values(n: i64) -> [Value; 8] {
    let texts = ["", "Straße 🛒 \"'\\ \u{1}\u{feff}", "\u{10ffff}", " a "];
    let numbers = [0, i64::MIN, i64::MAX, -1];
    let floats = [-0.0, f64::MIN_POSITIVE / 4.0, f64::MAX, 1.0];
    let times = [
        0,
        -62_135_596_800_000_000,
        253_402_300_799_999_999,
        1_700_000_000_123_456,
    ];
    let jsons = [
        "{ \"b\" : 1,\"a\":[ ] }",
        "-0.0",
        r#""\u0000 🛒""#,
        "18446744073709551616",
    ];
    let at = usize::try_from(n).unwrap();
    [
        text(texts[at]),
        Value::Integer(numbers[at]),
        Value::Float(floats[at]),
        Value::Bool(n % 2 == 0),
        Value::Bytes(vec![0, 255, 0, u8::try_from(n).unwrap()][at..].to_vec()),
        Value::Uuid(uuid()),
        Value::Timestamp(Timestamp::from_micros(times[at])),
        Value::Json(jsons[at].to_owned()),
    ]
}

/// Two values next to each other, or a null in every second place.
fn row(n: i64, with_nulls: bool) -> Values {
    let pair = |value: Value| {
        let maybe = if with_nulls {
            Value::Null
        } else {
            value.clone()
        };
        [value, maybe]
    };
    values(n).into_iter().flat_map(pair).collect()
}

pub async fn bytes_in_bytes_out<H: Harness>(harness: &H) {
    let table = everything();
    let (store, guard) = with_table(harness, &table).await;
    let mut rows: Vec<Values> = (0..4).map(|n| row(n, n == 3)).collect();
    apply(&store, Change::of(&table).create(rows.clone())).await;
    let exactly = |rows: &[Values]| format!("{rows:?}");
    rows.sort_by_key(|row| table.key_of(row));
    assert_eq!(exactly(&all(&store, &table).await), exactly(&rows));
    for row in &mut rows {
        for (column, value) in table.columns.iter().zip(row) {
            if column.nulls == Nulls::Allowed {
                *value = Value::Null;
            }
        }
    }
    apply(&store, Change::of(&table).change(rows.clone())).await;
    let other = harness.another(&store, &guard).await;
    assert_eq!(exactly(&all(&other, &table).await), exactly(&rows));
}

pub async fn what_no_column_can_hold_is_refused<H: Harness>(harness: &H) {
    let table = everything();
    let (store, _guard) = with_table(harness, &table).await;
    let wrong = [
        (0, text("a\0b")),
        (0, Value::Null),
        (0, Value::Integer(1)),
        (2, text("1")),
        (4, Value::Float(f64::NAN)),
        (5, Value::Float(f64::INFINITY)),
        (14, Value::Null),
    ];
    for (at, value) in wrong {
        let mut row = row(0, false);
        row[at] = value;
        let created = try_apply(&store, Change::of(&table).create([row.clone()])).await;
        let said = format!("{:?}", created.unwrap_err());
        assert!(said.contains(table.columns[at].name), "{said}");
    }
    assert_eq!(all(&store, &table).await, Vec::<Values>::new());
}
