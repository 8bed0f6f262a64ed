//! *history-goes-on*: an app whose database is set back under it decides, projects and reads by what is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{join, join_all};
use sourced::backend::BackendError;
use sourced::env::{Clock as _, SystemClock};
use sourced::prelude::*;
use sourced::{CommandError, Selection, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

#[derive(Debug, Default)]
pub struct Account {
    balance: i64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("there are only {0} left")]
pub struct Insufficient(pub i64);

#[actor]
impl Account {
    #[command]
    pub fn deposit(&self, amount: i64) -> Deposited {
        Deposited { amount }
    }

    #[command]
    pub fn withdraw(&self, amount: i64) -> Result<Withdrawn, Insufficient> {
        if amount > self.balance {
            return Err(Insufficient(self.balance));
        }
        Ok(Withdrawn { amount })
    }

    #[event]
    pub fn deposited(&mut self, amount: i64) {
        self.balance += amount;
    }

    #[event]
    pub fn withdrawn(&mut self, amount: i64) {
        self.balance -= amount;
    }
}

/// The balance of each account, as a projector that knows its states from batch to batch.
#[derive(Debug)]
pub struct Balances {
    of: String,
    balance: i64,
}

#[projector]
impl Balances {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            of: id.to_string(),
            balance: 0,
        }
    }

    #[event]
    fn deposited(&mut self, event: &Deposited) {
        self.balance += event.amount;
    }

    #[event]
    fn withdrawn(&mut self, event: &Withdrawn) {
        self.balance -= event.amount;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("balances", &self.of, &self.balance).await
    }
}

const ACCOUNT: &str = "account-1";

/// A database of its own, of which a copy is kept that takes its place later.
pub enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub async fn postgres() -> Self {
        let id = sourced::env::Env::system().ids.next_id().simple();
        let name = format!("history_{id}");
        administer(&[format!("CREATE DATABASE {name}")]).await;
        Self::Postgres(name)
    }

    async fn app(&self) -> App {
        let options = WorkerOptions::default().poll_max(Duration::from_millis(10));
        let builder = App::builder()
            .register::<Account>()
            .register::<Balances>()
            .workers(options);
        let app = match self {
            Self::Sqlite(folder) => {
                let backend = Sqlite::open(folder.path().join("bank.db")).await.unwrap();
                builder.backend(backend).build().await
            }
            Self::Postgres(name) => {
                let backend = Postgres::builder(&url_of(name)).pool_size(4);
                builder
                    .backend(backend.connect().await.unwrap())
                    .build()
                    .await
            }
        };
        app.unwrap()
    }

    /// Keeps a copy of what is stored by now.
    async fn copy(&self) {
        match self {
            Self::Sqlite(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join("bank.db"));
                let mut connection = options.connect().await.unwrap();
                let copy = folder.path().join("copy.db");
                let text = format!("VACUUM INTO '{}'", copy.display());
                let copied = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection);
                copied.await.unwrap();
            }
            Self::Postgres(name) => {
                administer(&[
                    format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
                    cut(name),
                    format!("CREATE DATABASE {name}_copy TEMPLATE {name}"),
                    format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
                ])
                .await;
            }
        }
    }

    /// Puts the copy in the place of what is stored by now.
    async fn restore(&self) {
        match self {
            Self::Sqlite(folder) => {
                let at = |name: &str| folder.path().join(name);
                for suffix in ["", "-wal", "-shm"] {
                    let (from, to) = (format!("bank.db{suffix}"), format!("lost.db{suffix}"));
                    let moved = std::fs::rename(at(&from), at(&to));
                    // The last connection to be closed takes the others away.
                    assert!(moved.is_ok() || !suffix.is_empty());
                }
                std::fs::rename(at("copy.db"), at("bank.db")).unwrap();
            }
            Self::Postgres(name) => {
                administer(&[
                    format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
                    cut(name),
                    format!("DROP DATABASE IF EXISTS {name}_lost"),
                    format!("ALTER DATABASE {name} RENAME TO {name}_lost"),
                    format!("ALTER DATABASE {name}_copy RENAME TO {name}"),
                ])
                .await;
            }
        }
    }
}

fn url_of(database: &str) -> String {
    let url = sourced_testing::postgres::test_url();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

fn cut(name: &str) -> String {
    format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    )
}

async fn administer(steps: &[String]) {
    let url = sourced_testing::postgres::test_url();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for step in steps {
        let done = sqlx::raw_sql(AssertSqlSafe(step.as_str())).execute(&mut connection);
        done.await.unwrap();
    }
}

async fn balance(app: &App) -> i64 {
    app.load::<Account>(ACCOUNT).await.unwrap().state().balance
}

/// Cut connections may be noticed by the first call that uses them.
async fn sooner_or_later<T, E>(mut call: impl AsyncFnMut() -> Result<T, E>) -> T {
    loop {
        match call().await {
            Ok(value) => return value,
            Err(_) => SystemClock.sleep(Duration::from_millis(20)).await,
        }
    }
}

