//! What this process knows of the log: looked at again on each new connection, since a database that is restored, fails over or
//! is replaced cuts those it had, and now and then beside the claims.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sourced::Timestamp;
use sourced::backend::{Appended, Claim, HistoryMark, KnownHistory, Sighting};
use sourced::env::{Clock as _, SystemClock};
use sqlx::types::Uuid;
use sqlx::{Executor as _, PgConnection, Row as _};

use crate::connecting::Connecting;
use crate::row::{clamped, position};
use crate::sql::Text;

/// How often one looks at a log that does not change its place.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The server, by what a restore and a promotion change, and the database in it.
const PLACE: &str = "
    SELECT c.system_identifier::text || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || d.oid::text
      FROM pg_control_system() AS c, pg_database AS d WHERE d.datname = current_database()";

/// Shared by all connections of a process.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) known: KnownHistory,
    /// There is nothing to look at before the schema is set up.
    marks: OnceLock<Text>,
    looked_at: Mutex<Option<Timestamp>>,
    horizon: Mutex<Horizon>,
}

/// The highest position up to which everything is known to be decided, in a log that was set back so often.
#[derive(Debug, Default, Clone, Copy)]
struct Horizon {
    setbacks: u64,
    position: i64,
}

impl History {
    pub(crate) fn setbacks(&self) -> u64 {
        self.known.setbacks()
    }

    /// Notes the newest of what was stored.
    pub(crate) fn stored(&self, appended: &[Appended]) {
        if let Some(newest) = appended.iter().max_by_key(|one| one.position) {
            self.known.saw(HistoryMark {
                position: newest.position,
                id: newest.id,
            });
        }
    }

    /// Notes the newest of what was claimed.
    pub(crate) fn claimed(&self, claims: &[Claim]) {
        let deliveries = claims.iter().flat_map(|claim| &claim.deliveries);
        let messages = deliveries.map(|delivery| &delivery.message);
        if let Some(newest) = messages.max_by_key(|message| message.position) {
            self.known.saw(HistoryMark {
                position: newest.position,
                id: newest.id,
            });
        }
    }

    /// Looks for the first time, by this statement.
    pub(crate) async fn begin(
        &self,
        marks: Text,
        connecting: Connecting,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        _ = self.marks.set(marks);
        self.look_around(connecting, connection).await
    }

    /// Looks at everything, on a connection that is new and in no transaction.
    pub(crate) async fn look_around(
        &self,
        connecting: Connecting,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        if self.marks.get().is_none() {
            return Ok(());
        }
        // Not every role or service tells it, and a failure would end a step.
        let place = connection.fetch_one(PLACE).await.ok();
        let place = place.and_then(|row| row.try_get(0).ok());
        let mut step = connecting.step(connection).await?;
        self.look(place, &mut step).await?;
        step.done().await
    }

    /// Looks at the log alone, in a step, when that was long ago.
    pub(crate) async fn look_again(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let now = SystemClock.now();
        let is_due = |last: Option<Timestamp>| {
            last.is_none_or(|last| now.saturating_since(last) >= LOOK_EVERY)
        };
        if is_due(*lock(&self.looked_at)) {
            self.look(None, connection).await?;
        }
        Ok(())
    }

    async fn look(
        &self,
        place: Option<String>,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        let Some(marks) = self.marks.get() else {
            return Ok(());
        };
        let (setbacks, mark) = (self.setbacks(), self.known.mark());
        let marked = mark.map(|mark| clamped(mark.position.get()));
        let (there, newest, id): (Option<Uuid>, Option<i64>, Option<Uuid>) =
            marks.query_as().bind(marked).fetch_one(connection).await?;
        let newest = newest.zip(id).map(read_mark).transpose()?;
        let looked_for = mark.map(|mark| (mark, there == Some(mark.id.as_uuid())));
        self.known.compare(Sighting {
            setbacks,
            place,
            looked_for,
            newest,
        });
        *lock(&self.looked_at) = Some(SystemClock.now());
        Ok(())
    }

    /// The position up to which everything is known to be decided.
    pub(crate) fn horizon(&self) -> i64 {
        let horizon = *lock(&self.horizon);
        if horizon.setbacks == self.setbacks() {
            horizon.position
        } else {
            0
        }
    }

    /// Everything is decided up to here, in the log as it was when it had been set back so often.
    pub(crate) fn raise_horizon(&self, position: i64, setbacks: u64) {
        let mut horizon = lock(&self.horizon);
        if horizon.setbacks < setbacks {
            *horizon = Horizon { setbacks, position };
        } else if horizon.setbacks == setbacks {
            horizon.position = horizon.position.max(position);
        }
    }
}

fn read_mark((at, id): (i64, Uuid)) -> Result<HistoryMark, sqlx::Error> {
    let position = position(at).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(HistoryMark {
        position,
        id: id.into(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
