//! Reading one's own writes: waiting until a projector has seen what a command led to.

use std::time::Duration;

use sourced::backend::BackendError;
use sourced::prelude::*;
use sourced::{RetryPolicy, SeenError, WorkerOptions};

use crate::backends::On;

/// Longer than anybody waits for a test: what is not told at once is not told.
const LONG: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
pub struct Diary;

#[derive(Debug, thiserror::Error)]
#[error("there is nothing to write")]
struct Empty;

#[actor]
impl Diary {
    #[command]
    fn write(&self, text: String) -> Result<Vec<Wrote>, Empty> {
        match text.as_str() {
            "" => Err(Empty),
            "nothing" => Ok(Vec::new()),
            _ => Ok(vec![Wrote { text }]),
        }
    }

    #[event]
    fn wrote(&mut self, _text: String) {}

    #[command]
    fn close(&self) -> Closed {
        Closed
    }

    #[event]
    fn closed(&mut self) {}
}

#[derive(Debug, Default)]
pub struct Pages {
    pages: Vec<String>,
}

#[projector]
impl Pages {
    #[event]
    fn wrote(&mut self, event: &Wrote) {
        assert_ne!(event.text, "illegible", "as told");
        self.pages.push(event.text.clone());
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("pages", id, &self.pages).await
    }
}

/// Registered nowhere.
#[derive(Debug, Default)]
struct Unknown;

#[projector]
impl Unknown {
    #[event]
    fn wrote(&mut self, _: &Wrote) {}
}

async fn app(on: &On) -> App {
    let options = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(RetryPolicy::default().attempts(1));
    let builder = on.builder().register::<Diary>().register::<Pages>();
    builder.workers(options).build().await.unwrap()
}

fn write(text: &str) -> Write {
    Write {
        text: text.to_owned(),
    }
}

async fn pages(app: &App) -> Vec<String> {
    let pages = app.document("pages", "diary-1").await.unwrap();
    pages.unwrap_or_default()
}

pub async fn a_command_is_seen_by_a_projector_when_it_has_answered(on: On) {
    let app = app(&on).await;
    let running = app.start();
    for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
        let receipt = app.dispatch(write(text).to("diary-1")).await.unwrap();
        receipt.seen_by::<Pages>(LONG).await.unwrap();
        assert_eq!(pages(&app).await.len(), n + 1);
    }
    for nothing in ["", "nothing"] {
        let receipt = app.dispatch(write(nothing).to("diary-1")).await.unwrap();
        receipt.seen_by::<Pages>(LONG).await.unwrap();
    }
    // No event of this one is for the projector.
    let receipt = app.dispatch(Close.to("diary-1")).await.unwrap();
    receipt.seen_by::<Pages>(LONG).await.unwrap();
    running.stop().await;
}

/// As the handlers of a web server have to be.
fn can_be_sent<F: Future + Send>(future: F) -> F {
    future
}

pub async fn a_durable_call_is_seen(on: On) {
    let app = app(&on).await;
    let diary = app.actor::<Diary>("diary-1");
    diary.seen_by::<Pages>(Duration::ZERO).await.unwrap();
    let running = app.start();
    for (n, text) in ["one", "two", "three"].into_iter().enumerate() {
        diary.write(text).await.unwrap();
        let diary = diary.clone();
        can_be_sent(diary.seen_by::<Pages>(LONG)).await.unwrap();
        assert_eq!(pages(&app).await.len(), n + 1);
    }
    running.stop().await;
}

pub async fn what_another_process_projects_is_seen(on: On) {
    let (writer, worker) = (app(&on).await, app(&on).await);
    let running = worker.start();
    let receipt = writer.dispatch(write("one").to("diary-1")).await.unwrap();
    can_be_sent(receipt.seen_by::<Pages>(LONG)).await.unwrap();
    assert_eq!(pages(&writer).await, ["one"]);
    running.stop().await;
}

pub async fn the_limit_is_told_with_what_is_missing(on: On) {
    let app = app(&on).await;
    let short = Duration::from_millis(20);
    let receipt = app.dispatch(write("one").to("diary-1")).await.unwrap();
    let error = receipt.seen_by::<Pages>(short).await.unwrap_err();
    assert!(
        matches!(&error, SeenError::Undecided { command, .. } if *command == receipt.id),
        "{error}"
    );

    let diary = app.actor::<Diary>("diary-2");
    diary.write("one").await.unwrap();
    let error = diary.seen_by::<Pages>(short).await.unwrap_err();
    let SeenError::TimedOut { stream, within, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((stream.as_str(), *within), ("diary-2", short));
}

pub async fn parked_streams_and_stopped_groups_are_told_at_once(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let diary = app.actor::<Diary>("diary-1");
    diary.write("illegible").await.unwrap();
    let error = diary.seen_by::<Pages>(LONG).await.unwrap_err();
    assert!(
        matches!(&error, SeenError::Parked { error, .. } if error.contains("as told")),
        "{error}"
    );

    app.group::<Pages>().stop("for a while").await.unwrap();
    let diary = app.actor::<Diary>("diary-2");
    diary.write("one").await.unwrap();
    let error = diary.seen_by::<Pages>(LONG).await.unwrap_err();
    assert!(
        matches!(&error, SeenError::Stopped { reason, .. } if reason == "for a while"),
        "{error}"
    );

    let error = diary.seen_by::<Unknown>(LONG).await.unwrap_err();
    let is_unknown = matches!(error, SeenError::Backend(BackendError::UnknownGroup(_)));
    assert!(is_unknown, "{error}");
    running.stop().await;
}

pub async fn what_a_unit_left_to_workers_is_seen(on: On) {
    let app = app(&on).await;
    // It cannot be overtaken by the unit.
    app.actor::<Diary>("diary-1").write("one").await.unwrap();
    let outcome = app.unit().handle(write("two").to("diary-1")).await.unwrap();
    assert_eq!(outcome.left_to_workers().len(), 1);
    let running = app.start();
    let seen = app.seen_by::<Pages>(outcome.messages(), LONG);
    can_be_sent(seen).await.unwrap();
    assert_eq!(pages(&app).await, ["one", "two"]);
    running.stop().await;
}
