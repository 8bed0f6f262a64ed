//! Reacting and projecting: in the background, each once, with cause and correlation.

use sourced::prelude::*;
use sourced::{Kind, MessageId};

use crate::backends::On;
use crate::shop::*;

pub async fn a_chain_of_command_event_reaction_command_event(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    app.dispatch(sell("tea").to("till-1")).await.unwrap();
    app.idle().await.unwrap();
    assert_eq!(
        types(&app).await,
        ["till.sell", "till.sold", "till.note", "till.noted"]
    );
    running.stop().await;
}

pub async fn every_message_carries_its_cause_its_correlation_and_its_metadata(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let user = Metadata::new().with("user_id", "u-7");
    app.with_metadata(user.clone())
        .dispatch(sell("tea").to("till-1"))
        .await
        .unwrap();
    app.with_metadata(user.clone())
        .actor::<Till>("till-2")
        .sell("cup")
        .await
        .unwrap();
    app.idle().await.unwrap();
    let log = log(&app).await;
    assert_eq!(log.len(), 8);
    for till in ["till-1", "till-2"] {
        let chain: Vec<_> = log
            .iter()
            .filter(|message| message.stream_id.as_str() == till)
            .collect();
        assert!(chain[0].is_root());
        for pair in chain.windows(2) {
            assert_eq!(pair[1].causation_id, pair[0].id);
            assert!(!pair[1].is_root());
        }
        for message in chain {
            let root: MessageId = message.correlation_id.as_uuid().into();
            assert!(log.iter().any(|other| other.id == root && other.is_root()));
            assert_eq!(message.metadata, user);
        }
    }
    running.stop().await;
}

pub async fn a_reaction_sees_the_state_as_of_its_event(on: On) {
    let app = on.app(&Stage::new()).await;
    app.dispatch_all((0..3).map(|n| sell(&format!("p{n}")).to("till-1")))
        .await
        .unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    let notes: Vec<_> = log(&app)
        .await
        .iter()
        .filter(|message| message.type_name.as_str() == "till.note")
        .map(|message| message.decode::<Note>().unwrap().payload.text)
        .collect();
    assert_eq!(notes, ["p0 is sale 1", "p1 is sale 2", "p2 is sale 3"]);
    running.stop().await;
}

pub async fn one_transaction_saves_a_projection_with_its_acknowledgement(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    for till in 0..20 {
        app.dispatch_all((0..3).map(|n| sell(&format!("p{n}")).to(format!("till-{till}"))))
            .await
            .unwrap();
    }
    app.idle().await.unwrap();
    for till in 0..20 {
        assert_eq!(
            report(&app, &format!("till-{till}")).await.unwrap().n_sold,
            3
        );
    }
    running.stop().await;
}

pub async fn an_app_started_again_continues_and_doubles_nothing(on: On) {
    for _ in 0..3 {
        let app = on
            .builder()
            .register::<Till>()
            .register::<Report>()
            .resource(Stage::new())
            .build()
            .await
            .unwrap();
        let running = app.start();
        app.dispatch(sell("tea").to("till-1")).await.unwrap();
        app.idle().await.unwrap();
        running.stop().await;
    }
    let app = on.builder().build().await.unwrap();
    let messages = log(&app).await;
    assert_eq!(messages.len(), 12);
    for (n, message) in (1..).zip(&messages) {
        assert_eq!(message.seq.get(), n);
    }
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 3);
    let commands = messages
        .iter()
        .filter(|message| message.kind == Kind::Command)
        .count();
    assert_eq!(commands, 6);
}
