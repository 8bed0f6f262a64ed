//! Savepoints inside a transaction of the caller's, which may be given up at any await.
//!
//! sqlx makes some, too, by `begin`. One that is given up while it begins takes the transaction around it for its own: that
//! is rolled back without anybody's knowing, its commit is a success that stores nothing, and statements after it stand
//! for themselves. So these are made by SQL.
//!
//! Who gives one up leaves a statement under way, and cannot send another one: so nothing can be undone then. Instead there
//! is a cursor as long as the savepoint is open, one that is to outlive the transaction. A commit has to read all of it
//! first, which fails, and says why. Going back to the savepoint, or to one from before, takes the cursor away.

use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::task::{Context, Waker};

use sqlx::{Executor as _, PgConnection};

/// Its text is what a commit is told. By chance nobody knows it before, so that it fails then and not now.
const MAKE: &str = "
    SAVEPOINT sourced_unit;
    DECLARE sourced_unit NO SCROLL CURSOR WITH HOLD FOR SELECT
        CASE WHEN pg_catalog.random() < 2 THEN 'a unit was given up in this transaction: roll it back' END::integer;
";
const KEEP: &str = "CLOSE sourced_unit; RELEASE SAVEPOINT sourced_unit";
const UNDO: &str = "ROLLBACK TO SAVEPOINT sourced_unit; RELEASE SAVEPOINT sourced_unit";

/// A transaction in which one is dropped refuses to commit: it ends by [`Savepoint::keep`] or [`Savepoint::undo`].
pub(crate) struct Savepoint<'c>(&'c mut PgConnection);

impl<'c> Savepoint<'c> {
    pub(crate) async fn make(connection: &'c mut PgConnection) -> Result<Self, sqlx::Error> {
        connection.execute(MAKE).await?;
        Ok(Self(connection))
    }

    /// Without an await, so that nobody can give up what is done: no statement is under way, so this one is sent at once,
    /// or else before the next. Whoever sends that one hears if it failed.
    pub(crate) fn keep(self) {
        let keeping = pin!(self.0.execute(KEEP));
        _ = keeping.poll(&mut Context::from_waker(Waker::noop()));
    }

    pub(crate) async fn undo(self) -> Result<(), sqlx::Error> {
        self.0.execute(UNDO).await.map(drop)
    }
}

impl Deref for Savepoint<'_> {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.0
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0
    }
}
