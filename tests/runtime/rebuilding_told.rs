//! Versions of a table projection that do something after the commit: it happens once, whichever of them is live.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sourced::WorkerOptions;
use sourced::prelude::*;
use sourced::reactor::Register;

use crate::backends::On;
use crate::tables::{Order, Place, Placed};

/// What was told: which version, of whom, and how many orders.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Vec<(u32, String, u64)>>);

impl Heard {
    fn note(&self, version: u32, customer: &str, orders: u64) {
        let mut heard = self.0.lock().unwrap();
        heard.push((version, customer.to_owned(), orders));
    }

    fn all(&self) -> Vec<(u32, String, u64)> {
        self.0.lock().unwrap().clone()
    }

    /// What each version has told, which nobody has told before.
    fn by_version(&self) -> [usize; 2] {
        let all = self.all();
        let told: HashSet<(&str, u64)> = all.iter().map(|(_, of, n)| (of.as_str(), *n)).collect();
        assert_eq!(told.len(), all.len(), "{all:?}");
        [1, 2].map(|version| all.iter().filter(|(of, ..)| *of == version).count())
    }
}

/// How many orders a customer has placed.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "told_tabs")]
pub struct Told {
    #[key]
    customer: String,
    orders: u64,
}

#[projector("told_tabs")]
impl Told {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let orders = row.map_or(0, |row| row.orders) + 1;
        let customer = event.customer.clone();
        Self { customer, orders }
    }

    #[after_sync]
    fn tell(&self, heard: Res<Arc<Heard>>) {
        heard.note(1, &self.customer, self.orders);
    }
}

#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "told_tabs")]
pub struct ToldByTwo {
    #[key]
    customer: String,
    orders: u64,
}

#[projector("told_tabs", version = 2)]
impl ToldByTwo {
    #[event]
    fn placed(row: Option<Self>, event: &Placed) -> Self {
        let orders = row.map_or(0, |row| row.orders) + 1;
        let customer = event.customer.clone();
        Self { customer, orders }
    }

    #[after_sync]
    fn tell(&self, heard: Res<Arc<Heard>>) {
        heard.note(2, &self.customer, self.orders);
    }
}

async fn app<P: Register>(on: &On, heard: &Arc<Heard>) -> App {
    let options = WorkerOptions::default().poll_max(Duration::from_millis(5));
    let builder = on.builder().register::<Order>().register::<P>();
    let builder = builder.resource(Arc::clone(heard)).workers(options);
    builder.build().await.unwrap()
}

fn order(n: u64) -> Outgoing<Place> {
    let customer = ["ann", "bob", "cid"][usize::try_from(n % 3).unwrap()].to_owned();
    let stream = format!("order-{}", n % 7);
    Place { customer, cents: 5 }.to(stream.as_str())
}

async fn place(app: &App, orders: std::ops::Range<u64>) {
    for n in orders {
        app.dispatch(order(n)).await.unwrap();
    }
}

/// Waits until the group of this app has handled all there is, and what comes after the commit is done.
async fn settle(app: &App) {
    app.idle().await.unwrap();
    app.env().clock.sleep(Duration::from_millis(50)).await;
}

pub async fn side_effects_happen_once_whichever_version_is_live(on: On) {
    let heard = Arc::<Heard>::default();
    let old = app::<Told>(&on, &heard).await;
    let workers = old.start();
    place(&old, 0..12).await;
    settle(&old).await;
    workers.stop().await;
    let [by_old, by_new] = heard.by_version();
    assert!(by_old > 0 && by_new == 0, "{:?}", heard.all());

    // Nobody with the old version handles these.
    place(&old, 12..15).await;
    let new = app::<ToldByTwo>(&on, &heard).await;
    let projection = new.projection::<ToldByTwo>();
    let new_workers = new.start();
    while !projection.is_live().await.unwrap() {
        new.env().clock.sleep(Duration::from_millis(5)).await;
    }
    settle(&new).await;
    assert_eq!(heard.by_version(), [by_old, 3]);

    // Back to the old one, which catches up with what the new one has told.
    assert_eq!(projection.roll_back().await.unwrap(), 1);
    let workers = old.start();
    settle(&old).await;
    assert_eq!(heard.by_version(), [by_old, 3]);
    place(&old, 15..18).await;
    settle(&old).await;
    settle(&new).await;
    assert_eq!(heard.by_version(), [by_old + 3, 3]);
    workers.stop().await;
    new_workers.stop().await;
}

pub async fn side_effects_of_units_happen_once_whichever_version_is_live(on: On) {
    let heard = Arc::<Heard>::default();
    let (old, new) = (
        app::<Told>(&on, &heard).await,
        app::<ToldByTwo>(&on, &heard).await,
    );
    let unit = async |app: &App, n| app.unit().handle(order(n)).await.map(drop).unwrap();
    for n in 0..6 {
        unit(&old, n).await;
    }
    // The version that is not live takes no part.
    for n in 6..9 {
        unit(&new, n).await;
    }
    assert_eq!(heard.by_version(), [6, 0]);
    let workers = [old.start(), new.start()];
    settle(&old).await;
    while !new.projection::<ToldByTwo>().is_live().await.unwrap() {
        new.env().clock.sleep(Duration::from_millis(5)).await;
    }
    settle(&new).await;
    // What the old one had not come to before the swap was left to the new one.
    let [by_old, by_new] = heard.by_version();
    assert_eq!(by_old + by_new, 9, "{:?}", heard.all());
    for n in 9..12 {
        unit(&old, n).await;
        unit(&new, n + 3).await;
    }
    settle(&new).await;
    let [still_by_old, now_by_new] = heard.by_version();
    assert_eq!(still_by_old, by_old);
    assert!(
        (1..=6).contains(&(now_by_new - by_new)),
        "{:?}",
        heard.all()
    );
    for workers in workers {
        workers.stop().await;
    }
}
