//! Units: a whole chain of messages stored at once, outside of any claim.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{
    Appended, BackendError, JoinError, Joined, Lane, Refusal, SyncAction, UnitCommit, UnitError,
    Units,
};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::ack::{Trouble, run_syncs};
use crate::append::{Appends, Stored};
use crate::backend::{Postgres, Retry};
use crate::connecting::in_step;
use crate::error::{SqlError, of_sync};
use crate::joined::JoinedTransaction;
use crate::lent::Told;
use crate::row::{clamped, readable};
use crate::savepoint::Savepoint;

/// Why one try of a unit stored nothing.
enum UnitTrouble {
    Other(Trouble),
    Unit(UnitError),
}

impl<E: Into<Trouble>> From<E> for UnitTrouble {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Told for UnitTrouble {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Other(trouble) => trouble.sql(),
            Self::Unit(_) => None,
        }
    }
}

#[async_trait]
impl Units for Postgres {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        let appended = self.store_retrying(unit, None).await?;
        self.inner.history.stored(&appended);
        self.inner.hints.raise();
        Ok(appended)
    }

    async fn join<'t>(
        &self,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Box<dyn Joined + 't>, JoinError> {
        Ok(Box::new(JoinedTransaction::check(self, connection).await?))
    }
}

impl Postgres {
    /// Stores a unit, again and again as long as that may help: in a transaction of its own, or in the caller's behind a
    /// savepoint for each try.
    pub(crate) async fn store_retrying(
        &self,
        mut unit: UnitCommit,
        mut caller: Option<&mut PgConnection>,
    ) -> Result<Vec<Appended>, UnitError> {
        let appends = std::mem::take(&mut unit.appends);
        let appends = Appends::checked(appends, &unit.schedules, &self.inner.limits)?;
        let mut stored = Stored::new();
        let mut lookups = 0;
        let mut retry = match caller {
            Some(_) => Retry::in_a_transaction(),
            None => Retry::default(),
        };
        loop {
            let rest = appends.without(&stored)?;
            if rest.is_empty() && !stored.is_empty() {
                // An earlier try went through, of which nothing was heard.
                break;
            }
            let tried = if let Some(caller) = &mut caller {
                self.unit_inside(caller, &unit, &rest).await
            } else {
                let mut connection = self.connection(&retry).await.map_err(BackendError::from)?;
                let limit = self.limit_of(&unit.syncs);
                let tried = in_step!(self, &mut connection, limit; step => self.unit_once(&mut step, &unit, &rest).await);
                connection.rests(&self.inner.connections, &tried);
                tried
            };
            match tried {
                Ok(placed) => {
                    stored.extend(placed);
                    break;
                }
                Err(UnitTrouble::Unit(error)) => return Err(error),
                Err(UnitTrouble::Other(trouble)) => match trouble {
                    Trouble::Sql(error) if error.is_stored_already() && lookups < 4 => {
                        lookups += 1;
                        stored = match &mut caller {
                            Some(caller) => self.stored_on(caller, &appends).await?,
                            None => self.stored(&appends).await?,
                        };
                    }
                    trouble if retry.allows(trouble.kind()).await => {}
                    Trouble::Sql(error) => return Err(rest.error(error).into()),
                    Trouble::Sync(failure) => return Err(of_sync(failure).into()),
                },
            }
        }
        Ok(appends.placed(&stored)?)
    }

    async fn unit_once(
        &self,
        connection: &mut PgConnection,
        unit: &UnitCommit,
        appends: &Appends,
    ) -> Result<Stored, UnitTrouble> {
        let mut transaction = connection.begin().await?;
        let placed = self.store_unit(&mut transaction, unit, appends).await?;
        transaction.commit().await?;
        Ok(placed)
    }

    /// In the caller's transaction.
    async fn unit_inside(
        &self,
        connection: &mut PgConnection,
        unit: &UnitCommit,
        appends: &Appends,
    ) -> Result<Stored, UnitTrouble> {
        let mut savepoint = Savepoint::make(connection).await?;
        let tried = self.store_unit(&mut savepoint, unit, appends).await;
        if tried.is_ok() {
            savepoint.keep();
        } else if let Err(error) = savepoint.undo().await {
            // What the try itself met with says more; the transaction refuses to commit.
            tracing::debug!(%error, "what is left of a unit stays in the transaction of the caller");
        }
        tried
    }

