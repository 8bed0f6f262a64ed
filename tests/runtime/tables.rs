//! Table projections: rows made, changed and ended by events, each event exactly once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sourced::backend::TableError;
use sourced::prelude::*;
use sourced::table::table_of;
use sourced::{BuildError, FailedAttempt, FailureHooks, RetryPolicy, WorkerOptions};

use crate::backends::On;

#[derive(Debug, Default)]
pub struct Order;

#[actor]
impl Order {
    #[command]
    pub fn place(&self, customer: String, cents: u64) -> Placed {
        Placed { customer, cents }
    }

    #[event]
    pub fn placed(&mut self, _customer: String, _cents: u64) {}

    #[command]
    fn amend(&self, note: String) -> Amended {
        Amended { note }
    }

    #[event]
    fn amended(&mut self, _note: String) {}

    #[command]
    fn close(&self) -> Closed {
        Closed
    }

    #[event]
    fn closed(&mut self) {}
}

/// A row per stream.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "open_orders")]
pub struct OpenOrder {
    #[key]
    order_id: StreamId,
    #[index]
    customer: String,
    cents: u64,
    #[projection(json)]
    notes: Vec<String>,
    #[projection(column = "last_note")]
    last: Option<String>,
}

#[projector]
impl OpenOrder {
    #[event(key = Self::of_stream)]
    fn placed(event: &Message<Placed>) -> Self {
        Self {
            order_id: event.stream_id.clone(),
            customer: event.payload.customer.clone(),
            cents: event.payload.cents,
            notes: Vec::new(),
            last: None,
        }
    }

    #[event(key = Self::of_stream)]
    fn amended(&mut self, event: &Amended) {
        assert_ne!(event.note, "panic", "as told");
        self.notes.push(event.note.clone());
        self.last = Some(event.note.clone());
    }

    #[event(key = Self::of_stream)]
    fn closed(self, _: &Closed) -> Delete {
        Delete
    }

    fn of_stream<E>(event: &Message<E>) -> StreamId {
        event.stream_id.clone()
    }
}

/// A row of many streams, made by whoever is first.
#[derive(Debug, Clone, PartialEq, Projection)]
#[allow(clippy::struct_field_names, reason = "as in the event")]
pub struct Customer {
    #[key]
    customer: String,
    orders: u32,
    cents: i64,
}

#[projector]
impl Customer {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let mut row = row.unwrap_or_else(|| Self {
            customer: event.customer.clone(),
            orders: 0,
            cents: 0,
        });
        row.orders += 1;
        row.cents = row.cents.wrapping_add_unsigned(event.cents);
        row
    }
}

fn place(customer: &str, cents: u64) -> Place {
    Place {
        customer: customer.to_owned(),
        cents,
    }
}

fn amend(note: &str) -> Amend {
    Amend {
        note: note.to_owned(),
    }
}

async fn app(on: &On) -> App {
    let retry = RetryPolicy::default()
        .attempts(3)
        .first_pause(Duration::from_millis(1));
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .stop_within(Duration::ZERO)
        .retry(retry);
    let builder = on.builder().register::<Order>().workers(options);
    let builder = builder.register::<OpenOrder>().register::<Customer>();
    builder.build().await.unwrap()
}

async fn order(app: &App, id: &str) -> Option<OpenOrder> {
    let id = StreamId::new(id).unwrap();
    app.rows::<OpenOrder>().get(id).await.unwrap()
}

async fn customer(app: &App, name: &str) -> Option<(u32, i64)> {
    let row = app.rows::<Customer>().get(name).await.unwrap();
    row.map(|row| (row.orders, row.cents))
}

