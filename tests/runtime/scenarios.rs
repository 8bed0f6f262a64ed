//! Scenarios of the testing kit on a database: projections are given events, and asked for what they keep.

use chrono::NaiveDate;
use serde_json::json;
use sourced_testing::{MessagesExt as _, Scenario, scenario};

use crate::backends::On;
use crate::dates::{self, Day};
use crate::shop::{Note, Noted, REPORTS, Report, Sold, Stage, Till, sell};

pub async fn given_events_lead_to_documents_and_to_nothing_else(on: On) {
    let sold = |product: &str| Sold {
        product: product.into(),
    };
    on_its_backend(&on, scenario![Till, Report])
        .given([sold("tea"), sold("cup")].in_stream("till-1"))
        .given(sold("pot").in_stream("till-2"))
        .then_document(REPORTS, "till-1", &json!({ "till": "till-1", "n_sold": 2 }))
        .then_document(REPORTS, "till-2", &json!({ "till": "till-2", "n_sold": 1 }))
        .then_no_document(REPORTS, "till-3")
        .then_new_messages(())
        .await;
}

pub async fn one_transaction_saves_what_a_scenario_reads(on: On) {
    let text = || "tea is sale 1".to_owned();
    on_its_backend(&on, scenario![Till, Report])
        .stream("till-1")
        .when(sell("tea"))
        .then_new_messages((
            Sold {
                product: "tea".into(),
            },
            Note { text: text() },
            Noted { text: text() },
        ))
        .then_chain((
            sell("tea"),
            Sold {
                product: "tea".into(),
            },
            Note { text: text() },
        ))
        .then_document(REPORTS, "till-1", &json!({ "till": "till-1", "n_sold": 1 }))
        .then_state("till-1", |till: &Till| assert_eq!(till.sold, ["tea"]))
        .await;
}

pub async fn given_events_lead_to_rows(on: On) {
    let noted = |day: i32, due: Option<i32>| {
        let date = |year| NaiveDate::from_ymd_opt(year, 2, 28).unwrap();
        (date(day), due.map(date))
    };
    let event = |(day, due)| dates::Noted { day, due };
    let (first, second) = (noted(2026, None), noted(2025, Some(2027)));
    on_its_backend(&on, scenario![Day])
        .given(event(first).in_stream("diary-1"))
        .then_rows([Day::of(first)])
        .when(event(second).in_stream("diary-1"))
        .then_rows([Day::of(second), Day::of(first)])
        .await;
}

fn on_its_backend(on: &On, scenario: Scenario) -> Scenario {
    let scenario = scenario.with(Stage::new());
    match on {
        On::Memory(backend) => scenario.on(backend.clone()),
        On::Sqlite(backend, _) => scenario.on(backend.clone()),
        On::Postgres(backend) => scenario.on(backend.clone()),
    }
}
