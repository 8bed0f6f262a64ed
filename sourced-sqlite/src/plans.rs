//! Tests of *flat-cost*: no statement looks at all streams, lanes or messages.

use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::migrate::{DEFAULT_PREFIX, migrate};
use crate::sql::{Prefix, Statements};

/// The query plan of a statement, one step per line.
async fn plan(connection: &mut SqliteConnection, statement: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let rows = sqlx::query(AssertSqlSafe(explain)).fetch_all(connection);
    let steps: Vec<String> = rows.await.unwrap().iter().map(|row| row.get(3)).collect();
    steps.join("\n")
}

async fn plans() -> Vec<(&'static str, String)> {
    let prefix = Prefix::new(DEFAULT_PREFIX).unwrap();
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrate(&mut connection, &prefix).await.unwrap();
    let mut plans = Vec::new();
    for (name, text) in Statements::new(&prefix).all() {
        let mut steps = Vec::new();
        let lines = text.as_str().lines();
        let text: Vec<&str> = lines.filter(|line| !line.starts_with("--")).collect();
        for statement in text.join("\n").split(';').map(str::trim) {
            if !["", "COMMIT", "ROLLBACK", "BEGIN IMMEDIATE"].contains(&statement) {
                steps.push(plan(&mut connection, statement).await);
            }
        }
        plans.push((name, steps.join("\n")));
    }
    plans
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    for (name, plan) in plans().await {
        for step in plan.lines().filter(|step| step.starts_with("SCAN ")) {
            // Lists given by the caller, one row without a table, or of totals, steps of a search by halving, and results
            // of inner queries found by an index.
            let small = [
                "SCAN CONSTANT ROW",
                "SCAN news",
                "SCAN search",
                "SCAN sized",
                "SCAN (subquery",
            ];
            let is_small =
                small.iter().any(|small| step.starts_with(small)) || step.contains("VIRTUAL TABLE");
            assert!(is_small, "{name}: {step}\n{plan}");
        }
    }
}

#[tokio::test]
async fn claiming_goes_by_the_indexes_made_for_it() {
    let plans = plans().await;
    for (name, step) in [
        ("outlook", "COVERING INDEX sourced_lanes_ready (group_id=?"),
        (
            "outlook",
            "COVERING INDEX sourced_lanes_delayed (group_id=? AND available_at<?)",
        ),
        (
            "outlook",
            "COVERING INDEX sourced_lanes_leased (group_id=? AND leased_until<?)",
        ),
        (
            "pump",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "wake_due",
            "COVERING INDEX sourced_lanes_delayed (group_id=? AND available_at<?)",
        ),
        (
            "wake_due",
            "COVERING INDEX sourced_lanes_leased (group_id=? AND leased_until<?)",
        ),
        ("offers", "COVERING INDEX sourced_lanes_ready (group_id=?"),
        (
            "is_behind",
            "COVERING INDEX sourced_lanes_ready (group_id=?",
        ),
        ("is_behind", "INDEX sourced_lanes_parked (group_id=?"),
        (
            "is_behind",
            "SEARCH o USING INDEX sqlite_autoindex_sourced_lanes_1 (group_id=? AND stream_id=?)",
        ),
        ("is_behind", "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)"),
        (
            "pump_log",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "next_stretch",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "deliveries_of_stretch",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "deliveries_of_stretch",
            "SEARCH l USING INDEX sqlite_autoindex_sourced_lanes_1 (group_id=? AND stream_id=?)",
        ),
        (
            "acknowledge_stretch",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        ("deliveries", "(stream_id=? AND seq>?)"),
        (
            "deliveries_of_log",
            "SEARCH p USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "look_up",
            "SEARCH l USING INDEX sqlite_autoindex_sourced_lanes_1 (group_id=? AND stream_id=?)",
        ),
        (
            "acknowledge",
            "SEARCH sourced_lanes USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        ("acknowledge", "(stream_id=? AND seq>?)"),
        ("reopen", "(stream_id=? AND seq>?)"),
        ("held", "(group_id=? AND stream_id=?)"),
        ("due", "sourced_scheduled_due (due_at<?)"),
        ("next_in", "sourced_scheduled_due (due_at>?)"),
        ("scheduled", "sourced_scheduled_due (due_at>?)"),
        (
            "pending_lanes",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)",
        ),
    ] {
        has_step(&plans, name, step);
    }
    // The first ready lanes come out of the index in order: what is sorted is no more than what was asked for.
    let (_, offers) = plans.iter().find(|(of, _)| *of == "offers").unwrap();
    let (_, inner) = offers.split_once("CORRELATED LIST SUBQUERY").unwrap();
    assert_eq!(inner.matches("ORDER BY").count(), 1, "{offers}");
}

#[tokio::test]
async fn pages_of_the_log_go_by_its_indexes_and_need_no_sorting() {
    let plans = plans().await;
    for (name, step) in [
        (
            "page_of_everything",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "page_of_log",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        (
            "page_of_stream",
            "SEARCH m USING INDEX sqlite_autoindex_sourced_messages_2 (stream_id=? AND seq>? AND seq<?)",
        ),
        ("page_of_stream", "SEARCH p USING"),
        (
            "page_of_conversation",
            "SEARCH m USING INDEX sourced_messages_correlation (correlation_id=? AND rowid>? AND rowid<?)",
        ),
    ] {
        for name in [name.to_owned(), format!("{name}_backwards")] {
            has_step(&plans, &name, step);
            let (_, plan) = plans.iter().find(|(of, _)| **of == name).unwrap();
            assert!(!plan.contains("USE TEMP B-TREE"), "{name}:\n{plan}");
        }
    }
    for (name, step) in [
        (
            "summary_of_log",
            "SEARCH m USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        ),
        ("summary_of_streams", "(stream_id=?"),
        ("summary_of_conversation", "(correlation_id=?"),
    ] {
        has_step(&plans, name, step);
    }
}

fn has_step(plans: &[(&str, String)], name: &str, step: &str) {
    let (_, plan) = plans.iter().find(|(of, _)| *of == name).unwrap();
    assert!(plan.contains(step), "{name} without `{step}`:\n{plan}");
}