pub async fn a_table_follows_its_events_and_answers_queries(on: On) {
    let app = app(&on).await;
    for (order, who, cents) in [("o-1", "ann", 5), ("o-2", "bob", 7), ("o-3", "ann", 9)] {
        app.dispatch(place(who, cents).to(order)).await.unwrap();
    }
    for note in ["red", "blue 🛒"] {
        app.dispatch(amend(note).to("o-3")).await.unwrap();
    }
    app.dispatch(Close.to("o-2")).await.unwrap();
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(order(&app, "o-2").await, None);
    let third = OpenOrder {
        order_id: StreamId::new("o-3").unwrap(),
        customer: "ann".to_owned(),
        cents: 9,
        notes: vec!["red".to_owned(), "blue 🛒".to_owned()],
        last: Some("blue 🛒".to_owned()),
    };
    assert_eq!(order(&app, "o-3").await, Some(third.clone()));
    assert_eq!(customer(&app, "ann").await, Some((2, 14)));

    let orders = || app.rows::<OpenOrder>();
    let of_ann = orders()
        .filter(|order| order.customer.eq("ann"))
        .order_by(|order| order.cents.descending());
    let of_ann = of_ann.limit(1).all().await.unwrap();
    assert_eq!(of_ann, [third]);
    let next = orders()
        .order_by(|order| order.cents.descending())
        .after(&of_ann[0]);
    let next = next.all().await.unwrap();
    assert_eq!(next[0].cents, 5);
    let none = orders().filter(|order| order.last.eq(None));
    assert_eq!(none.all().await.unwrap(), next);
    let dear = orders().filter(|order| order.cents.gt(5_u64));
    assert_eq!(dear.all().await.unwrap(), of_ann);
    let some = orders().filter(|order| order.customer.is_in(["bob", "ann"]));
    assert_eq!(some.all().await.unwrap().len(), 2);
    let too_much = orders().filter(|order| order.cents.lt(u64::MAX));
    let error = too_much.all().await.unwrap_err();
    assert!(error.to_string().contains("largest"), "{error}");
    running.stop().await;
}

pub async fn each_event_once_of_many_streams_in_one_row(on: On) {
    let app = app(&on).await;
    let all = (0..240_u64).map(|n| {
        let who = ["ann", "bob"][usize::from(n % 3 == 0)];
        place(who, n).to(format!("o-{}", n % 40))
    });
    // Those whose order is there already fail for `OpenOrder`, and not for the row of many streams.
    app.dispatch_all(all).await.unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 40);
    let sum = |keep: fn(i64) -> bool| (0..240_i64).filter(|n| keep(*n)).sum::<i64>();
    let ann = customer(&app, "ann").await;
    assert_eq!(ann, Some((160, sum(|n| n % 3 != 0))));
    let bob = customer(&app, "bob").await;
    assert_eq!(bob, Some((80, sum(|n| n % 3 == 0))));
    running.stop().await;
}

pub async fn each_event_once_when_workers_are_cut_off(on: On) {
    let app = app(&on).await;
    for round in 0..6_u64 {
        let all = (0..40_u64).map(|n| place("ann", 1).to(format!("o-{round}-{n}")));
        app.dispatch_all(all).await.unwrap();
        let running = app.start();
        app.env()
            .clock
            .sleep(Duration::from_millis(3 + round * 4))
            .await;
        // It waits for nobody: tasks end wherever they are.
        running.stop().await;
    }
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(customer(&app, "ann").await, Some((240, 240)));
    let orders = app.rows::<OpenOrder>().all().await.unwrap();
    assert_eq!(orders.len(), 240);
    running.stop().await;
}

pub async fn what_went_well_before_a_failing_row_is_kept(on: On) {
    let app = app(&on).await;
    app.dispatch(place("ann", 1).to("o-1")).await.unwrap();
    for note in ["one", "two", "panic", "three"] {
        app.dispatch(amend(note).to("o-1")).await.unwrap();
    }
    app.dispatch(place("bob", 1).to("o-2")).await.unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    assert_eq!(order(&app, "o-1").await.unwrap().notes, ["one", "two"]);
    assert!(order(&app, "o-2").await.is_some());

    let orders = app.group::<OpenOrder>();
    let parked = orders.parked(None, 10).await.unwrap().remove(0);
    let error = &parked.failure.error;
    for part in [
        "`open_order`",
        "`order.amended`",
        "`o-1`",
        "(\"o-1\")",
        "as told",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let position = parked.failure.position;
    assert!(error.contains(&position.to_string()), "{error}");
    assert_eq!(parked.attempts, 3);
    orders.skip("o-1", position, "it is none").await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    let notes = order(&app, "o-1").await.unwrap().notes;
    assert_eq!(notes, ["one", "two", "three"]);
    running.stop().await;
}

pub async fn a_row_that_does_not_fit_its_event_parks_the_stream(on: On) {
    let app = app(&on).await;
    app.dispatch(amend("early").to("o-1")).await.unwrap();
    app.dispatch(place("ann", u64::MAX).to("o-2"))
        .await
        .unwrap();
    app.dispatch(place("ann", 1).to("o-3")).await.unwrap();
    app.dispatch(place("ann", 1).to("o-3")).await.unwrap();
    app.dispatch(place("ann", 1).to("o-4")).await.unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 3);
    let parked = app.group::<OpenOrder>().parked(None, 10).await.unwrap();
    for (stream, says) in [
        ("o-1", "a row that is not there"),
        ("o-2", "`open_orders.cents` cannot hold"),
        ("o-3", "is there already"),
    ] {
        let parked = parked
            .iter()
            .find(|parked| parked.stream.as_str() == stream);
        let error = &parked.unwrap().failure.error;
        assert!(error.contains(says), "{error}");
    }
    // The first of the two is kept, and other groups know nothing of it.
    assert!(order(&app, "o-3").await.is_some());
    assert!(order(&app, "o-4").await.is_some());
    assert_eq!(customer(&app, "ann").await.unwrap().0, 4);
    running.stop().await;
}

