//! Removing the beginning of a stream: whoever needs it is asked before, and told afterwards.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sourced::backend::{BackendError, ResetFrom};
use sourced::prelude::*;
use sourced::{ArchiveError, Outcome, Seq, StoredMessage, Truncate, Unit};

use crate::backends::On;

const STREAM: &str = "meter-1";

/// Shows every event that is missing in it.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    ticks: Vec<u32>,
}

#[actor(snapshot_every = 4)]
impl Meter {
    #[command]
    fn tick(&self) -> Ticked {
        let n = u32::try_from(self.ticks.len()).unwrap();
        Ticked { n }
    }

    #[event]
    fn ticked(&mut self, n: u32) {
        self.ticks.push(n);
    }

    #[reaction]
    fn have_it_printed(&self, _: &Ticked) -> Print {
        Print {
            n_ticks: self.ticks.len(),
        }
    }

    #[command]
    fn print(&self, n_ticks: usize) -> Printed {
        Printed { n_ticks }
    }

    #[event]
    fn printed(&mut self, _n_ticks: usize) {}
}

/// Has no snapshots.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Display {
    ticks: Vec<u32>,
}

#[projector]
impl Display {
    #[event]
    fn ticked(&mut self, ticked: &Ticked) {
        self.ticks.push(ticked.n);
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("displays", "all", self).await
    }
}

/// An app that has to read what it decides on.
async fn app(on: &On) -> App {
    let builder = on.builder().register::<Meter>().known_states(0);
    builder.build().await.unwrap()
}

async fn tick(app: &App, n: usize) {
    for _ in 0..n {
        app.actor::<Meter>(STREAM).tick().await.unwrap();
    }
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
}

async fn end(app: &App) -> Seq {
    app.load::<Meter>(STREAM).await.unwrap().seq().unwrap()
}

/// As far as the snapshot goes.
async fn covered(app: &App) -> Seq {
    let stream = StreamId::new(STREAM).unwrap();
    let group = app.group::<Meter>().id().clone();
    let snapshot = app.backend().snapshot(&group, &stream).await.unwrap();
    snapshot.unwrap().seq
}

fn is_removed(failure: &Failure) -> bool {
    let error = failure.source().downcast_ref::<BackendError>();
    matches!(error, Some(BackendError::Removed { .. }))
}

