//! Effects that can be counted: a row for each event that a consumer group handles, in the transaction that
//! acknowledges. Nothing in the table prevents doubles.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{BackendError, Group, StartFrom, SyncAction, Tx};
use sourced::reactor::{Batch, Handled, Needs, Reactor, Register};
use sourced::{Failure, GroupId, MessageId, TypeName};
use sourced_postgres::PostgresTx as _;
use sourced_sqlite::SqliteTx as _;

use crate::domain::{Confirmed, Deposited, Noted};
use crate::trouble::Trouble;

/// The name of its consumer group.
pub(crate) const GROUP: &str = "recorder";

/// The types it handles.
pub(crate) fn types() -> [TypeName; 3] {
    [
        TypeName::of::<Deposited>(),
        TypeName::of::<Noted>(),
        TypeName::of::<Confirmed>(),
    ]
}

/// The group, when it handles only some of its types: those of accounts, those of books. What it gives up and takes up
/// again it gives up of whole streams, so that all that it records stays in order.
pub(crate) fn group(of_accounts: bool, of_books: bool) -> anyhow::Result<Group> {
    let is_kept = |name: &TypeName| {
        if *name == TypeName::of::<Noted>() {
            of_books
        } else {
            of_accounts
        }
    };
    Ok(Group {
        id: GroupId::new(GROUP)?,
        types: types().into_iter().filter(is_kept).collect(),
        start_from: StartFrom::Beginning,
        order: sourced::backend::GroupOrder::PerStream,
    })
}

/// The table, in words that both databases know.
pub(crate) const TABLE: [&str; 2] = [
    "CREATE TABLE effects (id bigserial PRIMARY KEY, stream text NOT NULL, seq bigint NOT NULL, message text NOT NULL, replaying boolean NOT NULL)",
    "CREATE TABLE effects (id integer PRIMARY KEY, stream text NOT NULL, seq bigint NOT NULL, message text NOT NULL, replaying boolean NOT NULL)",
];
const INSERT: &str =
    "INSERT INTO effects (stream, seq, message, replaying) VALUES ($1, $2, $3, $4)";

/// Writes a row for each event.
#[derive(Debug)]
pub(crate) struct Recorder {
    group: GroupId,
    needs: Needs,
}

impl Register for Recorder {
    fn reactor() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: GroupId::new(GROUP).expect("a fixed name"),
            needs: Needs::default(),
        })
    }
}

#[async_trait]
impl Reactor for Recorder {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        types().to_vec()
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let mut handled = Handled::default();
        if let Err(failure) = Trouble.maybe().await {
            handled.failure = Some(failure);
            return Ok(handled);
        }
        let events = batch.deliveries.iter().map(|delivery| Event {
            seq: delivery.message.seq.get(),
            id: delivery.message.id,
            replaying: delivery.replaying,
        });
        handled.upto = batch
            .deliveries
            .last()
            .map(|delivery| delivery.message.position);
        handled.syncs.push(Arc::new(Record {
            stream: batch.stream.to_string(),
            events: events.collect(),
        }));
        Ok(handled)
    }
}

#[derive(Debug)]
struct Record {
    stream: String,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Event {
    seq: u64,
    id: MessageId,
    replaying: bool,
}

#[async_trait]
impl SyncAction for Record {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        for event in &self.events {
            let (seq, id) = (i64::try_from(event.seq)?, event.id.to_string());
            if let Ok(connection) = tx.postgres() {
                let insert = sqlx::query(INSERT).bind(&self.stream).bind(seq).bind(id);
                insert.bind(event.replaying).execute(connection).await?;
            } else {
                let insert = sqlx::query(INSERT).bind(&self.stream).bind(seq).bind(id);
                let connection = tx.sqlite()?;
                insert.bind(event.replaying).execute(connection).await?;
            }
        }
        Ok(())
    }
}
