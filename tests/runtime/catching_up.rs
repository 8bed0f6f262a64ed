//! Table projections that are far behind: of a long log of many short streams, everything is in the tables once.

use std::collections::BTreeMap;
use std::time::Duration;

use sourced::backend::StreamAppend;
use sourced::prelude::*;
use sourced::reactor::Register;
use sourced::{
    AppBuilder, ExpectedSeq, Kind, NewMessage, Payload, RetryPolicy, TypeName, WorkerOptions,
};
use sourced_testing::Op;

use crate::backends::On;

const STREAMS: u32 = 1_500;

#[event("parcel.moved")]
pub struct Moved {
    pub place: u32,
    pub grams: u64,
}

/// A row per stream.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "whereabouts")]
pub struct Whereabouts {
    #[key]
    parcel: StreamId,
    moves: u32,
    /// Another order of the same events comes to another number.
    trail: i64,
    grams: u64,
}

impl Whereabouts {
    fn of_stream(event: &Message<Moved>) -> StreamId {
        event.stream_id.clone()
    }

    fn after(row: Option<Self>, event: &Message<Moved>) -> Self {
        let row = row.unwrap_or_else(|| Self {
            parcel: event.stream_id.clone(),
            moves: 0,
            trail: 0,
            grams: 0,
        });
        Self {
            moves: row.moves + 1,
            trail: row.trail * 31 + i64::from(event.payload.place) + 1,
            grams: event.payload.grams.min(1 << 40),
            ..row
        }
    }
}

#[projector("whereabouts")]
impl Whereabouts {
    #[event(key = Self::of_stream)]
    fn moved(row: Option<Self>, event: &Message<Moved>) -> Self {
        Self::after(row, event)
    }
}

/// The place at which [`bad::Whereabouts`] panics.
const NOWHERE: u32 = 666;

/// As it was before somebody mended it.
mod bad {
    use super::{Moved, NOWHERE};
    use sourced::prelude::*;

    #[derive(Debug, Projection)]
    #[projection(table = "whereabouts")]
    pub struct Whereabouts {
        #[key]
        parcel: StreamId,
        moves: u32,
        trail: i64,
        grams: u64,
    }

    #[projector("whereabouts")]
    impl Whereabouts {
        #[event(key = Self::of_stream)]
        fn moved(row: Option<Self>, event: &Message<Moved>) -> Self {
            assert_ne!(event.payload.place, NOWHERE, "there is no such place");
            let row = row.unwrap_or_else(|| Self {
                parcel: event.stream_id.clone(),
                moves: 0,
                trail: 0,
                grams: 0,
            });
            Self {
                moves: row.moves + 1,
                trail: row.trail * 31 + i64::from(event.payload.place) + 1,
                // No column can hold the largest ones.
                grams: event.payload.grams,
                ..row
            }
        }

        fn of_stream(event: &Message<Moved>) -> StreamId {
            event.stream_id.clone()
        }
    }
}

/// What version 2 adds to what it has counted.
const OFFSET: u32 = 1_000_000;

/// The same, but counted otherwise.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "whereabouts")]
pub struct WhereaboutsOfTwo {
    #[key]
    parcel: StreamId,
    moves: u32,
    trail: i64,
    grams: u64,
}

#[projector("whereabouts", version = 2)]
impl WhereaboutsOfTwo {
    #[event(key = Whereabouts::of_stream)]
    fn moved(row: Option<Self>, event: &Message<Moved>) -> Self {
        let before = row.map(|row| Whereabouts {
            parcel: row.parcel,
            moves: row.moves - OFFSET,
            trail: row.trail,
            grams: row.grams,
        });
        let row = Whereabouts::after(before, event);
        Self {
            parcel: row.parcel,
            moves: row.moves + OFFSET,
            trail: row.trail,
            grams: row.grams,
        }
    }
}

/// A row of many streams.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "depots")]
pub struct Depot {
    #[key]
    place: u32,
    moves: u32,
}

#[projector("depots")]
impl Depot {
    #[event]
    fn moved(row: Option<Self>, event: &Moved) -> Self {
        let moves = row.map_or(0, |row| row.moves) + 1;
        let place = event.place;
        Self { place, moves }
    }
}

/// What the tables have to be.
#[derive(Debug, Default)]
struct Fold {
    /// The moves, the trail and the last weight.
    parcels: BTreeMap<String, (u32, i64, u64)>,
    depots: BTreeMap<u32, u32>,
}

impl Fold {
    fn add(&mut self, stream: &str, event: &Moved) {
        let (moves, trail, grams) = self.parcels.entry(stream.to_owned()).or_default();
        *moves += 1;
        *trail = *trail * 31 + i64::from(event.place) + 1;
        *grams = event.grams.min(1 << 40);
        *self.depots.entry(event.place).or_default() += 1;
    }

