//! Observing: what an app tells of itself.

use std::time::Duration;

use sourced::backend::GroupState;
use sourced::message::Traceparent;
use sourced::prelude::*;
use sourced::{Health, Position};

use crate::backends::On;
use crate::shop::*;

/// Looks until the app is as it is to be.
async fn health_when(app: &App, is_so: impl Fn(&Health) -> bool) -> Health {
    for _ in 0..2_000 {
        let health = app.health().await;
        if is_so(&health) {
            return health;
        }
        app.env().clock.sleep(Duration::from_millis(2)).await;
    }
    panic!("never so: {:?}", app.health().await)
}

pub async fn health_tells_of_the_storage_the_workers_and_the_groups(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    app.dispatch(play("wait").to("till-1")).await.unwrap();
    let health = app.health().await;
    assert!(health.is_ok(), "{health:?}");
    assert!(health.workers.is_empty());
    assert!(health.backend.log_end.unwrap() > Position::START);
    let pending: Vec<_> = health
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.pending_lanes))
        .collect();
    assert_eq!(pending, [("till", Some(1)), ("report", Some(0))]);
    let is_active = |state: &GroupState| state.is_active();
    assert!(
        health
            .groups
            .iter()
            .all(|group| group.state.as_ref().is_some_and(is_active))
    );

    // The value that started them may be dropped; they run, and are seen.
    drop(app.start());
    let has_started = |health: &Health| {
        let workers = &health.workers[0];
        workers.lanes_in_flight == 1 && workers.promoter_succeeded_at.is_some()
    };
    let health = health_when(&app, has_started).await;
    assert!(health.is_ok());
    let workers = &health.workers[0];
    let names: Vec<_> = workers.tasks.iter().map(|task| task.name).collect();
    assert_eq!(names, ["claimer", "renewer", "promoter", "watcher"]);
    assert!(workers.tasks.iter().all(|task| task.restarts == 0));
    let handler = workers.longest_running.as_ref().unwrap();
    assert_eq!(
        (handler.group.as_str(), handler.stream.as_str()),
        ("till", "till-1")
    );
    assert_eq!(handler.type_name.as_str(), "till.play");
    assert!(workers.slow.is_empty());
    let json = serde_json::to_value(&health).unwrap();
    let told = &json["workers"][0]["longest_running"];
    assert_eq!(told["message_id"], handler.message_id.to_string());
    assert_eq!(told["stage"]["handling"], 1);
    assert!(json["backend"]["latency"].is_f64(), "{json}");

    stage.go_on.add_permits(1);
    app.idle().await.unwrap();
    health_when(&app, |health| health.workers[0].longest_running.is_none()).await;
}

pub async fn health_tells_when_workers_are_stopped(on: On) {
    let app = on.app(&Stage::new()).await;
    let (first, second) = (app.start(), app.start());
    let health = app.health().await;
    let ids: Vec<_> = health
        .workers
        .iter()
        .map(|workers| workers.worker)
        .collect();
    assert_eq!(ids, [first.worker(), second.worker()]);
    first.stop().await;
    let health = app.health().await;
    assert_eq!(health.workers.len(), 1);
    assert_eq!(health.workers[0].worker, second.worker());
    second.stop().await;
    assert!(app.health().await.workers.is_empty());
}

pub async fn health_is_ok_while_a_graceful_stop_waits(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let workers = app.start();
    app.dispatch(play("wait").to("till-1")).await.unwrap();
    health_when(&app, |health| health.workers[0].lanes_in_flight == 1).await;
    let has_ended = |health: &Health| !health.workers[0].tasks[0].is_alive;
    let (_, health) = tokio::join!(workers.stop(), async {
        let health = health_when(&app, has_ended).await;
        stage.go_on.add_permits(1);
        health
    });
    assert!(health.workers[0].is_stopping);
    assert!(health.is_ok(), "{health:?}");
}

pub async fn a_slow_handler_is_told_with_what_led_to_it(on: On) {
    let stage = Stage::new();
    let slow_after = Duration::from_millis(50);
    let app = on.app_with(&stage, |options| options.slow_after = slow_after);
    let app = app.await;
    let root = app.dispatch(sell("tea").to("till-1")).await.unwrap();
    let workers = app.start();
    app.idle().await.unwrap();
    let sold = log(&app)
        .await
        .into_iter()
        .find(|message| message.type_name.as_str() == "till.sold");
    let sold = sold.unwrap();

    // A command that the sale has led to, as a reaction would send it.
    let payload = sourced::Payload::encode(&play("wait")).unwrap();
    let id = app.env().ids.next_id().into();
    let now = app.env().clock.now();
    let play = sourced::NewMessage::root(
        id,
        now,
        sourced::TypeName::of::<Play>(),
        sourced::Kind::Command,
        payload,
    );
    let append = sourced::backend::StreamAppend {
        stream: sold.stream_id.clone(),
        expected: sourced::ExpectedSeq::Any,
        messages: vec![play.caused_by(&sold)],
    };
    app.backend().append(vec![append]).await.unwrap();

    let health = health_when(&app, |health| !health.workers[0].slow.is_empty()).await;
    let handler = &health.workers[0].slow[0];
    assert_eq!((handler.message_id, handler.attempt), (id, 1));
    assert_eq!(handler.correlation_id, root.id.into());
    let causes = handler.causes.as_ref().unwrap();
    let causes: Vec<_> = causes
        .iter()
        .map(|cause| (cause.type_name.as_str(), cause.message_id))
        .collect();
    assert_eq!(causes, [("till.sold", sold.id), ("till.sell", root.id)]);
    assert!(health.is_ok(), "slow is not broken");

    stage.go_on.add_permits(1);
    app.idle().await.unwrap();
    health_when(&app, |health| health.workers[0].slow.is_empty()).await;
    workers.stop().await;
}

pub async fn a_handler_is_slow_by_one_message_and_not_by_its_batch(on: On) {
    let stage = Stage::new();
    let slow_after = Duration::from_mins(1);
    let app = on.app_with(&stage, |options| options.slow_after = slow_after);
    let app = app.await;
    let commands = ["one", "wait", "wait"].map(|part| play(part).to("till-1"));
    let receipts = app.dispatch_all(commands).await.unwrap();
    let workers = app.start();
    for (n, receipt) in receipts.iter().enumerate().skip(1) {
        let health = health_when(&app, |health| {
            let handler = health.workers[0].longest_running.as_ref();
            handler.is_some_and(|handler| handler.message_id == receipt.id)
        })
        .await;
        let handler = health.workers[0].longest_running.clone().unwrap();
        assert_eq!(handler.seq.get(), n as u64 + 1);
        stage.go_on.add_permits(1);
    }
    app.idle().await.unwrap();
    workers.stop().await;
}

pub async fn a_trace_is_handed_on_from_cause_to_effect(on: On) {
    let app = on.app(&Stage::new()).await;
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let gateway = app.gateway(app.commands());
    let command = gateway
        .command("till.sell", r#"{"product": "tea"}"#)
        .to("till-1")
        .traced(Some(header), Some("shop=1"))
        .accept()
        .await
        .unwrap();
    let workers = app.start();
    app.dispatch(command).await.unwrap();
    app.idle().await.unwrap();
    let log = log(&app).await;
    assert_eq!(log.len(), 4, "sell, sold, note, noted");
    for message in log {
        let traceparent = message
            .metadata
            .traceparent()
            .map(|it: Traceparent| it.to_string());
        assert_eq!(traceparent.as_deref(), Some(header));
        assert_eq!(message.metadata.tracestate(), Some("shop=1"));
    }
    workers.stop().await;
}
