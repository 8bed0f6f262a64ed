//! Units: a whole chain at once, all or nothing, that overtakes nobody.

use futures_util::future::join_all;
use sourced::prelude::*;
use sourced::{Outcome, UnitError};

use crate::backends::On;
use crate::shop::*;

pub async fn the_whole_chain_is_stored_and_workers_find_nothing_left(on: On) {
    let app = on.app(&Stage::new()).await;
    let user = Metadata::new().with("user_id", "u-7");
    let unit = app.with_metadata(user.clone()).unit();
    let outcome = unit.handle(sell("tea").to("till-1")).await.unwrap();
    let chain = ["till.sell", "till.sold", "till.note", "till.noted"];
    assert_eq!(types(&app).await, chain);
    assert_eq!(outcome.messages(), log(&app).await, "as they are stored");
    assert_eq!(outcome.of::<Till>().len(), 3, "all but the root");
    assert!(outcome.of::<Report>().is_empty());
    assert!(outcome.left_to_workers().is_empty());
    for pair in outcome.messages().windows(2) {
        assert_eq!(pair[1].causation_id, pair[0].id);
        assert_eq!(pair[1].correlation_id, pair[0].correlation_id);
        assert_eq!(pair[1].metadata, user);
    }
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 1);
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(types(&app).await, chain);
}

pub async fn a_refused_command_stores_nothing(on: On) {
    let app = on.app(&Stage::new()).await;
    for _ in 0..MAX_SALES {
        app.unit().handle(sell("tea").to("till-1")).await.unwrap();
    }
    let before = types(&app).await.len();
    match app.unit().handle(sell("cup").to("till-1")).await {
        Err(UnitError::Refused(reason)) => assert_eq!(reason, "the till takes 3 sales only"),
        result => panic!("not refused: {result:?}"),
    }
    assert_eq!(types(&app).await.len(), before);
}

pub async fn a_failing_handler_stores_nothing(on: On) {
    let app = on.app(&Stage::new()).await;
    for (part, why) in [("fail", "as told"), ("panic", "panicked")] {
        let error = app
            .unit()
            .handle(play(part).to("till-1"))
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(why) && text.contains("till.play"), "{text}");
    }
    assert!(log(&app).await.is_empty());
}

pub async fn a_chain_without_an_end_is_named(on: On) {
    #[derive(Default)]
    struct Echo;

    #[actor]
    impl Echo {
        #[command]
        fn call(&self) -> Called {
            Called
        }
        #[event]
        fn called(&mut self) {}
        #[reaction]
        fn answer(&self, _: &Called) -> Call {
            Call
        }
    }

    let app = on.builder().register::<Echo>().build().await.unwrap();
    match app.unit().max_messages(20).handle(Call.to("valley")).await {
        Err(UnitError::Loop { limit, path }) => {
            assert_eq!(limit, 20);
            assert_eq!(path, ["echo.call", "echo.called", "echo.call"]);
        }
        result => panic!("no loop: {result:?}"),
    }
    assert!(log(&app).await.is_empty());
}

pub async fn ack_never_jumps_what_waits_is_left_to_workers_in_its_turn(on: On) {
    let app = on.app(&Stage::new()).await;
    // Decided by a worker, later: until then the till's own reactions have to wait behind it.
    app.dispatch(sell("first").to("till-1")).await.unwrap();
    let outcome = app
        .unit()
        .handle(sell("second").to("till-1"))
        .await
        .unwrap();
    let left: Vec<_> = outcome
        .left_to_workers()
        .iter()
        .map(|lane| lane.group.as_str())
        .collect();
    assert_eq!(left, ["till"]);
    assert_eq!(
        report(&app, "till-1").await.unwrap().n_sold,
        1,
        "this one had nothing before it"
    );
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(
        app.load::<Till>("till-1").await.unwrap().state().sold,
        ["second", "first"]
    );
    let mut notes: Vec<_> = log(&app)
        .await
        .iter()
        .filter(|message| message.type_name.as_str() == "till.noted")
        .map(|message| message.decode::<Noted>().unwrap().payload.text)
        .collect();
    notes.sort();
    assert_eq!(
        notes,
        ["first is sale 2", "second is sale 1"],
        "each reaction once"
    );
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 2);
}

pub async fn only_the_chosen_reactors_take_part(on: On) {
    let app = on.app(&Stage::new()).await;
    let unit = app.unit().with::<Till>();
    unit.handle(sell("tea").to("till-1")).await.unwrap();
    assert_eq!(report(&app, "till-1").await, None);
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 1);
    assert_eq!(types(&app).await.len(), 4);
    let error = app
        .unit()
        .with::<Report>()
        .handle(sell("tea").to("till-1"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("till.sell"), "{error}");
}

pub async fn commands_need_not_be_stored(on: On) {
    let app = on.app(&Stage::new()).await;
    let unit = app.unit().without_commands();
    unit.handle(sell("tea").to("till-1")).await.unwrap();
    assert_eq!(types(&app).await, ["till.sold", "till.noted"]);
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(types(&app).await, ["till.sold", "till.noted"]);
}

pub async fn decided_once_by_units_workers_and_durable_methods_side_by_side(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let tills = 4;
    let attempts = (0..tills).flat_map(|till| (0..12).map(move |n| (till, n)));
    let sold = join_all(attempts.map(|(till, n)| {
        let app = app.clone();
        async move {
            let (till, product) = (format!("till-{till}"), format!("p{n}"));
            match n % 3 {
                0 => app.unit().handle(sell(&product).to(till)).await.is_ok(),
                1 => app.actor::<Till>(till).sell(product).await.is_ok(),
                _ => {
                    let receipt = app.dispatch(sell(&product).to(till)).await.unwrap();
                    matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
                }
            }
        }
    }));
    let sold = sold.await.into_iter().filter(|sold| *sold).count();
    assert_eq!(sold, tills * MAX_SALES);
    app.idle().await.unwrap();
    running.stop().await;
    for till in 0..tills {
        let till = format!("till-{till}");
        assert_eq!(
            app.load::<Till>(&till).await.unwrap().state().sold.len(),
            MAX_SALES
        );
        assert_eq!(
            report(&app, &till).await.unwrap().n_sold as usize,
            MAX_SALES
        );
        let noted = log(&app).await;
        let noted = noted
            .iter()
            .filter(|m| m.stream_id.as_str() == till && m.type_name.as_str() == "till.noted");
        assert_eq!(noted.count(), MAX_SALES, "every sale is noted once");
    }
}

pub async fn a_refusal_further_down_the_chain_is_told(on: On) {
    #[derive(Default)]
    struct Shy;

    #[derive(Debug, thiserror::Error)]
    #[error("not today")]
    struct No;

    #[actor]
    impl Shy {
        #[command]
        fn ask(&self) -> Asked {
            Asked
        }
        #[event]
        fn asked(&mut self) {}
        #[reaction]
        fn insist_at_once(&self, _: &Asked) -> Insist {
            Insist
        }
        #[command]
        fn insist(&self) -> Result<(), No> {
            Err(No)
        }
    }

    let app = on.builder().register::<Shy>().build().await.unwrap();
    let outcome = app.unit().handle(Ask.to("shy-1")).await.unwrap();
    assert_eq!(types(&app).await, ["shy.ask", "shy.asked", "shy.insist"]);
    let insisted = outcome.messages()[2].id;
    assert_eq!(outcome.refusals().len(), 1);
    assert_eq!(outcome.refusals()[0].command, insisted);
    let refused = Outcome::Refused("not today".into());
    assert_eq!(app.outcome(insisted).await.unwrap(), refused);
}