    /// Appends one event to each of these streams.
    async fn append(&mut self, app: &App, events: impl IntoIterator<Item = (u32, Moved)>) {
        let message = |event: &Moved| {
            NewMessage::root(
                app.env().ids.next_id().into(),
                app.env().clock.now(),
                TypeName::of::<Moved>(),
                Kind::Event,
                Payload::encode(event).unwrap(),
            )
        };
        let append = |(nth, event): (u32, Moved)| {
            let stream = format!("parcel-{nth}");
            self.add(&stream, &event);
            StreamAppend {
                stream: StreamId::new(stream).unwrap(),
                expected: ExpectedSeq::Any,
                messages: vec![message(&event)],
            }
        };
        let appends = events.into_iter().map(append).collect();
        app.backend().append(appends).await.unwrap();
    }

    /// Two events in each of many streams, which alternate.
    async fn fill(&mut self, app: &App) {
        for round in 0..2 {
            let event = |nth| (nth, moved((nth * 7 + round) % 40));
            self.append(app, (0..STREAMS).map(event)).await;
        }
    }

    /// The tables are what the log says, but for these streams.
    async fn is_in_the_tables(&self, app: &App, but: &[&str]) {
        self.is_of_each_stream(app, but).await;
        let rows = app.rows::<Depot>().all().await.unwrap();
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.place, row.moves)).collect();
        assert_eq!(rows, self.depots);
    }

    async fn is_of_each_stream(&self, app: &App, but: &[&str]) {
        let rows = app.rows::<Whereabouts>().all().await.unwrap();
        let rows = rows.into_iter().map(|row| {
            let values = (row.moves % OFFSET, row.trail, row.grams);
            (row.parcel.to_string(), values)
        });
        let is_meant = |(stream, _): &(String, _)| !but.contains(&stream.as_str());
        let rows: BTreeMap<_, _> = rows.filter(is_meant).collect();
        let expected = self.parcels.clone().into_iter().filter(is_meant);
        assert_eq!(rows, expected.collect());
    }
}

fn moved(place: u32) -> Moved {
    let grams = u64::from(place) * 10;
    Moved { place, grams }
}

fn options() -> WorkerOptions {
    let retry = RetryPolicy::default()
        .attempts(3)
        .first_pause(Duration::from_millis(1));
    WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .stop_within(Duration::ZERO)
        .retry(retry)
}

async fn app_of<P: Register>(builder: AppBuilder) -> App {
    let builder = builder.workers(options()).register::<Depot>();
    builder.register::<P>().build().await.unwrap()
}

/// A program that has no projector yet.
async fn writer(on: &On) -> App {
    on.builder().build().await.unwrap()
}

pub async fn never_skipped_by_a_projector_that_is_registered_late(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let app = app_of::<Whereabouts>(on.builder()).await;
    let group = app.group::<Whereabouts>();
    let before = group.progress().await.unwrap();
    assert!(before.left() >= u64::from(2 * STREAMS), "{before:?}");
    let running = app.start();
    let idle = app.idle();
    let mut handled = before.handled_upto;
    let watched = async {
        // What is told to be handled is in the table, and stays so.
        while handled < before.log_end {
            let now = group.progress().await.unwrap();
            assert!(now.handled_upto >= handled, "{now:?} after {handled}");
            assert!(!now.is_replaying, "{now:?}");
            handled = now.handled_upto;
            if handled == before.log_end {
                fold.is_of_each_stream(&app, &[]).await;
            }
            app.env().clock.sleep(Duration::from_millis(2)).await;
        }
    };
    let (idle, ()) = tokio::join!(idle, watched);
    assert!(idle.unwrap().is_done());
    fold.is_in_the_tables(&app, &[]).await;
    // And from now on what happens.
    for nth in [3, STREAMS + 1, 3] {
        fold.append(&writer, [(nth, moved(41))]).await;
        assert!(app.idle().await.unwrap().is_done());
        fold.is_in_the_tables(&app, &[]).await;
    }
    running.stop().await;
}

pub async fn quarantine_of_one_event_among_many_parks_its_stream_alone(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let too_heavy = Moved {
        place: 8,
        grams: u64::MAX,
    };
    fold.append(&writer, [(700, moved(NOWHERE))]).await;
    fold.fill(&writer).await;
    fold.append(&writer, [(900, too_heavy)]).await;
    let others = (0..STREAMS).filter(|nth| *nth != 900);
    let others = others.map(|nth| (nth, moved(9)));
    fold.append(&writer, others).await;
    let app = app_of::<bad::Whereabouts>(on.builder()).await;
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 2);
    let parked = app.group::<bad::Whereabouts>();
    let mut parked = parked.parked(None, 10).await.unwrap();
    parked.sort_by_key(|parked| parked.stream.clone());
    for (parked, (stream, seq, says)) in parked.iter().zip([
        ("parcel-700", 3, "there is no such place"),
        ("parcel-900", 5, "`whereabouts.grams` cannot hold"),
    ]) {
        assert_eq!((parked.stream.as_str(), parked.attempts), (stream, 3));
        let error = &parked.failure.error;
        assert!(error.contains(says), "{error}");
        assert_eq!(parked.failure.seq.get(), seq, "those before it are handled");
    }
    let rows = app.rows::<bad::Whereabouts>().all().await.unwrap();
    assert_eq!(rows.len(), fold.parcels.len());
    running.stop().await;

    let app = app_of::<Whereabouts>(on.builder()).await;
    let but = ["parcel-700", "parcel-900"];
    fold.is_in_the_tables(&app, &but).await;
    let running = app.start();
    let group = app.group::<Whereabouts>();
    assert_eq!(group.retry_all_parked("mended").await.unwrap(), 2);
    assert!(app.idle().await.unwrap().is_done());
    fold.is_in_the_tables(&app, &[]).await;
    running.stop().await;
}

