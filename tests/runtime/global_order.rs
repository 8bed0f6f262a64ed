//! Table projections in global order: every event once, whatever stream it is in, in the order of positions.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sourced::backend::{Group, GroupOrder, StartFrom, TruncateError};
use sourced::message::TypeName;
use sourced::prelude::*;
use sourced::table::table_of;
use sourced::{
    ArchiveError, BuildError, GroupId, Position, ReactorOptions, RetryPolicy, SeenError, Selection,
    Seq, StoredMessage, Truncate, WorkerOptions,
};

use crate::backends::On;

#[derive(Debug, Default)]
pub struct Page;

#[actor]
impl Page {
    #[command]
    fn write(&self, text: String) -> Written {
        Written { text }
    }

    #[event]
    fn written(&mut self, _text: String) {}

    #[command]
    fn tear(&self) -> Torn {
        Torn
    }

    #[event]
    fn torn(&mut self) {}
}

/// One row of all pages, which notices what comes out of order, twice or not at all.
#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "journal")]
pub struct Journal {
    #[key]
    name: String,
    lines: u64,
    last: u64,
    digest: i64,
}

#[projector(global_order)]
impl Journal {
    #[event(key = Self::name)]
    fn written(row: Option<Self>, event: &Message<Written>) -> Self {
        assert_ne!(event.payload.text, "panic", "as told");
        let position = event.position.get();
        let mut row = row.unwrap_or_else(|| Self {
            name: Self::name(event),
            lines: 0,
            last: 0,
            digest: 0,
        });
        assert!(row.last < position, "{position} after {}", row.last);
        row.lines += 1;
        row.last = position;
        row.digest = digest(row.digest, position);
        row
    }

    fn name(_: &Message<Written>) -> String {
        "all".to_owned()
    }
}

fn digest(so_far: i64, position: u64) -> i64 {
    so_far.wrapping_mul(31).wrapping_add_unsigned(position)
}

fn write(text: &str) -> Write {
    Write {
        text: text.to_owned(),
    }
}

async fn app(on: &On) -> App {
    let retry = RetryPolicy::default()
        .attempts(3)
        .first_pause(Duration::from_millis(1));
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .stop_within(Duration::ZERO)
        .retry(retry);
    let builder = on.builder().register::<Page>().workers(options);
    // In more than one batch.
    let own = ReactorOptions::default().messages_per_lane(7);
    let builder = builder.register_with::<Journal>(own);
    builder.build().await.unwrap()
}

async fn journal(app: &App) -> Option<Journal> {
    app.rows::<Journal>().get("all").await.unwrap()
}

/// What the journal has to be: the fold of the log.
async fn of_the_log(app: &App) -> Journal {
    let written = Selection::all().of::<Written>();
    let log: Vec<_> = app.log(written).stream().try_collect().await.unwrap();
    let positions = log.iter().map(|message| message.position.get());
    Journal {
        name: "all".to_owned(),
        lines: log.len() as u64,
        last: positions.clone().next_back().unwrap(),
        digest: positions.fold(0, digest),
    }
}

async fn is_the_fold_of_the_log(app: &App) {
    assert_eq!(journal(app).await, Some(of_the_log(app).await));
}

async fn write_some(app: &App, round: usize) {
    let all = (0..60).map(|n| write("a line").to(format!("page-{}", (n + round) % 13)));
    app.dispatch_all(all).await.unwrap();
}

pub async fn in_global_order_by_workers_of_two_processes(on: On) {
    let (one, two) = (app(&on).await, app(&on).await);
    let running = [one.start(), two.start()];
    for round in 0..4 {
        write_some(if round % 2 == 0 { &one } else { &two }, round).await;
        let page = one.actor::<Page>("page-by-hand");
        page.write("a line".to_owned()).await.unwrap();
    }
    assert!(one.idle().await.unwrap().is_done());
    assert_eq!(journal(&two).await.unwrap().lines, 244);
    is_the_fold_of_the_log(&one).await;
    for running in running {
        running.stop().await;
    }
}

pub async fn each_event_once_when_workers_are_cut_off(on: On) {
    let app = app(&on).await;
    for round in 0..6 {
        write_some(&app, round).await;
        let running = app.start();
        let while_it_runs = Duration::from_millis(3 + round as u64 * 4);
        app.env().clock.sleep(while_it_runs).await;
        // It waits for nobody: tasks end wherever they are.
        running.stop().await;
    }
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(journal(&app).await.unwrap().lines, 360);
    is_the_fold_of_the_log(&app).await;
    running.stop().await;
}

