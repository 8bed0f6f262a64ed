//! Operating groups: stopping, starting and resetting them while workers run.

use sourced::backend::{ResetFrom, StartFrom};
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
