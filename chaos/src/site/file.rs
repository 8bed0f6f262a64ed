//! A SQLite file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// How often somebody tries to get at a file, besides waiting for its lock each time.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// What belongs to a file.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// The file, and who else uses it.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    /// Somebody who writes and does not come to an end.
    stranger: Option<SqliteConnection>,
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            stranger: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// There is no server that could stand still: a stranger keeps everybody from writing.
    pub(super) async fn hold_the_lock(&mut self) -> anyhow::Result<()> {
        self.stranger = Some(self.patiently("BEGIN IMMEDIATE").await?);
        Ok(())
    }

    pub(super) async fn give_the_lock_back(&mut self) -> anyhow::Result<()> {
        if let Some(mut stranger) = self.stranger.take() {
            sqlx::raw_sql("ROLLBACK").execute(&mut stranger).await?;
            stranger.close().await?;
        }
        Ok(())
    }

    pub(super) async fn copy(&self) -> anyhow::Result<()> {
        let copy = self.beside("copy", "");
        remove(&copy)?;
        let connection = self
            .patiently(&format!("VACUUM INTO '{}'", copy.display()))
            .await?;
        connection.close().await?;
        Ok(())
    }

    /// The way that the operations guide shows: everything is moved away, then the copy to its place.
    pub(super) fn restore(&self) -> anyhow::Result<()> {
        let copy = self.beside("copy", "");
        ensure!(copy.exists(), "there is no copy");
        for part in PARTS {
            let lost = self.beside("lost", part);
            remove(&lost)?;
            match std::fs::rename(self.beside("chaos", part), lost) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        std::fs::rename(copy, &self.path)?;
        Ok(())
    }

    /// A connection on which this was done, as soon as the others let it: while a copy is being set up, they do not say when.
    async fn patiently(&self, text: &str) -> anyhow::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(&self.path);
        let mut tries = 0;
        loop {
            let done = async {
                let mut connection = options.connect().await?;
                let statement = sqlx::raw_sql(AssertSqlSafe(text));
                statement.execute(&mut connection).await?;
                Ok::<_, sqlx::Error>(connection)
            };
            match done.await {
                Err(sqlx::Error::Database(error)) if tries < TRIES => {
                    eprintln!("the file is not free: {error}");
                }
                done => return Ok(done?),
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn beside(&self, name: &str, part: &str) -> PathBuf {
        self.path.with_file_name(format!("{name}.db{part}"))
    }
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