pub async fn snapshot_is_no_truth_so_a_state_without_its_events_is_an_error(on: On) {
    let app = app(&on).await;
    tick(&app, 3).await;
    let stream = StreamId::new(STREAM).unwrap();
    let group = app.group::<Meter>().id().clone();
    app.backend()
        .delete_snapshot(&group, &stream)
        .await
        .unwrap();
    let truncate = Truncate::upto(Seq::new(2).unwrap());
    match app.truncate(STREAM, truncate.clone()).await {
        Err(ArchiveError::Needed { snapshot: None, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        app.load::<Meter>(STREAM).await.unwrap().state().ticks,
        [0, 1, 2]
    );

    let truncate = truncate.even_without_snapshot();
    assert_eq!(app.truncate(STREAM, truncate).await.unwrap(), 2);
    assert!(is_removed(&app.load::<Meter>(STREAM).await.unwrap_err()));
    assert!(
        is_removed(&app.load::<Meter>(STREAM).await.unwrap_err()),
        "and again"
    );
    let durable = app.actor::<Meter>(STREAM).tick().await;
    assert!(durable.unwrap_err().to_string().contains("removed"));
    let unit: Unit = app.unit();
    assert!(unit.handle(Tick.to(STREAM)).await.is_err());
    assert!(app.actor::<Meter>(STREAM).history().await.is_err());
    assert!(app.actor::<Meter>(STREAM).in_memory().await.is_err());
}

pub async fn a_stream_goes_on_from_the_snapshot_that_its_removal_needed(on: On) {
    let first = app(&on).await;
    tick(&first, 5).await;
    let (upto, last) = (covered(&first).await, end(&first).await);
    let beyond = Truncate::upto(Seq::after(Some(upto)));
    if upto < last {
        match first.truncate(STREAM, beyond).await {
            Err(ArchiveError::Needed { snapshot, .. }) => assert_eq!(snapshot, Some(upto)),
            other => panic!("{other:?}"),
        }
    }
    let removed = first.truncate(STREAM, Truncate::upto(upto)).await.unwrap();
    assert_eq!(removed, upto.get());

    let app = app(&on).await;
    let ticks = |state: &Meter| state.ticks.clone();
    assert_eq!(
        ticks(app.load::<Meter>(STREAM).await.unwrap().state()),
        [0, 1, 2, 3, 4]
    );
    assert_eq!(
        app.actor::<Meter>(STREAM).tick().await.unwrap(),
        Ticked { n: 5 }
    );
    app.unit().handle(Tick.to(STREAM)).await.unwrap();
    app.dispatch(Tick.to(STREAM)).await.unwrap();
    tick(&app, 1).await;
    assert_eq!(
        ticks(app.load::<Meter>(STREAM).await.unwrap().state()),
        (0..9).collect::<Vec<_>>()
    );
    // The actor is not called again for what it has handled, and nothing hangs.
    app.group::<Meter>()
        .reset(ResetFrom::Beginning)
        .await
        .unwrap();
    tick(&app, 1).await;

    // All of it, and then some more.
    tick(&app, 8).await;
    let upto = covered(&app).await;
    app.truncate(STREAM, Truncate::upto(upto)).await.unwrap();
    app.unit().handle(Tick.to(STREAM)).await.unwrap();
    let seen = ticks(app.load::<Meter>(STREAM).await.unwrap().state());
    assert_eq!(seen, (0..19).collect::<Vec<_>>());
}

pub async fn never_skipped_whoever_has_not_handled_it_is_waited_for(on: On) {
    let app = app(&on).await;
    for _ in 0..4 {
        app.actor::<Meter>(STREAM).tick().await.unwrap();
    }
    // There is a snapshot, but nobody has reacted yet.
    let upto = Truncate::upto(Seq::new(2).unwrap());
    assert_eq!(covered(&app).await, end(&app).await);
    for upto in [upto.clone(), upto.clone().even_without_snapshot()] {
        let refused = app.truncate(STREAM, upto).await.unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("yet to handle message 2"), "{refused}");
    }
    tick(&app, 0).await;
    assert_eq!(app.truncate(STREAM, upto).await.unwrap(), 2);
}

pub async fn whoever_reads_from_the_beginning_is_named(on: On) {
    let builder = on.builder().register::<Meter>().register::<Display>();
    let app = builder.build().await.unwrap();
    tick(&app, 8).await;
    let upto = Truncate::upto(covered(&app).await);
    match app.truncate(STREAM, upto.clone()).await {
        Err(ArchiveError::Needed {
            group,
            snapshot: None,
            ..
        }) => assert_eq!(&group, app.group::<Display>().id()),
        other => panic!("{other:?}"),
    }
    // Forced, its stream is parked with the reason instead of showing half of the ticks.
    app.truncate(STREAM, upto.even_without_snapshot())
        .await
        .unwrap();
    app.actor::<Meter>(STREAM).tick().await.unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    running.stop().await;
    let parked = app.group::<Display>().parked(None, 10).await.unwrap();
    assert!(
        parked[0].failure.error.contains("were removed"),
        "{parked:?}"
    );
    assert_eq!(parked[0].attempts, 1, "it does not pass by itself");
}

pub async fn nothing_is_removed_that_the_archive_did_not_take(on: On) {
    let app = app(&on).await;
    tick(&app, 4).await;
    let upto = Truncate::upto(end(&app).await).even_without_snapshot();
    let full = async |_: Vec<StoredMessage>| Err(Failure::msg("the disk is full"));
    let error = app.archive(STREAM, upto.clone(), full).await.unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    let before = app.load::<Meter>(STREAM).await.unwrap().into_state();
    assert_eq!(before.ticks.len(), 4);

    let archive = Mutex::new(Vec::new());
    let keep = async |page: Vec<StoredMessage>| {
        archive
            .lock()
            .unwrap()
            .extend(page.iter().map(StoredMessage::to_line));
        Ok(())
    };
    let removed = app.archive(STREAM, upto.clone(), keep).await.unwrap();
    assert_eq!(removed, archive.lock().unwrap().len() as u64);
    assert_eq!(
        app.archive(STREAM, upto, keep).await.unwrap(),
        0,
        "nothing is left"
    );
    let lines = archive.into_inner().unwrap();
    let messages: Vec<_> = lines
        .iter()
        .map(|line| StoredMessage::from_line(line).unwrap())
        .collect();
    assert_eq!(app.restore(&messages).await.unwrap(), removed);
    let stream = StreamId::new(STREAM).unwrap();
    let group = app.group::<Meter>().id().clone();
    app.backend()
        .delete_snapshot(&group, &stream)
        .await
        .unwrap();
    assert_eq!(
        app.load::<Meter>(STREAM).await.unwrap().into_state(),
        before
    );
}

pub async fn what_was_put_back_can_be_handled_again(on: On) {
    let builder = on.builder().register::<Meter>().register::<Display>();
    let app = builder.build().await.unwrap();
    tick(&app, 4).await;
    let upto = Truncate::upto(end(&app).await).even_without_snapshot();
    let archive = Mutex::new(Vec::new());
    let keep = async |page| {
        archive.lock().unwrap().extend(page);
        Ok(())
    };
    app.archive(STREAM, upto, keep).await.unwrap();
    app.group::<Display>()
        .reset(ResetFrom::Beginning)
        .await
        .unwrap();
    app.actor::<Meter>(STREAM).tick().await.unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    app.restore(&archive.into_inner().unwrap()).await.unwrap();
    let display = app.group::<Display>();
    display
        .reset_stream(STREAM, ResetFrom::Beginning)
        .await
        .unwrap();
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
    let shown: Option<serde_json::Value> = app.document("displays", "all").await.unwrap();
    assert_eq!(shown.unwrap()["ticks"], serde_json::json!([0, 1, 2, 3, 4]));
}

pub async fn same_id_once_for_a_command_that_was_removed(on: On) {
    let app = app(&on).await;
    let id = sourced::MessageId::from_name("the tick");
    let first = app.dispatch(Tick.to(STREAM).with_id(id)).await.unwrap();
    tick(&app, 0).await;
    assert!(matches!(
        app.outcome(id).await.unwrap(),
        Outcome::Applied(_)
    ));
    let upto = Truncate::upto(Seq::new(1).unwrap()).even_without_snapshot();
    app.truncate(STREAM, upto).await.unwrap();
    let again = app.dispatch(Tick.to(STREAM).with_id(id)).await.unwrap();
    assert!(again.already_stored);
    assert_eq!(again.place, first.place);
    assert_eq!(again.outcome().await.unwrap(), Outcome::Removed);
    assert_eq!(app.load::<Meter>(STREAM).await.unwrap().state().ticks, [0]);
}
