//! Reading ahead: while a stretch of the log is handled, the next one is read. Nothing is claimed by that: what was read counts
//! only if the next claim is of just these messages.

use std::sync::{Mutex, PoisonError};

use sourced::backend::{Delivery, STRETCH};
use tokio::task::JoinHandle;

use crate::backend::Postgres;
use crate::claims::ClaimTrouble;
use crate::row::clamped;
use crate::stretches::Held;

/// How far a stretch goes at most, in positions.
const LONGEST: i64 = 10_000;

/// What was read ahead last, of whichever group that was.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead(Mutex<Option<Ahead>>);

#[derive(Debug)]
struct Ahead {
    /// What nobody holds yet. How far it goes at most, shows when it is read.
    next: Held,
    /// How often the log had been set back by then.
    setbacks: u64,
    reading: JoinHandle<Option<Read>>,
}

/// What was read: all that there is up to here.
#[derive(Debug)]
struct Read {
    upto: i64,
    deliveries: Vec<Delivery>,
}

impl Ahead {
    /// Whether the claim is the very next one of the group, of messages that were read. Inside of one that is, nobody else may
    /// change the lanes of their streams.
    fn is_of(&self, held: &Held) -> bool {
        let next = &self.next;
        (next.group, next.epoch, next.after, next.changes)
            == (held.group, held.epoch, held.after, held.changes)
    }
}

impl ReadAhead {
    /// The messages of a stretch, if they were read.
    pub(crate) async fn take(&self, held: &Held, setbacks: u64) -> Option<Vec<Delivery>> {
        let ahead = self.lock_with(Option::take)?;
        if ahead.setbacks != setbacks || !ahead.is_of(held) {
            return None;
        }
        let Read {
            upto,
            mut deliveries,
        } = ahead.reading.await.ok().flatten()?;
        if upto < held.upto {
            return None;
        }
        let is_in = |delivery: &Delivery| clamped(delivery.message.position.get()) <= held.upto;
        deliveries.truncate(deliveries.partition_point(is_in));
        Some(deliveries)
    }

    fn lock_with<T>(&self, act: impl FnOnce(&mut Option<Ahead>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Postgres {
    /// Begins to read what comes behind a stretch, if that will be another one.
    #[expect(
        clippy::disallowed_methods,
        reason = "real I/O lives on tokio, and nobody waits for it but the next claim"
    )]
    pub(crate) fn read_ahead(&self, held: &Held, bytes: usize) {
        if held.decided - held.upto < clamped(STRETCH) {
            return;
        }
        let next = Held {
            epoch: held.epoch + 1,
            after: held.upto,
            upto: held.decided.min(held.upto + LONGEST),
            ..held.clone()
        };
        // Nobody waits for a connection to read what may not be needed.
        let Some(mut connection) = self.inner.connections.try_lend() else {
            return;
        };
        let setbacks = self.inner.history.setbacks();
        let (postgres, mut reading) = (self.clone(), next.clone());
        let reading = tokio::spawn(async move {
            let read = async {
                reading.upto = postgres.end_of(&mut connection, &reading, bytes).await?;
                let deliveries = postgres.read_stretch(&mut connection, &reading).await?;
                Ok::<_, ClaimTrouble>(Read {
                    upto: reading.upto,
                    deliveries,
                })
            };
            let read = read.await;
            connection.rests(&postgres.inner.connections, &read);
            read.ok()
        });
        let ahead = Ahead {
            next,
            setbacks,
            reading,
        };
        // What was read before for nothing is let run: it gives its connection back as it found it.
        self.inner.ahead.lock_with(|last| *last = Some(ahead));
    }
}
