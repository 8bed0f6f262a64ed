//! Opening a file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use sourced::backend::{BackendError, Rehearsals, Signal};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error;
use crate::file::File;
use crate::migrate::{self, DEFAULT_PREFIX};
use crate::reader::SqliteReader;
use crate::sql::{Prefix, Statements};
use crate::writer::{Writer, pause};

/// The time between two tries to open a file that somebody else is just creating.
const OPEN_AGAIN: Duration = Duration::from_millis(20);

/// Rows that a connection reads ahead of who decodes them.
const ROWS_AHEAD: usize = 256;

/// Keeps everything in one SQLite file. Clones share its connections, which are closed when the last of them is dropped.
///
/// A task on the runtime that opened the file does the writing, and ends with the last clone or that runtime.
///
/// Several processes on one machine may open the same file; a file on a network drive must not be shared.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) writer: Writer,
    pub(crate) signal: Signal,
    pub(crate) sql: Arc<Statements>,
    /// Which group of a claim comes first when not all can be served; it moves on with every claim.
    pub(crate) turn: AtomicUsize,
    pub(crate) rehearsals: Arc<Rehearsals>,
    readers: SqlitePool,
    pub(crate) file: Arc<File>,
}

impl Sqlite {
    /// Opens a file with the default options, and creates it if it is not there.
    ///
    /// # Errors
    /// As [`SqliteBuilder::open`].
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<Self, BackendError> {
        Self::builder().open(path).await
    }

    /// Opens a file with the default options for reading alone.
    ///
    /// # Errors
    /// As [`SqliteBuilder::open_read_only`].
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn open_read_only(
        path: impl AsRef<Path> + Send,
    ) -> Result<SqliteReader, BackendError> {
        Self::builder().open_read_only(path).await
    }

    /// Options for opening a file.
    pub fn builder() -> SqliteBuilder {
        SqliteBuilder::default()
    }

    pub(crate) fn path(&self) -> &Path {
        self.inner.file.path()
    }

    pub(crate) fn file(&self) -> &File {
        &self.inner.file
    }

    pub(crate) fn sql(&self) -> &Statements {
        &self.inner.sql
    }

    /// A connection that cannot write.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, BackendError> {
        self.inner.file.look()?;
        self.inner.readers.acquire().await.map_err(error::backend)
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The disk: what was acknowledged survives a power cut.
    #[default]
    Full,
    /// The operating system: what was acknowledged survives the death of the process, but a power cut may undo the last
    /// commits. The file stays whole.
    Normal,
}

/// Options for opening a file.
#[derive(Debug, Clone)]
#[must_use = "options open nothing by themselves"]
pub struct SqliteBuilder {
    synchronous: Synchronous,
    readers: u32,
    busy_timeout: Duration,
    table_prefix: String,
    setup: Setup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setup {
    Migrate,
    Verify,
}

impl Default for SqliteBuilder {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            table_prefix: DEFAULT_PREFIX.to_owned(),
            setup: Setup::Migrate,
        }
    }
}

