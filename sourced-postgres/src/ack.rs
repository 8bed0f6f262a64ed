//! Acknowledging: progress, and everything that has to be stored together with it, in one transaction.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sourced::Failure;
use sourced::backend::{Ack, AckError, Appended, BackendError, SyncAction, Tx};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::append::{Appends, Stored};
use crate::backend::{Postgres, Retry};
use crate::claims::{Failed, fail_next};
use crate::connecting::{LONG, in_step, within};
use crate::error::{SqlError, SqlErrorKind, in_failure, of_sync};
use crate::lent::Told;
use crate::row::{clamped, get, position, readable};
use crate::schedules;
use crate::tx::Operations;

/// Why one try stored nothing, or may have.
pub(crate) enum Trouble {
    Sql(SqlError),
    Sync(Failure),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error.into())
    }
}

impl From<SqlError> for Trouble {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) => error.fmt(f),
            Self::Sync(failure) => failure.fmt(f),
        }
    }
}

impl Told for Trouble {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Sync(failure) => failure.find(),
        }
    }
}

impl Trouble {
    pub(crate) fn kind(&self) -> Option<SqlErrorKind> {
        match self {
            Self::Sql(error) => SqlErrorKind::of(error),
            Self::Sync(failure) => in_failure(failure),
        }
    }
}

impl Postgres {
    /// Acknowledges in a transaction of its own, and fails the message after that, if it is told to. `ack.appends` stand in
    /// `appends`, checked.
    pub(crate) async fn acknowledge(
        &self,
        ack: &Ack,
        appends: &Appends,
        next: Option<Failed<'_>>,
        mut retry: Retry,
    ) -> Result<Vec<Appended>, AckError> {
        let mut stored = Stored::new();
        let mut lookups = 0;
        loop {
            let rest = appends.without(&stored)?;
            let mut connection = self.connection(&retry).await.map_err(BackendError::from)?;
            let limit = self.limit_of(&ack.syncs);
            let tried: Result<_, Trouble> = in_step!(self, &mut connection, limit; step => self.ack_once(&mut step, ack, &rest, next).await);
            connection.rests(&self.inner.connections, &tried);
            let trouble = match tried {
                Ok(placed) => {
                    stored.extend(placed);
                    break;
                }
                Err(trouble) => trouble,
            };
            drop(connection);
            match trouble {
                Trouble::Sql(error) if error.is_fenced() => {
                    if retry.is_in_doubt() && self.went_through(ack).await? {
                        stored = self.stored(appends).await?;
                        break;
                    }
                    return Err(AckError::Fenced {
                        group: ack.claim.group.clone(),
                        stream: ack.claim.stream.clone(),
                    });
                }
                Trouble::Sql(error) if error.is_stored_already() && lookups < 4 => {
                    lookups += 1;
                    stored = self.stored(appends).await?;
                }
                trouble if retry.allows(trouble.kind()).await => {}
                Trouble::Sql(error) => return Err(rest.error(error).into()),
                Trouble::Sync(failure) => return Err(of_sync(failure)),
            }
        }
        self.inner.hints.raise();
        Ok(appends.placed(&stored)?)
    }

    /// One round trip when there are no sync actions, and no failure.
    async fn ack_once(
        &self,
        connection: &mut PgConnection,
        ack: &Ack,
        appends: &Appends,
        next: Option<Failed<'_>>,
    ) -> Result<Stored, Trouble> {
        if ack.syncs.is_empty() && next.is_none() {
            return Ok(self.fence_and_store(connection, ack, appends).await?.0);
        }
        let limit = self.inner.answer_within;
        let mut transaction =
            within(limit, async { Ok::<_, Trouble>(connection.begin().await?) }).await?;
        let stored = within(limit, self.fence_and_store(&mut transaction, ack, appends));
        let (placed, xid) = stored.await?;
        run_syncs(&mut self.operations(&mut transaction), &ack.syncs, &xid).await?;
        if let Some(failed) = next {
            within(
                limit,
                fail_next(&mut transaction, &self.inner.sql, &ack.claim, failed),
            )
            .await?;
        }
        within(limit, async {
            Ok::<_, Trouble>(transaction.commit().await?)
        })
        .await?;
        Ok(placed)
    }

    /// How long a transaction with these sync actions may take: code of the program may be slow.
    pub(crate) fn limit_of(&self, syncs: &[Arc<dyn SyncAction>]) -> Duration {
        if syncs.is_empty() {
            self.inner.answer_within
        } else {
            LONG
        }
    }

    /// Fence, appends, refusals, the lane and schedules, in one call. Gives the id of the transaction, too.
    async fn fence_and_store(
        &self,
        connection: &mut PgConnection,
        ack: &Ack,
        appends: &Appends,
    ) -> Result<(Stored, String), SqlError> {
        let refused: Vec<_> = ack
            .refusals
            .iter()
            .map(|refusal| refusal.command.as_uuid())
            .collect();
        let reasons: Vec<_> = ack
            .refusals
            .iter()
            .map(|refusal| readable(&refusal.reason))
            .collect();
        let arrays = appends.arrays();
        let schedules = schedules::Arrays::of(&ack.schedules);
        let sql = &self.inner.sql;
        let has_schedules = !ack.schedules.is_empty();
        let text = if has_schedules {
            &sql.ack_and_schedule
        } else {
            &sql.ack
        };
        let query = text
            .query()
            .bind(ack.claim.group.as_str())
            .bind(ack.claim.stream.as_str())
            .bind(ack.claim.worker.as_uuid())
            .bind(clamped(ack.claim.epoch.get()))
            .bind(clamped(ack.upto.get()))
            .bind(&refused[..])
            .bind(&reasons[..]);
        let mut query = arrays.bind(query);
        if has_schedules {
            query = schedules.bind(query);
        }
        let row = query.fetch_one(connection).await?;
        let placed = if appends.is_empty() {
            Stored::new()
        } else {
            appends.read_places(&row)?
        };
        Ok((placed, row.try_get("xid")?))
    }

    /// Whether an earlier try of this ack, of which nothing was heard, was committed.
    async fn went_through(&self, ack: &Ack) -> Result<bool, BackendError> {
        let Some(row) = self.lane_row(&ack.claim.group, &ack.claim.stream).await? else {
            return Ok(false);
        };
        let is_this_claim = get::<i64>(&row, "acked_epoch")? == clamped(ack.claim.epoch.get());
        Ok(is_this_claim && position(get(&row, "acked_pos")?)? >= ack.upto)
    }
}

/// Runs sync actions in order, in the transaction with this id.
pub(crate) async fn run_syncs(
    operations: &mut Operations<'_>,
    syncs: &[Arc<dyn SyncAction>],
    xid: &str,
) -> Result<(), Trouble> {
    for sync in syncs {
        sync.run(&mut Tx::new(operations))
            .await
            .map_err(Trouble::Sync)?;
    }
    // Committing a transaction that failed is no error in Postgres, and stores nothing. So is committing another one.
    match operations.xid().await {
        Ok(current) if current.as_deref() == Some(xid) => Ok(()),
        Ok(_) => Err(Trouble::Sync(Failure::msg(
            "the transaction was ended by a sync action",
        ))),
        Err(error) if error.has_idled() => Err(Trouble::Sync(error.into())),
        Err(error) if error.code() == Some("25P02") => Err(Trouble::Sync(Failure::msg(
            "a sync action went on after an error of the database",
        ))),
        Err(error) => Err(error.into()),
    }
}
