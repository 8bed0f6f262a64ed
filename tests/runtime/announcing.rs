//! What a table projector does after the commit: told once for each row that a batch has changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sourced::prelude::*;
use sourced::{RetryPolicy, WorkerOptions};

use crate::backends::On;

#[derive(Debug, Default)]
pub struct Shelf;

#[actor]
impl Shelf {
    /// Signed changes of what lies there.
    #[command]
    fn change(&self, by: Vec<(String, i64)>) -> Vec<Moved> {
        let moved = by.into_iter().map(|(sku, by)| Moved { sku, by });
        moved.collect()
    }

    #[event]
    fn moved(&mut self, _sku: String, _by: i64) {}
}

/// A row per thing that lies anywhere.
#[derive(Debug, PartialEq, Projection)]
#[projection(table = "stock")]
pub struct Stock {
    #[key]
    sku: String,
    units: i64,
}

#[projector]
impl Stock {
    #[event]
    fn moved(row: Option<Self>, event: &Moved) -> Option<Self> {
        let sku = event.sku.clone();
        assert_ne!(event.by, 666, "as told");
        let units = row.map_or(0, |row| row.units) + event.by;
        (units > 0).then_some(Self { sku, units })
    }

    #[after_sync]
    async fn announce(&self, heard: Res<Arc<Heard>>) -> Result<(), Failure> {
        heard.note(format!("{} {}", self.sku, self.units));
        tokio::task::yield_now().await;
        match self.units {
            13 => Err(Failure::msg("as told")),
            14 => panic!("as told"),
            _ => Ok(()),
        }
    }

    #[after_sync]
    fn say(&self, change: RowChange, heard: Res<Arc<Heard>>) {
        heard.note(format!("{change:?} {} {}", self.sku, self.units));
    }

    #[after_sync]
    fn tell(&self, replaying: Replaying, heard: Res<Arc<Heard>>) {
        if replaying.get() {
            heard.note(format!("replay of {} {}", self.sku, self.units));
        }
    }
}

/// What was told, in the order in which it was.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    /// What was told since the last time this was asked.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn change<const N: usize>(by: [(&str, i64); N]) -> Change {
    let by = by.map(|(sku, by)| (sku.to_owned(), by));
    Change { by: by.into() }
}

async fn program(on: &On) -> (App, Arc<Heard>) {
    let heard = Arc::<Heard>::default();
    let retry = RetryPolicy::default()
        .attempts(2)
        .first_pause(Duration::from_millis(1));
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(retry);
    let builder = on.builder().register::<Shelf>().register::<Stock>();
    let builder = builder.resource(Arc::clone(&heard)).workers(options);
    (builder.build().await.unwrap(), heard)
}

/// Lets workers handle all there is, and end: what is told comes after the acknowledgement.
async fn handle_all(app: &App) -> u64 {
    let running = app.start();
    let parked = app.idle().await.unwrap().parked;
    running.stop().await;
    parked
}

pub async fn after_the_commit_each_row_that_a_batch_has_changed_is_told_once(on: On) {
    let (app, heard) = program(&on).await;
    let shelf = app.actor::<Shelf>("shelf-1");
    let batches = [
        (
            change([("tea", 1), ("rice", 5), ("tea", 2)]),
            &["rice 5", "Created rice 5", "tea 3", "Created tea 3"][..],
        ),
        // What comes out as it was, and what is made and ended at once, is no change.
        (
            change([("tea", 1), ("tea", -1), ("oil", 1), ("oil", -1)]),
            &[],
        ),
        // What ended is told as it was stored last, to whoever asks.
        (
            change([("tea", 1), ("rice", 7), ("rice", -12)]),
            &["tea 4", "Changed tea 4", "Deleted rice 5"],
        ),
    ];
    for (command, expected) in batches {
        shelf.change(command.by).await.unwrap();
        assert_eq!(handle_all(&app).await, 0);
        assert_eq!(heard.take(), expected);
    }
}

pub async fn replay_is_marked_so_rows_are_told_to_who_asks(on: On) {
    let (app, heard) = program(&on).await;
    let shelf = app.actor::<Shelf>("shelf-1");
    shelf.change(change([("tea", 3)]).by).await.unwrap();
    handle_all(&app).await;
    heard.take();
    app.group::<Stock>().rebuild().await.unwrap();
    handle_all(&app).await;
    assert_eq!(heard.take(), ["replay of tea 3"]);
    shelf.change(change([("tea", 1)]).by).await.unwrap();
    handle_all(&app).await;
    assert_eq!(heard.take(), ["tea 4", "Changed tea 4"]);

    // A row is told when any of its events is new, whatever else there is in the batch.
    app.group::<Stock>().rebuild().await.unwrap();
    let both = change([("tea", 1), ("rice", 2)]);
    shelf.change(both.by).await.unwrap();
    handle_all(&app).await;
    let told = heard.take();
    let told: Vec<_> = told.iter().filter(|it| !it.contains("tea 4")).collect();
    for what in ["rice 2", "Created rice 2", "tea 5"] {
        assert!(told.iter().any(|told| *told == what), "{what}: {told:?}");
    }
}

pub async fn a_failure_after_the_commit_of_a_row_changes_nothing(on: On) {
    let (app, heard) = program(&on).await;
    let shelf = app.actor::<Shelf>("shelf-1");
    let three = change([("a", 13), ("b", 14), ("c", 15)]);
    shelf.change(three.by).await.unwrap();
    assert_eq!(handle_all(&app).await, 0);
    assert_eq!(heard.take(), ["a 13", "b 14", "c 15", "Created c 15"]);
    assert_eq!(app.rows::<Stock>().all().await.unwrap().len(), 3);
}

pub async fn what_went_well_before_a_failing_row_is_told_once(on: On) {
    let (app, heard) = program(&on).await;
    let shelf = app.actor::<Shelf>("shelf-1");
    let last = change([("tea", 1), ("tea", 2), ("oil", 666), ("rice", 1)]);
    shelf.change(last.by).await.unwrap();
    assert_eq!(handle_all(&app).await, 1);
    assert_eq!(heard.take(), ["tea 3", "Created tea 3"]);
}

pub async fn a_unit_tells_of_its_rows_when_it_is_stored(on: On) {
    let (app, heard) = program(&on).await;
    let failed = change([("tea", 1), ("oil", 666)]).to("shelf-1");
    app.unit().handle(failed).await.unwrap_err();
    assert_eq!(heard.take(), [""; 0]);
    let stored = change([("tea", 1)]).to("shelf-1");
    app.unit().handle(stored).await.unwrap();
    assert_eq!(heard.take(), ["tea 1", "Created tea 1"]);
}

pub async fn what_a_row_is_told_with_has_to_be_there(on: On) {
    let builder = on.builder().register::<Shelf>().register::<Stock>();
    let error = builder.build().await.unwrap_err().to_string();
    assert!(
        error.contains("Heard") && error.contains("stock"),
        "{error}"
    );
}
