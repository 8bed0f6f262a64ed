//! Where things are stored: a database of its own for each measurement.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sourced::AppBuilder;
use sourced::backend::Memory;
use sourced_postgres::Postgres;
use sourced_sqlite::{Sqlite, Synchronous};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// The variable that names the server.
pub(crate) const SERVER: &str = "SOURCED_TEST_POSTGRES_URL";
/// How many connections both contenders have to Postgres.
pub(crate) const POOL: u32 = 16;
/// How many connections of both contenders read an SQLite file.
pub(crate) const READERS: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Storage {
    Postgres,
    SqliteFull,
    SqliteNormal,
    Memory,
}

impl Storage {
    pub(crate) const ALL: [Self; 4] = [
        Self::Postgres,
        Self::SqliteFull,
        Self::SqliteNormal,
        Self::Memory,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::SqliteFull => "sqlite-full",
            Self::SqliteNormal => "sqlite-normal",
            Self::Memory => "memory",
        }
    }
}

/// The URL of the server, which is started if need be.
pub(crate) fn server() -> String {
    sourced_testing::postgres::test_url()
}

/// An empty place: a schema, or a folder. Gone when it is closed.
pub(crate) struct Place {
    pub(crate) storage: Storage,
    pub(crate) schema: String,
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new(storage: Storage) -> anyhow::Result<Self> {
        let schema = format!("bench_{}", std::process::id());
        // In the working folder: the usual place of temporary files may be kept in memory.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(".")?;
        Ok(Self {
            storage,
            schema,
            folder,
        })
    }

    pub(crate) fn url() -> anyhow::Result<String> {
        std::env::var(SERVER).with_context(|| format!("`{SERVER}` names no server"))
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("bench.db")
    }

    /// An app's builder on this place.
    pub(crate) async fn app(&self) -> anyhow::Result<AppBuilder> {
        let app = sourced::App::builder();
        let synchronous = match self.storage {
            Storage::Memory => return Ok(app.backend(Memory::new())),
            Storage::Postgres => {
                let builder = Postgres::builder(&Self::url()?)
                    .schema(&self.schema)
                    .pool_size(POOL);
                return Ok(app.backend(builder.connect().await?));
            }
            Storage::SqliteFull => Synchronous::Full,
            Storage::SqliteNormal => Synchronous::Normal,
        };
        let builder = Sqlite::builder().synchronous(synchronous).readers(READERS);
        Ok(app.backend(builder.open(self.file()).await?))
    }

    /// Lets the database come to rest after much was stored, so that it does not do so while it is measured.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        if self.storage == Storage::Postgres {
            let mut connection = PgConnection::connect(&Self::url()?).await?;
            for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
                sqlx::query(statement).execute(&mut connection).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        if self.storage == Storage::Postgres {
            let mut connection = PgConnection::connect(&Self::url()?).await?;
            let drop = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema));
            sqlx::query(drop).execute(&mut connection).await?;
        }
        Ok(self.folder.close()?)
    }
}
