//! Making, comparing, dropping and rebuilding tables.

use sourced::backend::{AckError, BackendError, TableError};

use super::*;

pub async fn making_it_again_changes_nothing<H: Harness>(harness: &H) {
    let (store, guard) = with_table(harness, &counts()).await;
    apply(&store, Change::of(&counts()).create([count("a", 1)])).await;
    let keeper = Worker::of(&store, KEEPER).await;
    drain(&store, &keeper).await;
    let other = harness.another(&store, &guard).await;
    let again = [store.ensure_table(&counts(), &group(KEEPER)).await];
    assert!(again[0].is_ok(), "{again:?}");
    other.ensure_table(&counts(), &group(KEEPER)).await.unwrap();
    assert_eq!(all(&other, &counts()).await, [count("a", 1)]);
    is_quiet(&store, &keeper).await;
}

pub async fn many_may_make_it_at_the_same_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = Arc::new(harness.another(&store, &guard).await);
        tasks.push(spawn(async move {
            store.ensure_table(&counts(), &group(KEEPER)).await.unwrap();
        }));
    }
    join(tasks).await;
    assert_eq!(all(&store, &counts()).await, Vec::<Values>::new());
}

pub async fn versions_stand_side_by_side<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    apply(&store, Change::of(&counts()).create([count("a", 1)])).await;
    let mut second = counts();
    second.version = 2;
    second.columns.remove(2);
    store
        .ensure_table(&second, &group("keeper-2"))
        .await
        .unwrap();
    assert_eq!(all(&store, &second).await, Vec::<Values>::new());
    store.drop_table(&second).await.unwrap();
    store.drop_table(&second).await.unwrap();
    assert_eq!(all(&store, &counts()).await, [count("a", 1)]);
}

pub async fn a_table_of_the_librarys_own_is_no_read_model<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    for name in [
        "messages",
        "streams",
        "lanes",
        "groups",
        "documents",
        "migrations",
    ] {
        let mut table = counts();
        table.name = name;
        let error = store.ensure_table(&table, &group(KEEPER)).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(&format!("#[projection(table = \"{name}_view\")]")),
            "{error}"
        );
        assert!(!error.contains("drop"), "{error}");
        // The versions of a table have names of their own.
        table.version = 2;
        assert!(store.ensure_table(&table, &group(KEEPER)).await.is_err());
    }
    assert_eq!(log(&store).await.len(), 1);
}

pub async fn a_table_that_differs_is_refused_with_its_column<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let with = |change: &dyn Fn(&mut Table)| {
        let mut table = counts();
        change(&mut table);
        table
    };
    let missing = with(&|table| {
        let more = column("more", ColumnType::Bool, Nulls::Allowed, Mark::Plain);
        table.columns.push(more);
    });
    let of = with(&|table| table.columns[1].of = ColumnType::Float);
    let nulls = with(&|table| table.columns[1].nulls = Nulls::Allowed);
    let no_nulls = with(&|table| table.columns[2].nulls = Nulls::Refused);
    let in_key = with(&|table| table.columns[1].mark = Mark::Key);
    let not_unique = with(&|table| table.columns[2].mark = Mark::Plain);
    let too_much = with(&|table| table.columns.retain(|column| column.name != "n"));
    let wrong = [
        (missing, "more", "is not there"),
        (of, "n", "and not `float`"),
        (nulls, "n", "may not be null"),
        (no_nulls, "note", "may be null"),
        (in_key, "n", "is not part of the key"),
        (not_unique, "note", "is unique"),
        (too_much, "n", "no field fills it"),
    ];
    for (table, name, says) in wrong {
        match store.ensure_table(&table, &group(KEEPER)).await {
            Err(TableError::Differs { column, what, .. }) => {
                assert_eq!(column, name, "{what}");
                assert!(what.contains(says), "{what}");
            }
            other => panic!("{name} {says}: {other:?}"),
        }
    }
    // Nothing has changed.
    store.ensure_table(&counts(), &group(KEEPER)).await.unwrap();
    let indexed = with(&|table| table.columns[1].mark = Mark::Plain);
    store.ensure_table(&indexed, &group(KEEPER)).await.unwrap();
}