/// Every note of every order, no two the same.
#[derive(Debug, PartialEq, Projection)]
#[projection(table = "notes")]
pub struct Note {
    #[key]
    order_id: StreamId,
    #[key]
    seq: u64,
    #[unique]
    text: String,
}

#[projector]
impl Note {
    #[event(key = Self::place)]
    fn amended(event: &Message<Amended>) -> Self {
        let (order_id, seq) = Self::place(event);
        let text = event.payload.note.clone();
        Self {
            order_id,
            seq,
            text,
        }
    }

    fn place(event: &Message<Amended>) -> (StreamId, u64) {
        (event.stream_id.clone(), event.seq.get())
    }
}

pub async fn what_the_database_refuses_parks_its_event_alone(on: On) {
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(RetryPolicy::default().attempts(1));
    let builder = on.builder().workers(options);
    let app = builder.register::<Order>().register::<Note>();
    let app = app.build().await.unwrap();
    let notes = ["a", "b", "c", "a", "d"];
    app.dispatch_all(notes.map(|note| amend(note).to("o-1")))
        .await
        .unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    let texts = || async {
        let rows = app.rows::<Note>().all().await.unwrap();
        rows.into_iter().map(|row| row.text).collect::<Vec<_>>()
    };
    assert_eq!(texts().await, ["a", "b", "c"]);
    let notes = app.group::<Note>();
    let parked = notes.parked(None, 1).await.unwrap().remove(0);
    let order = app.load::<Order>("o-1").await.unwrap();
    assert_eq!(parked.failure.seq, order.history()[3].seq);
    let position = parked.failure.position;
    notes.skip("o-1", position, "it is a twin").await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(texts().await, ["a", "b", "c", "d"]);
    running.stop().await;
}

pub async fn what_the_database_refuses_is_found_wherever_it_stands(on: On) {
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let note = |what: &'static str| {
        let told = Arc::clone(&told);
        move |failed: &FailedAttempt<'_>| {
            let message = failed.message;
            let call = (message.stream_id.clone(), message.seq, what);
            assert!(told.lock().unwrap().insert(call), "told once");
        }
    };
    let retried = note("retry");
    let hooks = FailureHooks::default()
        .on_retry(move |failed, _| retried(failed))
        .on_park(note("park"));
    let policy = RetryPolicy::default().attempts(2);
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(policy.first_pause(Duration::from_millis(1)))
        .hooks(hooks);
    let builder = on.builder().workers(options);
    let app = builder.register::<Order>().register::<Note>();
    let app = app.build().await.unwrap();
    for twin in 1..6 {
        let order = StreamId::new(format!("o-{twin}")).unwrap();
        let text = |at| format!("{order}: {}", if at == twin { 0 } else { at });
        let notes = (0..6).map(|at| amend(&text(at)).to(order.clone()));
        app.dispatch_all(notes).await.unwrap();
    }
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 5);
    running.stop().await;
    let mut expected = BTreeSet::new();
    for twin in 1..6 {
        let order = StreamId::new(format!("o-{twin}")).unwrap();
        let seq = app.load::<Order>(&order).await.unwrap().history()[twin].seq;
        expected.extend(["retry", "park"].map(|what| (order.clone(), seq, what)));
    }
    assert_eq!(*told.lock().unwrap(), expected);
    let n_rows = app.rows::<Note>().all().await.unwrap().len();
    assert_eq!(n_rows, 1 + 2 + 3 + 4 + 5, "all before the twins");
}

