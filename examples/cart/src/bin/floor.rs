//! Run with `cargo run --release -p cart --bin floor -- floor.db`: the shipped input through a hand-written loop.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of the framework, whose clock it does not use"
)]

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Instant;

use cart::database::Database;
use cart::floor::{Line, on_postgres, on_sqlite};
use cart::source::Input;
use clap::Parser;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

/// Does the job of `cart` with nothing but SQL, on an empty database, and prints commands per second.
#[derive(Parser)]
struct Args {
    /// A new SQLite file, or `postgres://…`.
    database: Database,
    /// Commands in one transaction.
    #[arg(long, default_value_t = 1)]
    at_once: usize,
    /// Writes the listings here.
    #[arg(long)]
    listings: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let at_once = args.at_once.max(1);
    let Input::File(path) = Input::from_arg(None) else {
        anyhow::bail!("there is no shipped input");
    };
    let text = std::fs::read_to_string(path)?;
    let started_at = Instant::now();
    let lines: Vec<Line> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let listings = match &args.database {
        Database::Memory => anyhow::bail!("there is no SQL in memory"),
        Database::Sqlite(path) => {
            // As the backend opens it.
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true);
            let options = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
            on_sqlite(&mut connection, &lines, at_once).await?
        }
        Database::Postgres { url, schema } => {
            let options = sqlx::postgres::PgConnectOptions::from_str(url)?;
            let schema = schema.clone().unwrap_or_else(|| "floor".to_owned());
            let options = options.options([("search_path", schema.as_str())]);
            let mut connection = sqlx::PgConnection::connect_with(&options).await?;
            sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\"")))
                .execute(&mut connection)
                .await?;
            on_postgres(&mut connection, &lines, at_once).await?
        }
    };
    let seconds = started_at.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = lines.len() as f64 / seconds;
    println!(
        "{} commands, {at_once} per commit, in {seconds:.2} s: {rate:.0} commands per second",
        lines.len()
    );
    if let Some(path) = args.listings {
        std::fs::write(path, cart::listing::text(&listings))?;
    }
    Ok(())
}
