//! Versions of a table projection: a newer one is filled beside the live one, and takes its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sourced::backend::{BackendError, Swapped};
use sourced::prelude::*;
use sourced::reactor::Register;
use sourced::{NotLive, ReactorOptions, RetryPolicy, WorkerOptions};

use crate::backends::On;
use crate::tables::{Order, Place, Placed};

/// How many orders a customer has placed.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct Tab {
    #[key]
    customer: String,
    orders: u64,
}

#[projector("tabs")]
impl Tab {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let mut row = row.unwrap_or_else(|| Self {
            customer: event.customer.clone(),
            orders: 0,
        });
        row.orders += 1;
        row
    }
}

/// What rows of version 2 begin with, to tell them apart.
const OFFSET: u64 = 1_000_000;

/// The same, but counted otherwise.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct TabOfTwo {
    #[key]
    customer: String,
    orders: u64,
}

#[projector("tabs", version = 2)]
impl TabOfTwo {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let mut row = row.unwrap_or_else(|| Self {
            customer: event.customer.clone(),
            orders: OFFSET,
        });
        row.orders += 1;
        row
    }
}

/// Of another shape.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct TabOfThree {
    #[key]
    customer: String,
    orders: u64,
    cents: u64,
}

#[projector("tabs", version = 3)]
impl TabOfThree {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let mut row = row.unwrap_or_else(|| Self {
            customer: event.customer.clone(),
            orders: 0,
            cents: 0,
        });
        row.orders += 1;
        row.cents += event.cents;
        row
    }
}

/// One that knows a customer's first order only, and fails at the next.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "tabs")]
pub struct TabOfFour {
    #[key]
    customer: String,
    orders: u64,
}

#[projector("tabs", version = 4)]
impl TabOfFour {
    #[event]
    fn placed(event: &Placed) -> Self {
        let customer = event.customer.clone();
        Self {
            customer,
            orders: 1,
        }
    }
}

fn options() -> WorkerOptions {
    let retry = RetryPolicy::default()
        .attempts(10)
        .first_pause(Duration::from_millis(1));
    WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .stop_within(Duration::ZERO)
        .retry(retry)
}

async fn app<P: Register>(on: &On) -> App {
    let builder = on.builder().register::<Order>().register::<P>();
    builder.workers(options()).build().await.unwrap()
}

async fn by_hand<P: Register>(on: &On) -> App {
    let options = ReactorOptions::default().swap_by_hand();
    let builder = on.builder().register::<Order>().workers(self::options());
    let builder = builder.register_with::<P>(options);
    builder.build().await.unwrap()
}

async fn place(app: &App, n: u64) {
    let customer = ["ann", "bob", "cid"][usize::try_from(n % 3).unwrap()].to_owned();
    let order = Place { customer, cents: 5 };
    let stream = format!("order-{}", n % 7);
    app.dispatch(order.to(stream.as_str())).await.unwrap();
}

/// How many orders are counted, and by which version.
async fn counted(app: &App) -> (u64, u32) {
    let rows = app.rows::<Tab>().all().await.unwrap();
    let versions = rows
        .iter()
        .map(|row| if row.orders > OFFSET { 2 } else { 1 });
    let versions: Vec<u32> = versions.collect();
    let version = versions.first().copied().unwrap_or(1);
    assert!(versions.iter().all(|it| *it == version), "{rows:?}");
    let counted = rows.iter().map(|row| row.orders % OFFSET).sum();
    (counted, version)
}

async fn pause(app: &App, millis: u64) {
    app.env().clock.sleep(Duration::from_millis(millis)).await;
}

async fn wait_until_live(app: &App) {
    while !app.projection::<TabOfTwo>().is_live().await.unwrap() {
        pause(app, 5).await;
    }
}

pub async fn a_newer_version_takes_over_under_traffic_and_no_read_steps_back(on: On) {
    let old = app::<Tab>(&on).await;
    let old_workers = old.start();
    for n in 0..60 {
        place(&old, n).await;
    }
    old.idle().await.unwrap();
    assert_eq!(counted(&old).await, (60, 1));

    let is_over = Arc::new(AtomicBool::new(false));
    let (app_of_traffic, over) = (old.clone(), Arc::clone(&is_over));
    let traffic = old.env().spawner.spawn(async move {
        let mut n = 60;
        while !over.load(Ordering::Relaxed) {
            place(&app_of_traffic, n).await;
            pause(&app_of_traffic, 1).await;
            n += 1;
        }
        n
    });
    let (reader, over) = (old.clone(), Arc::clone(&is_over));
    let reads = old.env().spawner.spawn(async move {
        let mut last = (60, 1);
        while !over.load(Ordering::Relaxed) {
            let now = counted(&reader).await;
            assert!(now.0 >= last.0 && now.1 >= last.1, "{now:?} after {last:?}");
            last = now;
            pause(&reader, 1).await;
        }
        last
    });
    // A process that ends in the middle of it, and two that take it up again.
    let ends = by_hand::<TabOfTwo>(&on).await;
    let workers = ends.start();
    pause(&ends, 20).await;
    workers.stop().await;
    let (new, other) = (app::<TabOfTwo>(&on).await, app::<TabOfTwo>(&on).await);
    let workers = [new.start(), other.start()];
    wait_until_live(&new).await;
    assert_eq!(old.projection::<Tab>().live_version().await.unwrap(), 2);
    assert!(!old.group::<Tab>().state().await.unwrap().is_active());
    pause(&new, 50).await;
    is_over.store(true, Ordering::Relaxed);
    let n_placed = traffic.await.unwrap();
    assert_eq!(reads.await.unwrap().1, 2);
    new.idle().await.unwrap();
    assert_eq!(counted(&new).await, (n_placed, 2));
    for workers in workers {
        workers.stop().await;
    }
    old_workers.stop().await;
}