impl SqliteBuilder {
    /// What a commit waits for; the disk by default.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How many connections read; 4 by default, at least 1.
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long to wait for the write lock while another process has it; 5 seconds by default.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// What the names of all tables begin with, `sourced_` by default: up to 31 ASCII letters, digits and `_`, not
    /// beginning with a digit.
    pub fn table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.table_prefix = prefix.into();
        self
    }

    /// Never creates the file or its tables nor brings them up to date, but makes sure that they are: for people who run the
    /// SQL of [`migration_sql`](crate::migration_sql) themselves.
    pub fn without_migrating(mut self) -> Self {
        self.setup = Setup::Verify;
        self
    }

    /// Opens a file, creates it if it is not there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`BackendError::Refused`] for an invalid table prefix or path, [`BackendError::Schema`] for a file made by a newer
    /// version of this crate, or for an older one that must not be migrated, [`BackendError::Unavailable`] when the file cannot be opened or is locked for longer than
    /// the busy timeout.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn open(self, path: impl AsRef<Path> + Send) -> Result<Sqlite, BackendError> {
        let path = absolute(path.as_ref())?;
        let prefix = Prefix::checked(&self.table_prefix)?;
        let options = self.options(&path);
        let writing = self.open_writing(&options, &prefix).await?;
        let file = Arc::new(File::at(path)?);
        // Where it is missing later, somebody is about to replace it.
        let options = options.create_if_missing(false);
        let readers = self.pool(options.clone(), Arc::clone(&file));
        let opening = Opening {
            options,
            prefix,
            setup: self.setup,
            file: Arc::clone(&file),
        };
        let signal = Signal::new();
        let sql = Arc::new(Statements::new(&opening.prefix));
        let rehearsals = Arc::new(Rehearsals::default());
        let (shared, raise) = (Arc::clone(&sql), signal.clone());
        let tried = Arc::clone(&rehearsals);
        Ok(Sqlite {
            inner: Arc::new(Inner {
                writer: Writer::start(writing, opening, self.synchronous, shared, tried, raise),
                signal,
                sql,
                turn: AtomicUsize::new(0),
                rehearsals,
                readers,
                file,
            }),
        })
    }

    /// Opens a file that is there and up to date, for reading. Nothing can be written to it by what this gives.
    ///
    /// The folder must be writable all the same, or somebody else have the file open: readers share memory that lies in a
    /// file beside it.
    ///
    /// ```
    /// use sourced::{Reader, Selection};
    /// use sourced_sqlite::Sqlite;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("shop.db");
    /// # let _store = Sqlite::open(&path).await?;
    /// let reader = Reader::new(Sqlite::open_read_only(path).await?);
    /// assert_eq!(reader.log(Selection::all()).count().await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`SqliteBuilder::open`]; [`BackendError::Unavailable`] also when there is no such file, and
    /// [`BackendError::Schema`] also for one that an older version has made.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has its I/O and time drivers enabled.
    pub async fn open_read_only(
        self,
        path: impl AsRef<Path> + Send,
    ) -> Result<SqliteReader, BackendError> {
        let path = absolute(path.as_ref())?;
        let prefix = Prefix::checked(&self.table_prefix)?;
        // What is written into a file when it is opened, such as its journal mode, stays as it is.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .busy_timeout(self.busy_timeout)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .map_err(error::backend)?;
        migrate::verify(&mut connection, &prefix).await?;
        let file = Arc::new(File::at(path)?);
        let readers = self.pool(options, Arc::clone(&file));
        Ok(SqliteReader::new(readers, Statements::new(&prefix), file))
    }

    fn pool(&self, options: SqliteConnectOptions, file: Arc<File>) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(self.readers)
            .test_before_acquire(false)
            .before_acquire(move |_, connection| {
                let is_of_file = file.is_of(connection.age);
                Box::pin(async move { Ok(is_of_file) })
            })
            .connect_lazy_with(options.pragma("query_only", "ON"))
    }

    fn options(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(self.setup == Setup::Migrate)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match self.synchronous {
                Synchronous::Full => SqliteSynchronous::Full,
                Synchronous::Normal => SqliteSynchronous::Normal,
            })
            .busy_timeout(self.busy_timeout)
            // With less room, the thread that reads and the task that decodes stop and go with every row.
            .row_buffer_size(ROWS_AHEAD)
            .disable_statement_logging()
    }

    /// Two processes that create one file at the same time may get in each other's way: SQLite does not wait for the
    /// lock that turning on the WAL takes.
    async fn open_writing(
        &self,
        options: &SqliteConnectOptions,
        prefix: &Prefix,
    ) -> Result<SqliteConnection, BackendError> {
        let mut waited = Duration::ZERO;
        loop {
            match open_once(options, prefix, self.setup).await {
                Err(error) if error::is_busy(&error) && waited < self.busy_timeout => {
                    pause(OPEN_AGAIN).await;
                    waited += OPEN_AGAIN;
                }
                result => return result,
            }
        }
    }
}

/// How to open the file again for writing.
#[derive(Debug)]
pub(crate) struct Opening {
    options: SqliteConnectOptions,
    prefix: Prefix,
    setup: Setup,
    pub(crate) file: Arc<File>,
}

impl Opening {
    /// A copy that was put in its place may be of an older version.
    pub(crate) async fn open(&self) -> Result<SqliteConnection, BackendError> {
        open_once(&self.options, &self.prefix, self.setup).await
    }
}

async fn open_once(
    options: &SqliteConnectOptions,
    prefix: &Prefix,
    setup: Setup,
) -> Result<SqliteConnection, BackendError> {
    let mut connection = SqliteConnection::connect_with(options)
        .await
        .map_err(error::backend)?;
    match setup {
        Setup::Migrate => migrate::migrate(&mut connection, prefix).await?,
        Setup::Verify => migrate::verify(&mut connection, prefix).await?,
    }
    Ok(connection)
}

/// SQLite takes some names for something else than files: an absolute path is none of those.
fn absolute(path: &Path) -> Result<PathBuf, BackendError> {
    if path == Path::new(":memory:") {
        let text = "`:memory:` is no file: use `sourced::backend::Memory`";
        return Err(BackendError::Refused(text.into()));
    }
    std::path::absolute(path).map_err(|error| BackendError::Refused(Box::new(error)))
}