    async fn store_unit(
        &self,
        connection: &mut PgConnection,
        unit: &UnitCommit,
        appends: &Appends,
    ) -> Result<Stored, UnitTrouble> {
        let placed = self.append_unit(connection, unit, appends).await?;
        // The streams are locked now, so nothing can come in below what was just appended.
        self.settle_lanes(connection, unit, &placed).await?;
        self.refuse(connection, &unit.refusals).await?;
        self.sync(connection, &unit.syncs).await?;
        Ok(placed)
    }

    async fn append_unit(
        &self,
        connection: &mut PgConnection,
        unit: &UnitCommit,
        appends: &Appends,
    ) -> Result<Stored, SqlError> {
        if !unit.schedules.is_empty() {
            let (placed, _) = self
                .schedule_once(connection, appends, &unit.schedules)
                .await?;
            return Ok(placed);
        }
        if appends.is_empty() {
            return Ok(Stored::new());
        }
        self.append_once(connection, appends).await
    }

    async fn settle_lanes(
        &self,
        connection: &mut PgConnection,
        unit: &UnitCommit,
        placed: &Stored,
    ) -> Result<(), UnitTrouble> {
        let lanes = &unit.settled;
        if lanes.is_empty() {
            return Ok(());
        }
        let spans = lanes.iter().map(|lane| span(lane, placed));
        let spans = spans.collect::<Result<Vec<_>, _>>();
        let spans = spans.map_err(UnitTrouble::Unit)?;
        let groups: Vec<&str> = lanes.iter().map(|lane| lane.group.as_str()).collect();
        let streams: Vec<&str> = lanes.iter().map(|lane| lane.stream.as_str()).collect();
        let firsts: Vec<i64> = spans.iter().map(|span| span.first).collect();
        let handled = unit.handled.iter();
        let (handlers, types): (Vec<&str>, Vec<&str>) = handled
            .map(|(group, of)| (group.as_str(), of.as_str()))
            .unzip();
        let waiting = self
            .inner
            .sql
            .is_waiting
            .query()
            .bind(&groups[..])
            .bind(&streams[..])
            .bind(&firsts[..])
            .bind(&handlers[..])
            .bind(&types[..])
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = waiting {
            let nth: i64 = row.try_get("nth")?;
            let nth = usize::try_from(nth - 1).unwrap_or(0);
            let Lane { group, stream } = lanes[nth].clone();
            return Err(UnitTrouble::Unit(if row.try_get("is_known")? {
                UnitError::Busy { group, stream }
            } else {
                BackendError::UnknownGroup(group).into()
            }));
        }
        let lasts: Vec<i64> = spans.iter().map(|span| span.last).collect();
        let positions: Vec<i64> = spans.iter().map(|span| span.position).collect();
        self.inner
            .sql
            .move_on
            .query()
            .bind(&groups[..])
            .bind(&streams[..])
            .bind(&lasts[..])
            .bind(&positions[..])
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn refuse(
        &self,
        connection: &mut PgConnection,
        refusals: &[Refusal],
    ) -> Result<(), SqlError> {
        if refusals.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = refusals.iter().map(|r| r.command.as_uuid()).collect();
        let reasons: Vec<_> = refusals.iter().map(|r| readable(&r.reason)).collect();
        self.inner
            .sql
            .insert_refusals
            .query()
            .bind(&ids[..])
            .bind(&reasons[..])
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn sync(
        &self,
        connection: &mut PgConnection,
        syncs: &[Arc<dyn SyncAction>],
    ) -> Result<(), Trouble> {
        if syncs.is_empty() {
            return Ok(());
        }
        let xid: String = self
            .inner
            .sql
            .xid
            .query_scalar()
            .fetch_one(&mut *connection)
            .await?;
        run_syncs(&mut self.operations(connection), syncs, &xid).await
    }
}

/// What a unit appended to a stream: its first and last seq, and the last position.
struct Span {
    first: i64,
    last: i64,
    position: i64,
}

fn span(lane: &Lane, stored: &Stored) -> Result<Span, UnitError> {
    let places = stored.values().filter(|(stream, _)| *stream == lane.stream);
    let places = places.map(|(_, place)| place);
    let first = places.clone().map(|place| place.seq).min();
    let last = places.max_by_key(|place| place.seq);
    let (Some(first), Some(last)) = (first, last) else {
        let text = format!(
            "nothing was appended to the settled stream `{}`",
            lane.stream
        );
        return Err(BackendError::Refused(text.into()).into());
    };
    Ok(Span {
        first: clamped(first.get()),
        last: clamped(last.seq.get()),
        position: clamped(last.position.get()),
    })
}