pub async fn the_old_version_goes_on_when_the_new_one_does_not_come_level(on: On) {
    let old = app::<Tab>(&on).await;
    for _ in 0..2 {
        place(&old, 0).await;
    }
    let old_workers = old.start();
    old.idle().await.unwrap();
    let new = app::<TabOfFour>(&on).await;
    let workers = [old_workers, new.start()];
    let failed = new.group::<TabOfFour>();
    while failed.parked(None, 1).await.unwrap().is_empty() {
        pause(&new, 5).await;
    }
    // Whether it is held now or not: it is not for long.
    for n in 0..40 {
        place(&old, n * 3).await;
        pause(&old, 20).await;
    }
    old.idle().await.unwrap();
    assert_eq!(counted(&old).await, (42, 1));
    assert!(old.group::<Tab>().state().await.unwrap().is_active());
    assert!(!new.projection::<TabOfFour>().is_live().await.unwrap());
    for workers in workers {
        workers.stop().await;
    }
}

pub async fn a_rollback_is_at_once_and_holds_until_somebody_swaps_again(on: On) {
    let (old, new) = (app::<Tab>(&on).await, app::<TabOfTwo>(&on).await);
    place(&old, 0).await;
    let workers = [old.start(), new.start()];
    wait_until_live(&new).await;
    place(&old, 1).await;
    new.idle().await.unwrap();
    assert_eq!(counted(&old).await, (2, 2));

    let projection = new.projection::<TabOfTwo>();
    assert_eq!(projection.roll_back().await.unwrap(), 1);
    old.idle().await.unwrap();
    assert_eq!(counted(&new).await, (2, 1));
    let none = projection.roll_back().await;
    assert!(matches!(none, Err(BackendError::Refused(_))), "{none:?}");
    // Workers that start now do not undo it.
    let again = app::<TabOfTwo>(&on).await;
    let more = again.start();
    pause(&again, 150).await;
    assert_eq!(projection.live_version().await.unwrap(), 1);
    more.stop().await;

    place(&old, 2).await;
    while projection.swap().await.unwrap() != Swapped::Done {
        pause(&new, 5).await;
    }
    new.idle().await.unwrap();
    assert_eq!(counted(&old).await, (3, 2));
    assert!(projection.forget_version(2).await.is_err(), "it is live");
    projection.forget_version(1).await.unwrap();
    let gone = projection.roll_back().await;
    assert!(matches!(gone, Err(BackendError::Refused(_))), "{gone:?}");
    assert_eq!(counted(&new).await, (3, 2));
    for workers in workers {
        workers.stop().await;
    }
}

pub async fn a_version_can_wait_for_a_person(on: On) {
    let old = app::<Tab>(&on).await;
    place(&old, 0).await;
    let new = by_hand::<TabOfTwo>(&on).await;
    let projection = new.projection::<TabOfTwo>();
    let workers = old.start();
    old.idle().await.unwrap();
    assert_eq!(projection.swap().await.unwrap(), Swapped::Behind);
    let new_workers = new.start();
    new.idle().await.unwrap();
    pause(&new, 150).await;
    assert!(!projection.is_live().await.unwrap());
    assert_eq!(counted(&new).await, (1, 1));
    assert_eq!(projection.swap().await.unwrap(), Swapped::Done);
    assert_eq!(counted(&new).await, (1, 2));
    for workers in [workers, new_workers] {
        workers.stop().await;
    }
}

pub async fn rows_of_another_shape_are_refused_until_their_version_is_live(on: On) {
    let old = app::<Tab>(&on).await;
    let workers = old.start();
    place(&old, 0).await;
    old.idle().await.unwrap();
    let new = app::<TabOfThree>(&on).await;
    let early = new.rows::<TabOfThree>().all().await.unwrap_err();
    let not_live: &NotLive = early.find().unwrap();
    assert_eq!((not_live.version, not_live.live), (3, 1), "{early}");
    assert!(not_live.progress.unwrap().left() > 0, "{early}");
    let new_workers = new.start();
    while !new.projection::<TabOfThree>().is_live().await.unwrap() {
        pause(&new, 5).await;
    }
    let row = new.rows::<TabOfThree>().get("ann").await.unwrap().unwrap();
    assert_eq!((row.orders, row.cents), (1, 5));
    // It has all that the older program asks for.
    assert_eq!(counted(&old).await, (1, 1));
    for workers in [workers, new_workers] {
        workers.stop().await;
    }
}