pub async fn names_that_are_none_are_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for name in [
        "",
        "a b",
        "a\"; DROP TABLE x",
        "Aa",
        "1a",
        "a-b",
        &"x".repeat(49),
    ] {
        let name: &'static str = name.to_owned().leak();
        let table = Table { name, ..counts() };
        assert!(
            store.ensure_table(&table, &group(KEEPER)).await.is_err(),
            "{name}"
        );
        let mut table = counts();
        table.columns[1].name = name;
        assert!(
            store.ensure_table(&table, &group(KEEPER)).await.is_err(),
            "{name}"
        );
    }
    let mut table = counts();
    table.columns.remove(0);
    assert!(store.ensure_table(&table, &group(KEEPER)).await.is_err());
    // Words of SQL are names like others.
    let mut table = Table {
        name: "select",
        ..counts()
    };
    table.columns[1].name = "order";
    store.ensure_table(&table, &group(KEEPER)).await.unwrap();
    apply(&store, Change::of(&table).create([count("a", 1)])).await;
    apply(&store, Change::of(&table).change([count("a", 2)])).await;
    assert_eq!(all(&store, &table).await, [count("a", 2)]);
}

pub async fn never_skipped_when_the_table_was_dropped<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let keeper = Worker::of(&store, KEEPER).await;
    append(&store, "s", events(3)).await;
    append(&store, "t", events(2)).await;
    assert_eq!(drain(&store, &keeper).await.len(), 5);
    store.drop_table(&counts()).await.unwrap();
    assert!(store.rows(&counts(), &RowQuery::default()).await.is_err());
    store.ensure_table(&counts(), &group(KEEPER)).await.unwrap();
    assert_eq!(drain(&store, &keeper).await.len(), 5);
}

pub async fn rows_of_another_group_are_not_taken_over<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    // As long as it is empty, anybody may have it.
    store
        .ensure_table(&counts(), &group("other"))
        .await
        .unwrap();
    let keeper = Worker::of(&store, KEEPER).await;
    apply(&store, Change::of(&counts()).create([count("a", 1)])).await;
    drain(&store, &keeper).await;
    match store.ensure_table(&counts(), &group("other")).await {
        Err(TableError::Occupied { table, group: of }) => {
            assert_eq!((table.as_str(), of), ("counts", group("other")));
        }
        other => panic!("{other:?}"),
    }
    store.ensure_table(&counts(), &group(KEEPER)).await.unwrap();
    assert_eq!(all(&store, &counts()).await, [count("a", 1)]);
    store.remove_group(&group(KEEPER)).await.unwrap();
    assert!(store.ensure_table(&counts(), &group(KEEPER)).await.is_err());
}

pub async fn a_rebuild_empties_it_and_sets_its_group_back<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    apply(&store, Change::of(&counts()).create([count("a", 1)])).await;
    let keeper = Worker::of(&store, KEEPER).await;
    append(&store, "s", events(3)).await;
    let handled = drain(&store, &keeper).await;
    store
        .rebuild_table(&counts(), &group(KEEPER))
        .await
        .unwrap();
    assert_eq!(all(&store, &counts()).await, Vec::<Values>::new());
    assert_eq!(drain(&store, &keeper).await.len(), handled.len());
    let unknown = store.rebuild_table(&counts(), &group("nobody")).await;
    assert!(
        matches!(unknown, Err(BackendError::UnknownGroup(_))),
        "{unknown:?}"
    );
}

pub async fn fenced_by_a_rebuild<H: Harness>(harness: &H) {
    let (store, _guard) = with_table(harness, &counts()).await;
    let keeper = Worker::of(&store, KEEPER).await;
    append(&store, "s", events(1)).await;
    let claim = keeper.claim(&store).await;
    store
        .rebuild_table(&counts(), &group(KEEPER))
        .await
        .unwrap();
    let mut ack = ack_all(&claim);
    ack.syncs = vec![Change::of(&counts()).create([count("late", 1)]).action()];
    let late = store.ack(ack).await;
    assert!(matches!(late, Err(AckError::Fenced { .. })), "{late:?}");
    assert_eq!(all(&store, &counts()).await, Vec::<Values>::new());
    assert_eq!(keeper.claim(&store).await.deliveries.len(), 1);
}
