//! Queries: filters, orders and pages.

use sourced::backend::{Sorting, Test};

use super::*;

/// Visits by customer and day, some of them with a note.
fn visits() -> Table {
    use ColumnType::{Integer, Text};
    Table {
        name: "visits",
        version: 1,
        columns: vec![
            column("customer", Text, Nulls::Refused, Mark::Key),
            column("note", Text, Nulls::Allowed, Mark::Index),
            column("day", Integer, Nulls::Refused, Mark::Key),
            column("n", Integer, Nulls::Allowed, Mark::Plain),
        ],
    }
}

fn visit(customer: &str, day: i64, note: Option<&str>, n: Option<i64>) -> Values {
    let note = note.map_or(Value::Null, text);
    let n = n.map_or(Value::Null, Value::Integer);
    vec![text(customer), note, Value::Integer(day), n]
}

/// In the order of their keys.
fn some() -> Vec<Values> {
    vec![
        visit("B", 1, Some("b"), Some(3)),
        visit("B", 2, None, Some(1)),
        visit("a", 1, Some("a"), None),
        visit("a", 2, Some("B"), Some(3)),
        visit("a", 10, None, Some(2)),
        visit("é", 1, Some("b"), None),
        visit("🛒", 1, Some(""), Some(1)),
    ]
}

async fn filled<H: Harness>(harness: &H) -> (H::Backend, H::Guard) {
    let (store, guard) = with_table(harness, &visits()).await;
    let mut rows = some();
    rows.reverse();
    apply(&store, Change::of(&visits()).create(rows)).await;
    (store, guard)
}

/// What is asked of columns, and the places of the rows in the answer.
type Case<T> = (Vec<(usize, T)>, &'static [usize]);

async fn found(store: &impl Backend, query: &RowQuery) -> Vec<usize> {
    let rows = store.rows(&visits(), query).await.unwrap();
    let place = |row: &Values| some().iter().position(|other| other == row).unwrap();
    rows.iter().map(place).collect()
}

pub async fn filters_say_which_rows<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let integer = Value::Integer;
    let cases: Vec<Case<Test>> = vec![
        (vec![], &[0, 1, 2, 3, 4, 5, 6]),
        (vec![(0, Test::Is(text("a")))], &[2, 3, 4]),
        (
            vec![(0, Test::Is(text("a"))), (2, Test::Is(integer(10)))],
            &[4],
        ),
        (vec![(1, Test::Is(Value::Null))], &[1, 4]),
        (vec![(1, Test::Is(text("")))], &[6]),
        (
            vec![(1, Test::In(vec![text("b"), text(""), Value::Null]))],
            &[0, 5, 6],
        ),
        (vec![(1, Test::In(vec![]))], &[]),
        (vec![(3, Test::Less(integer(3)))], &[1, 4, 6]),
        (vec![(3, Test::AtMost(integer(2)))], &[1, 4, 6]),
        (vec![(3, Test::Greater(integer(1)))], &[0, 3, 4]),
        (
            vec![(3, Test::AtLeast(integer(2))), (2, Test::Less(integer(10)))],
            &[0, 3],
        ),
        (vec![(3, Test::Greater(Value::Null))], &[0, 1, 3, 4, 6]),
        (vec![(3, Test::Less(Value::Null))], &[]),
        (vec![(3, Test::AtLeast(Value::Null))], &[]),
        (vec![(0, Test::AtLeast(text("é")))], &[5, 6]),
        (vec![(0, Test::Is(text("' OR 1 = 1 --")))], &[]),
    ];
    for (filters, expected) in cases {
        let query = RowQuery {
            filters,
            ..RowQuery::default()
        };
        assert_eq!(found(&store, &query).await, expected, "{:?}", query.filters);
    }
}

pub async fn orders_end_with_the_key_and_nulls_come_first<H: Harness>(harness: &H) {
    use Sorting::{Ascending, Descending};
    let (store, _guard) = filled(harness).await;
    let cases: Vec<Case<Sorting>> = vec![
        (vec![], &[0, 1, 2, 3, 4, 5, 6]),
        (vec![(0, Descending)], &[6, 5, 2, 3, 4, 0, 1]),
        (vec![(1, Ascending)], &[1, 4, 6, 3, 2, 0, 5]),
        (vec![(1, Descending)], &[0, 5, 2, 3, 6, 1, 4]),
        (
            vec![(3, Ascending), (1, Descending)],
            &[5, 2, 6, 1, 4, 0, 3],
        ),
        (
            vec![(2, Descending), (0, Descending)],
            &[4, 3, 1, 6, 5, 2, 0],
        ),
    ];
    for (order, expected) in cases {
        let query = RowQuery {
            order,
            ..RowQuery::default()
        };
        assert_eq!(found(&store, &query).await, expected, "{:?}", query.order);
        // Pages of any size come to the same.
        for limit in 1..4 {
            let mut query = RowQuery {
                limit: Some(limit),
                ..query.clone()
            };
            let mut pages = Vec::new();
            loop {
                let page = found(&store, &query).await;
                assert!(page.len() <= limit);
                let Some(last) = page.last() else { break };
                query.after = Some(some()[*last].clone());
                pages.extend(page);
            }
            assert_eq!(pages, expected, "{limit} of {:?}", query.order);
        }
    }
    assert_eq!(found(&store, &RowQuery::limited(0)).await, [0; 0]);
}

pub async fn a_page_goes_on_after_a_row_that_is_gone<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let mut query = RowQuery {
        order: vec![(1, Sorting::Ascending)],
        ..RowQuery::limited(3)
    };
    assert_eq!(found(&store, &query).await, [1, 4, 6]);
    let key = visits().key_of(&some()[6]);
    apply(&store, Change::of(&visits()).delete([key])).await;
    query.after = Some(some()[6].clone());
    assert_eq!(found(&store, &query).await, [3, 2, 0]);
    // Together with filters.
    query.filters = vec![(0, Test::Is(text("B")))];
    assert_eq!(found(&store, &query).await, [0]);
}