pub async fn quarantine_of_one_event_holds_up_what_comes_after_it_in_any_stream(on: On) {
    let app = app(&on).await;
    for (page, text) in [
        ("page-1", "a"),
        ("page-2", "b"),
        ("page-2", "panic"),
        ("page-3", "c"),
        ("page-1", "d"),
    ] {
        let page = app.actor::<Page>(page);
        page.write(text.to_owned()).await.unwrap();
    }
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    // What came before it is saved.
    assert_eq!(journal(&app).await.unwrap().lines, 2);
    let health = app.health().await;
    let of_journal = health
        .groups
        .iter()
        .find(|it| it.group.as_str() == "journal");
    assert_eq!(of_journal.unwrap().parked_lanes, Some(1));

    let group = app.group::<Journal>();
    let parked = group.parked(None, 10).await.unwrap().remove(0);
    assert_eq!((&parked.stream, parked.attempts), (&StreamId::log(), 3));
    let failure = &parked.failure;
    assert_eq!(failure.stream.as_str(), "page-2");
    let position = failure.position;
    let place = format!("`page-2` (position {position})");
    for part in ["`journal`", "`page.written`", &place, "as told"] {
        assert!(failure.error.contains(part), "{part}: {}", failure.error);
    }
    let (behind, within) = (log_of(&app, "page-3").await, Duration::from_secs(5));
    let told = app.seen_by::<Journal>(&behind, within).await;
    let error = told.unwrap_err();
    assert!(matches!(error, SeenError::Parked { .. }), "{error}");

    let log = parked.stream.clone();
    group
        .retry_parked(log.clone(), "it may pass")
        .await
        .unwrap();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    group.skip(log, position, "it is none").await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(journal(&app).await.unwrap().lines, 4);
    let skipped = group.skipped(None, 10).await.unwrap();
    assert_eq!(skipped[0].stream.as_str(), "page-2");
    running.stop().await;
}

async fn log_of(app: &App, stream: &str) -> Vec<StoredMessage> {
    let of_stream = Selection::all().streams([StreamId::new(stream).unwrap()]);
    let feed = app.log(of_stream.of::<Written>());
    feed.stream().try_collect().await.unwrap()
}

pub async fn a_rebuild_and_a_restart_count_everything_once(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let group = app.group::<Journal>();
    for round in 0..5 {
        write_some(&app, round).await;
        // While handlers run, and while the last rebuild does.
        group.rebuild().await.unwrap();
    }
    group.stop("for a look").await.unwrap();
    write_some(&app, 5).await;
    let table = table_of::<Journal>();
    running.stop().await;
    app.backend().drop_table(&table).await.unwrap();

    // The next start makes it anew, and fills it.
    let app = self::app(&on).await;
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().stopped, [group.id().clone()]);
    assert_eq!(journal(&app).await, None);
    group.start().await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(journal(&app).await.unwrap().lines, 360);
    is_the_fold_of_the_log(&app).await;
    let progress = group.progress().await.unwrap();
    assert_eq!((progress.left(), progress.is_replaying), (0, false));
    running.stop().await;
}

pub async fn what_a_unit_leaves_to_workers_is_seen(on: On) {
    let app = app(&on).await;
    let outcome = app.unit().handle(write("a").to("page-1")).await.unwrap();
    assert_eq!(journal(&app).await, None);
    let lanes = outcome.left_to_workers();
    assert_eq!(lanes[0].group.as_str(), "journal");
    let running = app.start();
    let within = Duration::from_secs(20);
    app.seen_by::<Journal>(outcome.messages(), within)
        .await
        .unwrap();
    assert_eq!(journal(&app).await.unwrap().lines, 1);
    let receipt = app.dispatch(write("b").to("page-2")).await.unwrap();
    receipt.seen_by::<Journal>(within).await.unwrap();
    assert_eq!(journal(&app).await.unwrap().lines, 2);
    running.stop().await;
}

