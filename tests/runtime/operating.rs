//! Operating groups: stopping, starting and resetting them while workers run.

use std::time::Duration;

use futures_util::StreamExt as _;
use sourced::GroupRef;
use sourced::backend::{BackendError, ResetFrom, StartFrom};
use sourced::prelude::*;

use crate::backends::On;
use crate::shop::*;

pub async fn replay_is_marked_so_a_reset_projects_again_and_dispatches_nothing(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    for till in ["till-1", "till-2"] {
        app.dispatch(sell("tea").to(till)).await.unwrap();
    }
    app.idle().await.unwrap();
    let before = log(&app).await;
    app.group::<Till>()
        .reset(ResetFrom::Beginning)
        .await
        .unwrap();
    let reports = app.group::<Report>();
    reports.reset(ResetFrom::Beginning).await.unwrap();
    reports
        .reset_stream("till-2", ResetFrom::Beginning)
        .await
        .unwrap();
    app.dispatch(sell("cup").to("till-1")).await.unwrap();
    app.idle().await.unwrap();
    assert_eq!(log(&app).await.len(), before.len() + 4);
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 2);
    assert_eq!(report(&app, "till-2").await.unwrap().n_sold, 1);
    running.stop().await;
}

pub async fn a_stopped_group_waits_over_restarts_until_it_is_started(on: On) {
    let app = on.app(&Stage::new()).await;
    app.group::<Report>()
        .stop("the printer is away")
        .await
        .unwrap();
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    app.dispatch(sell("tea").to("till-1")).await.unwrap();
    let idle = app.idle().await.unwrap();
    assert_eq!(idle.stopped, [app.group::<Report>().id().clone()]);
    assert_eq!(report(&app, "till-1").await, None);
    assert!(!app.group::<Report>().state().await.unwrap().is_active());
    app.group::<Report>().start().await.unwrap();
    app.idle().await.unwrap();
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 1);
    running.stop().await;
}

pub async fn the_progress_of_a_replay_is_told_until_it_is_through(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    for _ in 0..5 {
        app.dispatch(sell("tea").to("till-1")).await.unwrap();
    }
    app.idle().await.unwrap();
    let reports = app.group::<Report>();
    // Work is not waiting for it any more; what is not for it may still have to be passed.
    is_through(&reports).await;
    running.stop().await;

    reports.reset(ResetFrom::Beginning).await.unwrap();
    let mut paces = reports.watch_progress(Duration::from_millis(5));
    let first = paces.next().await.unwrap().unwrap();
    assert!(first.progress.left() > 0, "{first:?}");
    assert_eq!((first.per_second, first.time_left), (None, None));
    let running = app.start();
    is_through(&reports).await;
    running.stop().await;
    reports.remove().await.unwrap();
    let unknown = paces.next().await.unwrap();
    assert!(matches!(unknown, Err(BackendError::UnknownGroup(_))));
}

/// Waits until it has come to the end of the log.
async fn is_through<R>(group: &GroupRef<R>) {
    let mut paces = group.watch_progress(Duration::from_millis(5));
    let through = loop {
        let pace = paces.next().await.unwrap().unwrap();
        if pace.progress.left() == 0 {
            break pace;
        }
    };
    assert_eq!(through.time_left, Some(Duration::ZERO));
    assert!(!through.progress.is_replaying);
}

pub async fn a_group_begins_where_it_is_told_and_anew_when_it_was_removed(on: On) {
    let sold_before = async |start: StartFrom| {
        let app = on
            .builder()
            .register::<Till>()
            .register_from::<Report>(start)
            .resource(Stage::new())
            .build()
            .await
            .unwrap();
        let running = app.start();
        app.idle().await.unwrap();
        running.stop().await;
        let report = report(&app, "till-1").await;
        app.group::<Report>().remove().await.unwrap();
        report
    };
    let app = on
        .builder()
        .register::<Till>()
        .resource(Stage::new())
        .build()
        .await
        .unwrap();
    let running = app.start();
    app.dispatch(sell("tea").to("till-1")).await.unwrap();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(sold_before(StartFrom::Now).await, None);
    assert_eq!(sold_before(StartFrom::Beginning).await.unwrap().n_sold, 1);
}
