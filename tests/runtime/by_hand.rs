//! Reactors written by hand: the runtime catches what they let through.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{BackendError, SyncAction, Tx};
use sourced::prelude::*;
use sourced::reactor::{Batch, Handled, Needs, Reactor, Register};
use sourced::{GroupId, RetryPolicy, TypeName, UnitError, WorkerOptions};

use crate::backends::On;

#[derive(Debug, Default)]
struct Bell;

#[actor]
impl Bell {
    #[command]
    fn ring(&self) -> Rung {
        Rung
    }

    #[event]
    fn rung(&mut self) {}
}

/// What it does is told by the stream: `handle` panics in handling, `sync` in the transaction.
#[derive(Debug)]
struct Clumsy {
    group: GroupId,
    needs: Needs,
}

impl Register for Clumsy {
    fn reactor() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: GroupId::new("clumsy").unwrap(),
            needs: Needs::default(),
        })
    }
}

#[async_trait]
impl Reactor for Clumsy {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        vec![TypeName::of::<Rung>()]
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        assert!(!batch.stream.as_str().starts_with("handle"), "dropped it");
        let mut handled = Handled::default();
        handled.upto = batch.deliveries.last().map(|last| last.message.position);
        handled.syncs.push(Arc::new(Slip(batch.stream.to_string())));
        Ok(handled)
    }
}

#[derive(Debug)]
struct Slip(String);

#[async_trait]
impl SyncAction for Slip {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        assert!(!self.0.starts_with("sync"), "slipped");
        tx.put("bells", &self.0, &1).await
    }
}

pub async fn workers_survive_a_panic_and_count_it_as_an_attempt(on: On) {
    let retry = RetryPolicy::default()
        .attempts(2)
        .first_pause(std::time::Duration::from_millis(1));
    let app = on
        .builder()
        .workers(WorkerOptions::default().retry(retry))
        .register::<Bell>()
        .register::<Clumsy>()
        .build()
        .await
        .unwrap();
    let running = app.start();
    for stream in ["handle-1", "sync-1", "well-1"] {
        app.dispatch(Ring.to(stream)).await.unwrap();
    }
    assert_eq!(app.idle().await.unwrap().parked, 2);
    let parked = app.group::<Clumsy>().parked(None, 10).await.unwrap();
    let mut told: Vec<_> = parked
        .iter()
        .map(|parked| {
            (
                parked.stream.as_str(),
                parked.attempts,
                &parked.failure.error,
            )
        })
        .collect();
    told.sort();
    assert_eq!((told[0].0, told[0].1), ("handle-1", 2));
    assert!(told[0].2.contains("dropped it"), "{}", told[0].2);
    assert_eq!((told[1].0, told[1].1), ("sync-1", 2));
    assert!(told[1].2.contains("slipped"), "{}", told[1].2);
    let bell: Option<u64> = app.document("bells", "well-1").await.unwrap();
    assert_eq!(bell, Some(1));
    running.stop().await;
}

pub async fn a_panic_in_a_unit_stores_nothing_and_is_told(on: On) {
    let app = on
        .builder()
        .register::<Bell>()
        .register::<Clumsy>()
        .build()
        .await
        .unwrap();
    for (stream, text) in [("handle-1", "dropped it"), ("sync-1", "slipped")] {
        let error = app.unit().handle(Ring.to(stream)).await.unwrap_err();
        assert!(!matches!(error, UnitError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(
            app.actor::<Bell>(stream)
                .history()
                .await
                .unwrap()
                .is_empty()
        );
    }
}