pub async fn a_rebuild_counts_everything_once(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let mut n = 0;
    for round in 0..5 {
        for at in 0..20 {
            let command = place("ann", 1).to(format!("o-{round}-{at}"));
            app.dispatch(command).await.unwrap();
            n += 1;
        }
        // While handlers run, and while the last rebuild does.
        app.group::<Customer>().rebuild().await.unwrap();
        app.group::<OpenOrder>().rebuild().await.unwrap();
    }
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(customer(&app, "ann").await, Some((n, i64::from(n))));
    let orders = app.rows::<OpenOrder>().all().await.unwrap();
    assert_eq!(orders.len(), 100);
    running.stop().await;
}

pub async fn never_skipped_when_somebody_dropped_the_table(on: On) {
    let first = app(&on).await;
    first.dispatch(place("ann", 1).to("o-1")).await.unwrap();
    let running = first.start();
    first.idle().await.unwrap();
    first
        .backend()
        .drop_table(&table_of::<Customer>())
        .await
        .unwrap();
    first.dispatch(place("ann", 1).to("o-2")).await.unwrap();
    assert_eq!(first.idle().await.unwrap().parked, 1);
    let parked = first.group::<Customer>().parked(None, 1).await.unwrap();
    let error = &parked[0].failure.error;
    assert!(error.contains("customer"), "{error}");
    // Others go on.
    assert!(order(&first, "o-2").await.is_some());
    running.stop().await;

    // The next start makes it anew, and fills it.
    let second = app(&on).await;
    let running = second.start();
    assert!(second.idle().await.unwrap().is_done());
    assert_eq!(customer(&second, "ann").await, Some((2, 2)));
    running.stop().await;
}

/// What `Customer` was in another version of the program.
mod earlier {
    use super::Placed;
    use sourced::prelude::*;

    #[derive(Debug, Projection)]
    pub struct Customer {
        #[key]
        customer: String,
        orders: String,
    }

    #[projector]
    impl Customer {
        #[event]
        fn placed(row: Option<Self>, event: &Placed) -> Self {
            drop(row);
            Self {
                customer: event.customer.clone(),
                orders: "some".to_owned(),
            }
        }
    }
}

pub async fn a_table_that_differs_is_said_when_the_app_is_built(on: On) {
    let earlier = on.builder().register::<earlier::Customer>();
    earlier.build().await.unwrap();
    let builder = on.builder().register::<Customer>();
    let error = builder.build().await.unwrap_err();
    let text = error.to_string();
    let BuildError::Table { group, error } = error else {
        panic!("{text}")
    };
    assert_eq!(group.as_str(), "customer");
    let TableError::Differs { column, .. } = &error else {
        panic!("{text}")
    };
    assert_eq!(column, "orders");
    assert!(text.contains("drop the table"), "{text}");
    let twice = on
        .builder()
        .register::<earlier::Customer>()
        .register::<other::Customers>();
    let error = twice.build().await.unwrap_err().to_string();
    assert!(error.contains("both `customer` and `customers`"), "{error}");
}

/// Another projector of the same table.
mod other {
    use super::Placed;
    use sourced::prelude::*;

    #[derive(Debug, Projection)]
    #[projection(table = "customer")]
    pub struct Customers {
        #[key]
        customer: String,
    }

    #[projector]
    impl Customers {
        #[event]
        fn placed(row: Option<Self>, event: &Placed) -> Option<Self> {
            let customer = event.customer.clone();
            row.or(Some(Self { customer }))
        }
    }
}

pub async fn one_transaction_with_a_unit(on: On) {
    let app = app(&on).await;
    let handle = |command: Outgoing| {
        let unit = app.unit();
        async move { unit.handle(command).await }
    };
    handle(place("ann", 3).to("o-1").any()).await.unwrap();
    handle(amend("two").to("o-1").any()).await.unwrap();
    // No worker has run.
    assert_eq!(order(&app, "o-1").await.unwrap().notes, ["two"]);
    assert_eq!(customer(&app, "ann").await, Some((1, 3)));
    let failed = handle(amend("panic").to("o-1").any()).await;
    assert!(failed.is_err());
    assert_eq!(order(&app, "o-1").await.unwrap().notes, ["two"]);
    assert!(app.load::<Order>("o-1").await.unwrap().history().len() == 2);
    handle(Close.to("o-1").any()).await.unwrap();
    assert_eq!(order(&app, "o-1").await, None);
}
