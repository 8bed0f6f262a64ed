//! Savepoints inside a transaction of the caller's, which may be given up at any await.
//!
//! sqlx makes some, too, by `begin`. One that is given up while it begins takes the transaction around it for its own: that
//! is rolled back without anybody's knowing, its commit is a success that stores nothing, and statements after it stand
//! for themselves. So these are made by SQL.

use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::FutureExt as _;
use sqlx::{Executor as _, SqliteConnection};

/// What is done to the connection is undone when this is dropped, but after [`Savepoint::keep`].
pub(crate) struct Savepoint<'c> {
    connection: &'c mut SqliteConnection,
    is_kept: bool,
}

impl<'c> Savepoint<'c> {
    /// Given up in here, it may be there, with nothing in it.
    pub(crate) async fn make(connection: &'c mut SqliteConnection) -> Result<Self, sqlx::Error> {
        connection.execute("SAVEPOINT sourced_unit").await?;
        Ok(Self {
            connection,
            is_kept: false,
        })
    }

    /// Without an await, so that nobody can give up what is done.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // It is waited for right here, on this thread: what the caller does next must not be undone, nor what is under
            // way be done later. It takes as long as the one statement that may be under way. Where it fails, SQLite has
            // rolled back the whole transaction, and says so at its end.
            _ = wait(self.connection.execute("ROLLBACK TO sourced_unit"));
        }
        // The connection's own thread does it before whatever comes next. If it stays, it is in nobody's way.
        _ = self
            .connection
            .execute("RELEASE sourced_unit")
            .now_or_never();
    }
}

impl Deref for Savepoint<'_> {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        self.connection
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection
    }
}

/// Waits on this thread for what another thread does: no runtime is needed for that.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Sleeper(Thread);
    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
