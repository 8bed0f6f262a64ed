//! Calls that open a database, and those of the ports to the world.

use std::time::Duration;

use sourced::backend::Log as _;
use sourced::env::Clock as _;
use sourced_postgres::{Postgres, PostgresBuilder};
use sourced_sqlite::Sqlite;
use std::path::PathBuf;

use super::{Call, Made, call};
use crate::backends::On;
use crate::cut::pass;
use crate::world::World;

pub const CALLS: &[Call] = &[
    call!(Sqlite, "Sqlite::open", w, _, n => {
        let path = file(&w, n);
        Made::plain(async move { _ = Sqlite::open(path).await.unwrap() }).then((w, n), opens_file)
    }),
    call!(Sqlite, "SqliteBuilder::open", w, _, n => {
        let path = file(&w, n);
        Made::plain(async move { _ = Sqlite::builder().readers(2).open(path).await.unwrap() })
            .then((w, n), opens_file)
    }),
    call!(Sqlite, "Sqlite::open_read_only", w, _, n => {
        opens_file((w.clone(), n)).await.unwrap();
        let path = file(&w, n);
        Made::plain(async move { _ = Sqlite::open_read_only(path).await.unwrap() })
            .then((w, n), opens_file)
    }),
    call!(Sqlite, "SqliteBuilder::open_read_only", w, _, n => {
        opens_file((w.clone(), n)).await.unwrap();
        let path = file(&w, n);
        Made::plain(async move {
            _ = Sqlite::builder().readers(1).open_read_only(path).await.unwrap();
        })
        .then((w, n), opens_file)
    }),
    call!(Postgres, "Postgres::connect", w, _, _n => {
        let url = w.url.clone();
        Made::plain(async move { _ = Postgres::connect(&url).await.unwrap() })
    }),
    call!(Postgres, "PostgresBuilder::connect", w, task, _n => {
        let turn = w.turn(task);
        let builder = schema(&w, task, turn);
        Made::plain(async move { _ = builder.connect().await.unwrap() })
            .then((w, task, turn), connects)
    }),
    call!(Postgres, "PostgresBuilder::connect_read_only", w, task, _n => {
        let turn = w.turn(task);
        connects((w.clone(), task, turn)).await.unwrap();
        let builder = schema(&w, task, turn);
        Made::plain(async move { _ = builder.connect_read_only().await.unwrap() })
    }),
    call!("Clock::sleep", w, _, _n => {
        Made::waiting(async move { w.clock.sleep(Duration::from_millis(1)).await })
    }),
    call!("Spawner::spawn", w, _, _n => {
        let spawner = w.app.env().spawner.clone();
        Made::waiting(async move { assert_eq!(spawner.spawn(few_turns()).await, Some(7)) })
    }),
    call!("Task::await", w, _, _n => {
        let task = w.app.env().spawner.spawn(few_turns());
        Made::waiting(async move { assert_eq!(task.await, Some(7)) })
    }),
];

async fn few_turns() -> u32 {
    pass(3).await;
    7
}

fn file(w: &World, n: u64) -> PathBuf {
    let On::Sqlite(_, folder) = &w.on else {
        panic!("there are no files");
    };
    folder.path().join(format!("opened-{n}.db"))
}

/// Whatever became of an earlier call, it can be opened and used.
async fn opens_file((w, n): (World, u64)) -> Result<(), String> {
    let backend = Sqlite::open(file(&w, n))
        .await
        .map_err(|error| error.to_string())?;
    backend
        .log_end()
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

fn schema(w: &World, task: usize, turn: usize) -> PostgresBuilder {
    Postgres::builder(&w.url)
        .schema(format!("opened_{task}_{turn}"))
        .pool_size(1)
        .without_listening()
}

/// Whatever became of an earlier call, the schema can be set up and used.
async fn connects((w, task, turn): (World, usize, usize)) -> Result<(), String> {
    let backend = schema(&w, task, turn)
        .connect()
        .await
        .map_err(|error| error.to_string())?;
    backend
        .log_end()
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}