pub async fn each_event_once_by_several_processes_that_are_cut_off(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let apps = [
        app_of::<Whereabouts>(on.builder()).await,
        app_of::<Whereabouts>(on.builder()).await,
    ];
    for round in 0..4 {
        let running = [apps[0].start(), apps[1].start()];
        let pause = Duration::from_millis(5 + round * 10);
        writer.env().clock.sleep(pause).await;
        fold.append(&writer, [(3, moved(5)), (STREAMS, moved(6))])
            .await;
        // They wait for nobody: tasks end wherever they are.
        for running in running {
            running.stop().await;
        }
    }
    fold.fill(&writer).await;
    let running = [apps[0].start(), apps[1].start()];
    assert!(apps[0].idle().await.unwrap().is_done());
    fold.is_in_the_tables(&apps[1], &[]).await;
    for running in running {
        running.stop().await;
    }
}

pub async fn each_event_once_when_answers_are_lost(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let (builder, script) = on.faulty();
    let app = app_of::<Whereabouts>(builder).await;
    for _ in 0..2 {
        script.lose_answer(Op::Ack);
        script.refuse(Op::Ack);
    }
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(script.n_left(), 0);
    fold.is_in_the_tables(&app, &[]).await;
    running.stop().await;
}

pub async fn a_rebuild_counts_everything_once(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let app = app_of::<Whereabouts>(on.builder()).await;
    let running = app.start();
    for round in 0..3 {
        // While it catches up, while the last rebuild does, and when all is done.
        let pause = Duration::from_millis(round * 15);
        app.env().clock.sleep(pause).await;
        app.group::<Whereabouts>().rebuild().await.unwrap();
        app.group::<Depot>().rebuild().await.unwrap();
        fold.append(&writer, [(3, moved(5)), (STREAMS, moved(6))])
            .await;
        if round == 1 {
            assert!(app.idle().await.unwrap().is_done());
            fold.is_in_the_tables(&app, &[]).await;
        }
    }
    assert!(app.idle().await.unwrap().is_done());
    fold.is_in_the_tables(&app, &[]).await;
    running.stop().await;
}

pub async fn a_newer_version_takes_over_when_it_has_caught_up(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    let old = app_of::<Whereabouts>(on.builder()).await;
    let old_workers = old.start();
    fold.fill(&writer).await;
    assert!(old.idle().await.unwrap().is_done());
    let new = on.builder().workers(options());
    let new = new.register::<WhereaboutsOfTwo>().build().await.unwrap();
    let new_workers = new.start();
    let mut nth = 0;
    while !new
        .projection::<WhereaboutsOfTwo>()
        .is_live()
        .await
        .unwrap()
    {
        fold.append(&writer, [(nth, moved(nth % 40))]).await;
        nth += 1;
        new.env().clock.sleep(Duration::from_millis(5)).await;
    }
    let rows = new.rows::<WhereaboutsOfTwo>().all().await.unwrap();
    assert!(rows.iter().all(|row| row.moves > OFFSET));
    assert!(new.idle().await.unwrap().is_done());
    // Its own table waits for a person now, and the other goes on.
    old.idle().await.unwrap();
    fold.is_in_the_tables(&old, &[]).await;
    old_workers.stop().await;
    new_workers.stop().await;
}

pub async fn one_acknowledgement_brings_a_stretch_of_the_log(on: On) {
    let (writer, mut fold) = (writer(&on).await, Fold::default());
    fold.fill(&writer).await;
    let (builder, script) = on.faulty();
    let builder = builder.workers(options());
    let app = builder.register::<Whereabouts>().build().await.unwrap();
    let mut first = script.hold(Op::Ack);
    let mut second = script.hold(Op::Ack);
    let running = app.start();
    first.arrived().await;
    first.let_go();
    second.arrived().await;
    let rows = app.rows::<Whereabouts>().all().await.unwrap();
    assert_eq!(rows.len(), 1_000);
    second.let_go();
    assert!(app.idle().await.unwrap().is_done());
    let rows = app.rows::<Whereabouts>().all().await.unwrap();
    assert_eq!(rows.len(), fold.parcels.len());
    running.stop().await;
}