pub async fn a_decision_is_made_on_what_is_there(place: Place) {
    let app = place.app().await;
    let account = app.actor::<Account>(ACCOUNT);
    account.deposit(100).await.unwrap();
    place.copy().await;
    sooner_or_later(async || account.deposit(900).await).await;
    place.restore().await;

    let refused = loop {
        match account.withdraw(500).await {
            Err(CommandError::Refused(refused)) => break refused,
            Err(CommandError::Failed(_)) => {}
            Ok(withdrawn) => panic!("{withdrawn:?} of what is gone"),
        }
    };
    assert_eq!(refused, Insufficient(100));
    assert_eq!(balance(&app).await, 100);
    account.withdraw(60).await.unwrap();
    assert_eq!(balance(&app).await, 40);
    let health = app.health().await;
    assert!(health.is_ok());
    assert_eq!(health.backend.setbacks, 1);
}

pub async fn workers_and_projections_go_on_from_what_is_there(place: Place) {
    let app = place.app().await;
    let workers = app.start();
    let account = app.actor::<Account>(ACCOUNT);
    account.deposit(100).await.unwrap();
    is_told(&app, 100).await;
    place.copy().await;
    for _ in 0..9 {
        sooner_or_later(async || account.deposit(100).await).await;
    }
    is_told(&app, 1000).await;
    place.restore().await;

    sooner_or_later(async || app.dispatch(Deposit { amount: 1 }.to(ACCOUNT)).await).await;
    is_told(&app, 101).await;
    assert_eq!(balance(&app).await, 101);
    account.deposit(2).await.unwrap();
    is_told(&app, 103).await;
    workers.stop().await;
}

/// What the projector has saved.
async fn is_told(app: &App, expected: i64) {
    for _ in 0..1_000 {
        let saved = app.backend().document("balances", ACCOUNT).await;
        if let Ok(Some(saved)) = saved
            && saved.decode::<i64>().unwrap() == expected
        {
            return;
        }
        SystemClock.sleep(Duration::from_millis(10)).await;
    }
    panic!("the projection does not come to {expected}");
}

pub async fn followers_are_told_and_go_on(place: Place) {
    let app = place.app().await;
    let account = app.actor::<Account>(ACCOUNT);
    for amount in 1..=3 {
        account.deposit(amount).await.unwrap();
    }
    place.copy().await;
    for amount in 4..=6 {
        sooner_or_later(async || account.deposit(amount).await).await;
    }
    let mut feed = app
        .log(Selection::all().of::<Deposited>())
        .page_size(1)
        .follow();
    let mut seen = Vec::new();
    while seen.len() < 6 {
        seen.push(feed.next().await.unwrap().unwrap());
    }
    place.restore().await;
    for amount in 7..=9 {
        sooner_or_later(async || account.deposit(amount).await).await;
    }
    let mut n_told = 0;
    let mut after = Vec::new();
    while after.len() < 3 {
        match feed.next().await.unwrap() {
            Ok(message) => after.push(message.decode::<Deposited>().unwrap().payload.amount),
            Err(BackendError::SetBack) => n_told += 1,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    assert_eq!((n_told, after), (1, vec![7, 8, 9]));
}

/// Whatever is copied and put back while everything goes on, a balance is never below zero, and the projection has it.
pub async fn nothing_is_made_of_events_that_are_gone(place: Place) {
    const ACCOUNTS: [&str; 3] = ["account-1", "account-2", "account-3"];
    let app = place.app().await;
    let workers = app.start();
    let is_over = Arc::new(AtomicBool::new(false));
    let customers = (0..6_usize).map(|nth| {
        let (app, is_over) = (app.clone(), Arc::clone(&is_over));
        async move {
            let account = app.actor::<Account>(ACCOUNTS[nth % 3]);
            for turn in 0.. {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                // What is refused, and what fails because the database is away, is as good as what is stored.
                if turn % 3 == nth % 2 {
                    _ = account.deposit(40).await;
                } else {
                    _ = account.withdraw(30).await;
                }
                SystemClock.sleep(Duration::from_millis(2)).await;
            }
        }
    });
    let operator = async {
        for _ in 0..4 {
            SystemClock.sleep(Duration::from_millis(150)).await;
            place.copy().await;
            SystemClock.sleep(Duration::from_millis(400)).await;
            place.restore().await;
        }
        SystemClock.sleep(Duration::from_millis(300)).await;
        is_over.store(true, Ordering::SeqCst);
    };
    join(join_all(customers), operator).await;
    sooner_or_later(async || app.idle().await).await;
    for account in ACCOUNTS {
        let history = app.actor::<Account>(account).history().await.unwrap();
        let mut balance = 0;
        for event in &history {
            balance += match &event.payload {
                AccountEvent::Deposited(deposited) => deposited.amount,
                AccountEvent::Withdrawn(withdrawn) => -withdrawn.amount,
            };
            assert!(balance >= 0, "{account} at {}: {balance}", event.seq);
        }
        let saved = app.backend().document("balances", account).await.unwrap();
        let saved = saved.map_or(0, |saved| saved.decode::<i64>().unwrap());
        assert_eq!(saved, balance, "{account}");
        assert!(!history.is_empty());
    }
    assert!(app.health().await.backend.setbacks >= 4);
    workers.stop().await;
}
