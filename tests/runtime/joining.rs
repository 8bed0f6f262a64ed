//! Units in a transaction that the program has begun: they commit with its own rows, or not at all.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sourced::backend::JoinError;
use sourced::prelude::*;
use sourced::{Outcome, UnitError};

use crate::backends::On;
use crate::own::Own;
use crate::shop::*;

/// A till's own clerk, who looks at it again in an hour.
#[derive(Default)]
struct Clerk;

#[actor]
impl Clerk {
    #[command]
    fn greet(&self) -> Greeted {
        Greeted
    }

    #[event]
    fn greeted(&mut self) {}

    #[reaction]
    fn look_again(&self, _: &Greeted) -> Outgoing<Greet> {
        Greet.after(Duration::from_hours(1))
    }
}

async fn shop(on: &On) -> App {
    let builder = on.builder().register::<Till>().register::<Report>();
    let builder = builder.register::<Clerk>().resource(Stage::new());
    builder.build().await.unwrap()
}

async fn n_scheduled(app: &App) -> usize {
    app.scheduled(None, 10).await.unwrap().len()
}

async fn nothing_is_seen(app: &App, own: &Own) {
    assert_eq!(types(app).await, [""; 0]);
    assert_eq!(report(app, "till-1").await, None);
    assert_eq!(n_scheduled(app).await, 0);
    assert_eq!(own.n_rows().await, 0);
}

const SALE: [&str; 4] = ["till.sell", "till.sold", "till.note", "till.noted"];
const GREETING: [&str; 2] = ["clerk.greet", "clerk.greeted"];

pub async fn one_transaction_with_the_rows_of_the_caller(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    let mut tx = own.begin().await;
    tx.write().await;
    let sale = tx.handle(&app.unit(), sell("tea").to("till-1")).await;
    let greeting = tx.handle(&app.unit(), Greet.to("clerk-1")).await.unwrap();
    nothing_is_seen(&app, &own).await;
    tx.commit().await;

    assert_eq!(types(&app).await, [&SALE[..], &GREETING[..]].concat());
    let stored = log(&app).await;
    let told = [sale.unwrap().messages(), greeting.messages()].concat();
    assert_eq!(told, stored, "as they are stored");
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 1);
    assert_eq!(n_scheduled(&app).await, 1);
    assert_eq!(own.n_rows().await, 1);
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(log(&app).await, stored, "workers found nothing left");
}

