//! Tables that somebody alters by hand: what is told, that others go on, and that all is as the log says when they are put
//! back.

use sourced::table::table_of;

use crate::backends::On;
use crate::bad_input::{app, documents, first, fold, parked, rows, store, workers};

/// The table is altered between events, some streams are parked, and go on when it is put back.
async fn parks_until_the_table_is_put_back(
    on: &On,
    alter: &str,
    put_back: &str,
    (streams, says): (&[&str], &str),
) {
    let app = app!(on, first);
    let good = r#"{"grams":5}"#;
    store(&app, "s-1", &[good, good, good]).await;
    store(&app, "s-2", &[good, good]).await;
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    on.alter(alter).await;
    // One has a row already, two have none.
    for stream in ["s-1", "s-3", "s-4"] {
        store(&app, stream, &[good, good]).await;
    }
    assert_eq!(app.idle().await.unwrap().parked, streams.len() as u64);
    let says = [says, "put it back as its struct says"];
    assert_eq!(parked::<first::Parcel>(&app, &says).await, streams);
    // Other groups know nothing of it.
    assert_eq!(documents(&app).await, fold(&app).await);

    on.alter(put_back).await;
    let group = app.group::<first::Parcel>();
    let n_retried = group.retry_all_parked("put back").await.unwrap();
    assert_eq!(n_retried, streams.len() as u64);
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(rows(&app).await, fold(&app).await);
    running.stop().await;
}

pub async fn quarantine_ends_when_a_renamed_column_has_its_name_again(on: On) {
    let alter = "ALTER TABLE {table} RENAME COLUMN grams TO weight";
    let put_back = "ALTER TABLE {table} RENAME COLUMN weight TO grams";
    let told = (&["s-1", "s-3", "s-4"][..], "grams");
    parks_until_the_table_is_put_back(&on, alter, put_back, told).await;
}

pub async fn quarantine_of_rows_alone_that_a_foreign_index_refuses(on: On) {
    let alter = "CREATE UNIQUE INDEX by_hand ON {table} (grams)";
    // The rows of `s-3` and `s-4` would have as many grams as that of `s-2`.
    let told = (&["s-3", "s-4"][..], "unique");
    parks_until_the_table_is_put_back(&on, alter, "DROP INDEX {index}", told).await;
}

/// SQLite adds no column that has to be filled.
pub async fn quarantine_ends_when_a_foreign_column_is_gone(on: On) {
    let alter = "ALTER TABLE {table} ADD COLUMN colour text NOT NULL DEFAULT '';
                 ALTER TABLE {table} ALTER COLUMN colour DROP DEFAULT";
    let put_back = "ALTER TABLE {table} DROP COLUMN colour";
    let told = (&["s-1", "s-3", "s-4"][..], "colour");
    parks_until_the_table_is_put_back(&on, alter, put_back, told).await;
}

/// SQLite does not change the type of a column. As long as the values fit into the other type, nothing is wrong with it.
pub async fn read_your_own_writes_while_a_column_has_another_type(on: On) {
    let app = app!(on, first);
    let good = r#"{"grams":5}"#;
    let running = app.start();
    let to_text = "ALTER TABLE {table} ALTER COLUMN grams TYPE text";
    let back = "ALTER TABLE {table} ALTER COLUMN grams TYPE bigint USING grams::bigint";
    // Again, too, for connections that know it both ways.
    for (n, alter) in [to_text, back, to_text, back].into_iter().enumerate() {
        for stream in ["s".to_owned(), format!("s-{n}")] {
            store(&app, &stream, &[good]).await;
            assert!(app.idle().await.unwrap().is_done());
            assert_eq!(rows(&app).await, fold(&app).await);
        }
        on.alter(alter).await;
        assert_eq!(rows(&app).await, fold(&app).await);
    }
    assert_eq!(app.idle().await.unwrap().parked, 0);
    running.stop().await;
}

pub async fn never_skipped_when_somebody_dropped_a_column(on: On) {
    let app = app!(on, first);
    let good = r#"{"grams":5}"#;
    store(&app, "s-1", &[good]).await;
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    on.alter("ALTER TABLE {table} DROP COLUMN grams").await;
    store(&app, "s-1", &[good]).await;
    assert_eq!(app.idle().await.unwrap().parked, 1);
    assert_eq!(parked::<first::Parcel>(&app, &["grams"]).await, ["s-1"]);
    running.stop().await;

    // The next start says what is wrong and what to do. Then all rows are made anew.
    let error = on.builder().register::<first::Parcel>().build().await;
    let error = error.unwrap_err().to_string();
    for says in ["`parcels`", "`grams` is not there", "drop the table"] {
        assert!(error.contains(says), "{error}");
    }
    let parcels = table_of::<first::Parcel>();
    app.backend().drop_table(&parcels).await.unwrap();
    let app = app!(on, first);
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(rows(&app).await, fold(&app).await);
    running.stop().await;
}