pub async fn never_skipped_by_archiving(on: On) {
    let app = app(&on).await;
    for page in ["page-1", "page-2"] {
        let page = app.actor::<Page>(page);
        page.write("a".to_owned()).await.unwrap();
    }
    let last = Truncate::upto(Seq::new(2).unwrap()).even_without_snapshot();
    let refused = app.truncate("page-2", last.clone()).await;
    let Err(ArchiveError::Truncate(TruncateError::Waiting { group, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(group.as_str(), "journal");
    let running = app.start();
    app.idle().await.unwrap();
    assert_eq!(app.truncate("page-2", last).await.unwrap(), 2);
    running.stop().await;
}

/// A lane that has ended makes room for the next claim by itself: whoever looks only once an hour comes to the end, too.
pub async fn never_skipped_by_workers_that_seldom_look(on: On) {
    let seldom = WorkerOptions::default()
        .poll_min(Duration::from_hours(1))
        .poll_max(Duration::from_hours(1));
    let own = ReactorOptions::default().messages_per_lane(2);
    let builder = on.builder().register::<Page>().workers(seldom);
    let app = builder.register_with::<Journal>(own).build().await.unwrap();
    for n in 0..30 {
        let page = app.actor::<Page>(format!("page-{n}"));
        for _ in 0..4 {
            page.write("some".to_owned()).await.unwrap();
        }
    }
    let running = app.start();
    let all = async {
        while journal(&app).await != Some(of_the_log(&app).await) {
            app.env().clock.sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = all => {}
        () = app.env().clock.sleep(Duration::from_mins(1)) => panic!("{:?}", journal(&app).await),
    }
    running.stop().await;
}

pub async fn it_begins_where_it_is_told(on: On) {
    let app = app(&on).await;
    write_some(&app, 0).await;
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let start = of_the_log(&app).await.last;
    let app = on.builder().register::<Page>();
    let options = ReactorOptions::default().start_from(StartFrom::After(Position::new(start)));
    let app = app.register_with::<later::Later>(options);
    let app = app.build().await.unwrap();
    let running = app.start();
    for _ in 0..3 {
        app.dispatch(write("later").to("page-1")).await.unwrap();
    }
    app.idle().await.unwrap();
    let rows = app.rows::<later::Later>().all().await.unwrap();
    assert_eq!(rows.len(), 3);
    running.stop().await;
}

mod later {
    use super::Written;
    use sourced::prelude::*;

    #[derive(Debug, Projection)]
    pub struct Later {
        #[key]
        position: u64,
    }

    #[projector(global_order)]
    impl Later {
        #[event(key = Self::place)]
        fn written(event: &Message<Written>) -> Self {
            let position = Self::place(event);
            Self { position }
        }

        fn place(event: &Message<Written>) -> u64 {
            event.position.get()
        }
    }
}

/// What `Journal` is in another version of the program.
mod next {
    use super::{Torn, Written};
    use sourced::prelude::*;

    #[derive(Debug, Projection)]
    #[projection(table = "journal")]
    pub struct Journal {
        #[key]
        name: String,
        pub lines: u64,
        last: u64,
        digest: i64,
    }

    #[projector(global_order)]
    impl Journal {
        #[event(key = Self::name)]
        fn written(row: Option<Self>, event: &Message<Written>) -> Self {
            Self::with(row, event)
        }

        #[event(key = Self::name)]
        fn torn(row: Option<Self>, event: &Message<Torn>) -> Self {
            Self::with(row, event)
        }

        fn with<E>(row: Option<Self>, event: &Message<E>) -> Self {
            let position = event.position.get();
            Self {
                name: Self::name(event),
                lines: 1 + row.map_or(0, |row| row.lines),
                last: position,
                digest: 0,
            }
        }

        fn name<E>(_: &Message<E>) -> String {
            "all".to_owned()
        }
    }
}

pub async fn what_would_break_the_order_is_refused_when_the_app_is_built(on: On) {
    let first = app(&on).await;
    let page = first.actor::<Page>("page-1");
    page.write("a".to_owned()).await.unwrap();
    page.tear().await.unwrap();
    page.write("b".to_owned()).await.unwrap();
    let running = first.start();
    first.idle().await.unwrap();
    running.stop().await;

    let with_torn = || on.builder().register::<next::Journal>();
    let error = with_torn().build().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BuildError::Backend(_)), "{text}");
    for part in ["`journal`", "`page.torn`", "global order", "rebuild"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // As it says.
    let group = first.group::<Journal>();
    group.stop("a new version").await.unwrap();
    group.rebuild().await.unwrap();
    let second = with_torn().build().await.unwrap();
    second.group::<next::Journal>().start().await.unwrap();
    let running = second.start();
    assert!(second.idle().await.unwrap().is_done());
    let rows = second.rows::<next::Journal>().all().await.unwrap();
    assert_eq!(rows[0].lines, 3);
    running.stop().await;
    let earlier = on.builder().register::<Journal>().build().await;
    let error = earlier.unwrap_err().to_string();
    assert!(error.contains("not to handle any more"), "{error}");

    // The name of a group that handles streams is taken.
    let streams = Group {
        id: GroupId::new("later").unwrap(),
        types: vec![TypeName::new("page.written").unwrap()],
        start_from: StartFrom::Beginning,
        order: GroupOrder::PerStream,
    };
    first.backend().register_group(&streams).await.unwrap();
    let taken = on.builder().register::<later::Later>().build().await;
    let error = taken.unwrap_err().to_string();
    assert!(error.contains("an order cannot change"), "{error}");
}