pub async fn one_transaction_leaves_nothing_when_the_caller_rolls_back(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    for ends_by_itself in [false, true] {
        let mut tx = own.begin().await;
        tx.write().await;
        let unit = app.unit();
        tx.handle(&unit, sell("tea").to("till-1")).await.unwrap();
        tx.handle(&unit, Greet.to("clerk-1")).await.unwrap();
        if ends_by_itself {
            drop(tx);
        } else {
            tx.rollback().await;
        }
        nothing_is_seen(&app, &own).await;
    }
    // Nothing of it is in the way either.
    let receipt = app.dispatch(sell("cup").to("till-1")).await.unwrap();
    let running = app.start();
    assert!(matches!(
        receipt.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(types(&app).await, SALE);
    assert_eq!(log(&app).await[0].seq.get(), 1);
}

pub async fn fresh_state_and_dense_seq_over_several_units_of_one_transaction(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    app.actor::<Till>("till-1").sell("cup").await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;

    let mut tx = own.begin().await;
    for product in ["tea", "pot"] {
        let sale = tx.handle(&app.unit(), sell(product).to("till-1")).await;
        assert!(sale.unwrap().left_to_workers().is_empty());
    }
    match tx.handle(&app.unit(), sell("jug").to("till-1")).await {
        Err(UnitError::Refused(reason)) => assert_eq!(reason, "the till takes 3 sales only"),
        result => panic!("not refused: {result:?}"),
    }
    tx.commit().await;
    let till = app.load::<Till>("till-1").await.unwrap();
    assert_eq!(till.state().sold, ["cup", "tea", "pot"]);
    let seqs: Vec<u64> = log(&app).await.iter().map(|m| m.seq.get()).collect();
    assert_eq!(seqs, (1..=12).collect::<Vec<_>>());
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 3);
    let notes = log(&app).await;
    let notes = notes
        .iter()
        .filter(|m| m.type_name.as_str() == "till.noted");
    let notes: Vec<String> = notes
        .map(|m| m.decode::<Noted>().unwrap().payload.text)
        .collect();
    assert_eq!(
        notes,
        ["cup is sale 1", "tea is sale 2", "pot is sale 3"],
        "reactions, too, see what the transaction sees"
    );
}

pub async fn a_unit_that_stores_nothing_leaves_the_transaction_usable(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    let mut tx = own.begin().await;
    tx.write().await;
    for part in ["fail", "panic"] {
        let failed = tx.handle(&app.unit(), play(part).to("till-1")).await;
        assert!(matches!(failed, Err(UnitError::Failed { .. })));
    }
    let lone = app.unit().with::<Report>();
    let error = tx.handle(&lone, sell("tea").to("till-1")).await;
    assert!(matches!(error, Err(UnitError::Dispatch(_))));
    let short = app.unit().max_messages(1);
    let error = tx.handle(&short, sell("tea").to("till-1")).await;
    assert!(matches!(error, Err(UnitError::Loop { .. })));
    tx.write().await;
    tx.handle(&app.unit(), sell("tea").to("till-1"))
        .await
        .unwrap();
    tx.commit().await;
    assert_eq!(types(&app).await, SALE);
    assert_eq!(own.n_rows().await, 2);
}

pub async fn ack_never_jumps_in_the_transaction_of_the_caller(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    // Decided by a worker, later: until then the till's own reactions have to wait behind it.
    app.dispatch(sell("first").to("till-1")).await.unwrap();
    let mut tx = own.begin().await;
    tx.write().await;
    let outcome = tx.handle(&app.unit(), sell("second").to("till-1")).await;
    let outcome = outcome.unwrap();
    let left: Vec<_> = outcome
        .left_to_workers()
        .iter()
        .map(|lane| lane.group.as_str())
        .collect();
    assert_eq!(left, ["till"], "it was tried again without that lane");
    tx.commit().await;
    assert_eq!(own.n_rows().await, 1);
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let till = app.load::<Till>("till-1").await.unwrap();
    assert_eq!(till.state().sold, ["second", "first"]);
    let n_noted = types(&app).await;
    let n_noted = n_noted.iter().filter(|name| *name == "till.noted").count();
    assert_eq!(n_noted, 2, "each sale once");
    assert_eq!(report(&app, "till-1").await.unwrap().n_sold, 2);
}

pub async fn decided_once_by_joined_units_workers_and_durable_methods_side_by_side(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let (app, own) = (shop(&on).await, Arc::new(own));
    let running = app.start();
    let tills = 2;
    let attempts = (0..tills).flat_map(|till| (0..12).map(move |n| (till, n)));
    let sold = join_all(attempts.map(|(till, n)| {
        let (app, own) = (app.clone(), Arc::clone(&own));
        app.env().clone().spawner.spawn(async move {
            let (till, product) = (format!("till-{till}"), format!("p{n}"));
            match n % 3 {
                0 => {
                    let mut tx = own.begin().await;
                    tx.write().await;
                    let sale = tx.handle(&app.unit(), sell(&product).to(till)).await;
                    tx.commit().await;
                    match sale {
                        Ok(_) => true,
                        Err(UnitError::Refused(_)) => false,
                        Err(error) => panic!("{error}"),
                    }
                }
                1 => app.actor::<Till>(till).sell(product).await.is_ok(),
                _ => {
                    let receipt = app.dispatch(sell(&product).to(till)).await.unwrap();
                    matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
                }
            }
        })
    }));
    let sold = sold
        .await
        .into_iter()
        .filter(|sold| *sold.as_ref().unwrap());
    assert_eq!(sold.count(), tills * MAX_SALES);
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(own.n_rows().await, 8, "refused or not");
    for till in 0..tills {
        let till = format!("till-{till}");
        let n_sold = report(&app, &till).await.unwrap().n_sold;
        assert_eq!(n_sold as usize, MAX_SALES);
        let noted = log(&app).await;
        let noted = noted
            .iter()
            .filter(|m| m.stream_id.as_str() == till && m.type_name.as_str() == "till.noted");
        assert_eq!(noted.count(), MAX_SALES, "every sale is noted once");
    }
}

pub async fn others_wait_while_the_transaction_is_open_and_do_not_fail(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    let running = app.start();
    let mut tx = own.begin().await;
    tx.handle(&app.unit(), sell("tea").to("till-1"))
        .await
        .unwrap();
    let others = (0..8).map(|n| {
        let app = app.clone();
        app.env().clone().spawner.spawn(async move {
            let till = format!("till-{}", 1 + n % 2);
            if n % 4 < 2 {
                return app.actor::<Till>(till).sell("pot").await.is_ok();
            }
            let receipt = app.dispatch(sell("cup").to(till)).await.unwrap();
            matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
        })
    });
    let others: Vec<_> = others.collect();
    app.env().clock.sleep(Duration::from_millis(200)).await;
    tx.commit().await;
    let done = join_all(others).await;
    let n_sold = done.into_iter().filter(|done| *done.as_ref().unwrap());
    assert_eq!(n_sold.count(), 2 * MAX_SALES - 1);
    app.idle().await.unwrap();
    running.stop().await;
    let first = app.load::<Till>("till-1").await.unwrap();
    assert_eq!(first.state().sold[0], "tea");
}

pub async fn workers_are_woken_after_the_commit(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = on
        .app_with(&Stage::new(), |workers| {
            workers.poll_min = Duration::from_mins(5);
            workers.poll_max = Duration::from_mins(5);
        })
        .await;
    let running = app.start();
    // The projection is left to the workers, who are about to sleep for five minutes.
    let unit = app.unit().with::<Till>();
    app.env().clock.sleep(Duration::from_millis(100)).await;
    let mut tx = own.begin().await;
    tx.handle(&unit, sell("tea").to("till-1")).await.unwrap();
    tx.commit().await;
    app.wake();
    let mut tries = 0;
    while report(&app, "till-1").await.is_none() {
        tries += 1;
        assert!(tries < 400, "nobody was woken");
        app.env().clock.sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
}

pub async fn what_cannot_be_joined_is_told(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = shop(&on).await;
    let unit = app.unit();
    let sale = || sell("tea").to("till-1");
    let error = unit.handle_in(&mut 7, sale()).await.unwrap_err();
    assert!(matches!(error, UnitError::Join(JoinError::OtherKind(_))));
    let error = match &own {
        Own::Sqlite(pool) => {
            let mut connection = pool.acquire().await.unwrap();
            unit.handle_in(&mut *connection, sale()).await
        }
        Own::Postgres(pool, _) => {
            let mut connection = pool.acquire().await.unwrap();
            unit.handle_in(&mut *connection, sale()).await
        }
    };
    let error = error.unwrap_err();
    assert!(matches!(error, UnitError::Join(JoinError::NoTransaction)));
    nothing_is_seen(&app, &own).await;
}
