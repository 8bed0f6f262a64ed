//! Given events, then rows: projectors of tables.

mod support;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use sourced::Timestamp;
use sourced::prelude::*;
use sourced_testing::{MessagesExt as _, given, scenario};
use support::failure;

#[event("todo.added")]
struct Added {
    id: u64,
    title: String,
}

#[event("todo.renamed")]
struct Renamed {
    id: u64,
    title: String,
}

#[event("todo.done")]
struct Done {
    id: u64,
}

#[derive(Debug, Projection)]
#[projection(table = "todos")]
struct Todo {
    #[key]
    id: u64,
    title: String,
    due: Option<Timestamp>,
    #[projection(json)]
    earlier: Vec<String>,
}

#[projector]
impl Todo {
    #[event]
    fn added(event: &Added) -> Self {
        todo(event.id, &event.title, &[])
    }

    #[event]
    fn renamed(&mut self, event: &Renamed) {
        let title = event.title.clone();
        self.earlier.push(std::mem::replace(&mut self.title, title));
    }

    #[event]
    fn done(self, _: &Done) -> Delete {
        Delete
    }
}

fn todo(id: u64, title: &str, earlier: &[&str]) -> Todo {
    Todo {
        id,
        title: title.to_owned(),
        due: None,
        earlier: earlier.iter().map(|&title| title.to_owned()).collect(),
    }
}

fn added(id: u64, title: &str) -> Added {
    let title = title.to_owned();
    Added { id, title }
}

fn renamed(id: u64, title: &str) -> Renamed {
    let title = title.to_owned();
    Renamed { id, title }
}

#[test]
fn rows_come_of_what_was_given_and_of_what_comes() {
    given::<Todo>([added(1, "sow"), added(2, "reap")])
        .when(renamed(2, "harvest"))
        .then_rows([todo(2, "harvest", &["reap"]), todo(1, "sow", &[])]);
    given::<Todo>((added(1, "sow"), added(2, "reap"), Done { id: 1 }))
        .projected()
        .then_rows([todo(2, "reap", &[])]);
    given::<Todo>(added(1, "sow").in_stream("todos-7"))
        .stream("todos-1")
        .when(Done { id: 1 })
        .then_rows([]);
}

#[test]
fn what_differs_is_told_by_columns() {
    let text = failure(|| {
        given::<Todo>([added(1, "sow"), added(2, "reap"), added(3, "rest")])
            .when(renamed(2, "harvest"))
            .then_rows([
                todo(1, "sow", &[]),
                todo(2, "harvest", &["cut"]),
                todo(4, "sleep", &[]),
            ]);
    });
    let expected = r#"the rows of `todos` are not those expected (- expected, + came)

    { id: 1, title: "sow", due: null, earlier: [] }
    {
      id: 2
      title: "harvest"
      due: null
  -   earlier[0]: "cut"
  +   earlier[0]: "reap"
    }
  + { id: 3, title: "rest", due: null, earlier: [] }
  - { id: 4, title: "sleep", due: null, earlier: [] }
"#;
    assert_eq!(text, expected);
}

#[test]
fn an_expectation_that_no_table_meets_is_told() {
    let twice = || given::<Todo>(added(1, "sow")).projected();
    let text = failure(|| {
        twice().then_rows([todo(1, "sow", &[]), todo(1, "reap", &[])]);
    });
    let begin = "two of the rows that are expected have the same key";
    assert!(text.starts_with(begin), "{text}");
    let text = failure(|| {
        twice().then_rows([todo(u64::MAX, "sow", &[])]);
    });
    assert!(text.contains("`todos.id` cannot hold"), "{text}");
}

#[test]
fn an_event_that_does_not_fit_its_row_fails_the_test() {
    let text = failure(|| {
        given::<Todo>(()).when(Done { id: 7 }).then_rows([]);
    });
    assert!(text.contains("(7)"), "{text}");
    assert!(text.contains("a row that is not there"), "{text}");
    let text = failure(|| {
        _ = given::<Todo>(renamed(7, "x")).when(added(7, "y"));
    });
    let begin = "what is given does not fit: ";
    assert!(text.starts_with(begin), "{text}");
}

#[tokio::test]
async fn a_scenario_compares_rows_at_the_line_that_expects_them() {
    let start = || scenario![Todo].given([added(1, "sow"), added(2, "reap")].in_stream("todos-1"));
    start()
        .then_rows([todo(1, "sow", &[]), todo(2, "reap", &[])])
        .when(Done { id: 1 }.in_stream("todos-2"))
        .then_rows([todo(2, "reap", &[])])
        .when(Done { id: 2 }.in_stream("todos-1"))
        .then_rows::<Todo>([])
        .await;
    let wrong = start().then_rows([todo(1, "sow", &[])]);
    let wrong = AssertUnwindSafe(wrong.into_future()).catch_unwind().await;
    let text = wrong.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("tests/rows.rs:"), "{text}");
    let row = "  + { id: 2, title: \"reap\", due: null, earlier: [] }\n";
    assert!(text.contains(row), "{text}");
}
