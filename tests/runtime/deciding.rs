//! Deciding: by workers and by durable methods, on fresh state, once.

use futures_util::future::join_all;
use sourced::prelude::*;
use sourced::{GroupId, Kind, Outcome};

use crate::backends::On;
use crate::shop::*;

pub async fn decided_once_and_its_outcome_can_be_read(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let mut outcomes = Vec::new();
    for n in 0..4 {
        let receipt = app
            .dispatch(sell(&format!("p{n}")).to("till-1"))
            .await
            .unwrap();
        outcomes.push(receipt.outcome().await.unwrap());
    }
    for outcome in &outcomes[..3] {
        let Outcome::Applied(events) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(events.len(), 1);
    }
    assert_eq!(
        outcomes[3],
        Outcome::Refused("the till takes 3 sales only".into())
    );
    assert_eq!(
        app.outcome(app.env().ids.next_id().into()).await.unwrap(),
        Outcome::Unknown
    );
    running.stop().await;
}

pub async fn fresh_state_for_each_command_of_a_batch(on: On) {
    let app = on.app(&Stage::new()).await;
    // All are stored before a worker starts, so that one batch brings them all.
    let receipts = app
        .dispatch_all((0..10).map(|n| sell(&format!("p{n}")).to("till-1")))
        .await
        .unwrap();
    assert_eq!(receipts.len(), 10);
    let running = app.start();
    app.idle().await.unwrap();
    let till = app.load::<Till>("till-1").await.unwrap();
    assert_eq!(till.state().sold, ["p0", "p1", "p2"]);
    for receipt in &receipts[3..] {
        assert!(matches!(
            receipt.outcome().await.unwrap(),
            Outcome::Refused(_)
        ));
    }
    running.stop().await;
}

pub async fn same_id_once_when_a_command_is_dispatched_twice(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let id = app.env().ids.next_id().into();
    let first = app
        .dispatch(sell("tea").to("till-1").with_id(id))
        .await
        .unwrap();
    first.outcome().await.unwrap();
    let second = app
        .dispatch(sell("tea").to("till-1").with_id(id))
        .await
        .unwrap();
    assert!(second.already_stored && !first.already_stored);
    assert_eq!(second.place, first.place);
    app.idle().await.unwrap();
    assert_eq!(
        app.load::<Till>("till-1").await.unwrap().state().sold,
        ["tea"]
    );
    running.stop().await;
}

pub async fn a_durable_method_answers_with_its_events_or_the_domain_s_own_error(on: On) {
    let app = on.app(&Stage::new()).await;
    let till = app.actor::<Till>("till-1");
    assert_eq!(
        till.sell("tea").await.unwrap(),
        Sold {
            product: "tea".into()
        }
    );
    till.sell("cup").await.unwrap();
    till.sell("pot").await.unwrap();
    let refused = till.sell("tin").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(TillError::Full(3)));
    assert_eq!(
        types(&app).await,
        [
            "till.sell",
            "till.sold",
            "till.sell",
            "till.sold",
            "till.sell",
            "till.sold"
        ],
        "a refused durable call stores nothing"
    );
}

pub async fn decided_once_a_durable_method_s_command_is_not_decided_again_by_a_worker(on: On) {
    let app = on.app(&Stage::new()).await;
    app.actor::<Till>("till-1").sell("tea").await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let sold = types(&app)
        .await
        .iter()
        .filter(|name| *name == "till.sold")
        .count();
    assert_eq!(sold, 1);
    let command = log(&app)
        .await
        .into_iter()
        .find(|message| message.kind == Kind::Command)
        .unwrap();
    assert!(
        matches!(app.outcome(command.id).await.unwrap(), Outcome::Applied(events) if events.len() == 1)
    );
}

pub async fn ack_never_jumps_over_a_pending_command_when_a_later_one_is_decided_at_once(on: On) {
    let app = on.app(&Stage::new()).await;
    let waiting = app.dispatch(sell("pending").to("till-1")).await.unwrap();
    app.actor::<Till>("till-1").sell("at once").await.unwrap();
    let running = app.start();
    assert!(matches!(
        waiting.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    app.idle().await.unwrap();
    assert_eq!(
        app.load::<Till>("till-1").await.unwrap().state().sold,
        ["at once", "pending"]
    );
    running.stop().await;
}

pub async fn conflict_is_not_an_error_for_many_deciders_of_one_stream(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let durable = join_all((0..20).map(|n| {
        let app = app.clone();
        async move {
            app.actor::<Till>("till-1")
                .sell(format!("d{n}"))
                .await
                .is_ok()
        }
    }));
    let dispatched = join_all((0..20).map(|n| {
        let app = app.clone();
        async move {
            let receipt = app
                .dispatch(sell(&format!("w{n}")).to("till-1"))
                .await
                .unwrap();
            matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
        }
    }));
    let (durable, dispatched) = tokio::join!(durable, dispatched);
    let applied = durable
        .iter()
        .chain(&dispatched)
        .filter(|applied| **applied)
        .count();
    assert_eq!(
        applied, MAX_SALES,
        "the rule of the domain holds whoever decides"
    );
    app.idle().await.unwrap();
    assert_eq!(
        app.load::<Till>("till-1").await.unwrap().state().sold.len(),
        MAX_SALES
    );
    let (group, stream) = (
        GroupId::new("till").unwrap(),
        StreamId::new("till-1").unwrap(),
    );
    let lane = app.backend().lane(&group, &stream).await.unwrap().unwrap();
    assert_eq!(
        (lane.attempts, lane.last_error()),
        (0, None),
        "no conflict was counted as a failure"
    );
    running.stop().await;
}

pub async fn a_command_nobody_decides_is_not_stored(on: On) {
    #[command("stray.command")]
    struct Stray {}

    let app = on.app(&Stage::new()).await;
    let error = app.dispatch(Stray {}.to("till-1")).await.unwrap_err();
    assert!(error.to_string().contains("stray.command"), "{error}");
    let error = app.dispatch(sell("tea")).await.unwrap_err();
    assert!(error.to_string().contains(".to(stream)"), "{error}");
    let error = app.dispatch(sell("tea").to("")).await.unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
    assert!(log(&app).await.is_empty());
}
