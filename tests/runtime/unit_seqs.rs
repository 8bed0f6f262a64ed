//! What a handler is told of a message's place inside a unit: the seq it will be stored with.

use sourced::backend::ReadStream;
use sourced::prelude::*;
use sourced::{Kind, StreamId};

use crate::backends::On;

#[derive(Debug, Default)]
struct Gate;

#[actor]
impl Gate {
    #[command]
    fn pass(&self) -> Passed {
        Passed
    }

    #[event]
    fn passed(&mut self) {}
}

/// Writes down the seqs it is told of.
#[derive(Debug, Default)]
struct Seqs(Vec<u64>);

#[projector]
impl Seqs {
    #[event]
    fn passed(&mut self, event: &Message<Passed>) {
        self.0.push(event.seq.get());
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("seqs", "gate-1", &self.0).await
    }
}

async fn app(on: &On) -> App {
    let app = on.builder().register::<Gate>().register::<Seqs>();
    app.build().await.unwrap()
}

async fn seqs(app: &App) -> Vec<u64> {
    app.document("seqs", "gate-1").await.unwrap().unwrap()
}

async fn stored(app: &App) -> Vec<u64> {
    let read = ReadStream::all(StreamId::new("gate-1").unwrap()).only(Kind::Event);
    let events = app.backend().read_stream(read).await.unwrap();
    events.iter().map(|event| event.seq.get()).collect()
}

pub async fn a_projector_is_told_the_seq_that_is_stored(on: On) {
    let app = app(&on).await;
    // Commands that still wait have seqs, too.
    app.dispatch(Pass.to("gate-1")).await.unwrap();
    app.dispatch(Pass.to("gate-1")).await.unwrap();
    app.unit().handle(Pass.to("gate-1")).await.unwrap();
    assert_eq!(seqs(&app).await, [4]);
    assert_eq!(stored(&app).await, [4]);
}

pub async fn a_command_that_is_not_stored_takes_no_seq(on: On) {
    let app = app(&on).await;
    let unit = app.unit().without_commands();
    unit.handle(Pass.to("gate-1")).await.unwrap();
    unit.handle(Pass.to("gate-1")).await.unwrap();
    assert_eq!(seqs(&app).await, [1, 2]);
    assert_eq!(stored(&app).await, [1, 2]);
}

pub async fn the_seq_holds_while_commands_keep_arriving(on: On) {
    let app = app(&on).await;
    let dispatching = async {
        for _ in 0..30 {
            app.dispatch(Pass.to("gate-1")).await.unwrap();
        }
    };
    let handling = async {
        for _ in 0..10 {
            app.unit().handle(Pass.to("gate-1")).await.unwrap();
        }
    };
    tokio::join!(dispatching, handling);
    assert_eq!(seqs(&app).await, stored(&app).await);
}
