//! Bad input of projectors: what is told, that others go on, and that all is as the log says after the repair.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use sourced::backend::{BackendError, Parked, StreamAppend};
use sourced::message::{Kind, Payload};
use sourced::prelude::*;
use sourced::reactor::Register;
use sourced::{
    DocumentReader, ExpectedSeq, NewMessage, RetryPolicy, Selection, TypeName, WorkerOptions,
};

use crate::backends::On;

/// How much was weighed in each stream, as a table and as documents, by two versions of a program.
macro_rules! program {
    ($name:ident, $(#[$shape:meta])* grams: at least $least:literal) => {
        pub mod $name {
            use serde::{Deserialize, Serialize};
            use sourced::prelude::*;

            #[event("parcel.weighed")]
            pub struct Weighed {
                $(#[$shape])*
                pub grams: i64,
            }

            #[derive(Debug, Projection)]
            #[projection(table = "parcels")]
            pub struct Parcel {
                #[key]
                pub id: StreamId,
                pub n: u32,
                pub grams: i64,
                pub trail: i64,
            }

            #[projector("parcels")]
            impl Parcel {
                #[event(key = Self::of_stream)]
                fn weighed(row: Option<Self>, event: &Message<Weighed>) -> Self {
                    let grams = event.payload.grams;
                    assert!(grams >= $least, "too light");
                    let id = event.stream_id.clone();
                    let row = row.unwrap_or(Self { id, n: 0, grams: 0, trail: 0 });
                    Self {
                        n: row.n + 1,
                        grams: row.grams + grams,
                        trail: row.trail * 31 + event.seq.get().cast_signed(),
                        ..row
                    }
                }

                fn of_stream(event: &Message<Weighed>) -> StreamId {
                    event.stream_id.clone()
                }
            }

            #[derive(Debug, Default, Serialize, Deserialize)]
            pub struct Scale {
                pub n: u32,
                pub grams: i64,
                pub trail: i64,
            }

            #[projector("scales", stored)]
            impl Scale {
                #[state]
                async fn load(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
                    tx.get("scales", id).await
                }

                #[event]
                fn weighed(&mut self, event: &Message<Weighed>) {
                    assert!(event.payload.grams >= $least, "too light");
                    self.n += 1;
                    self.grams += event.payload.grams;
                    self.trail = self.trail * 31 + event.seq.get().cast_signed();
                }

                #[sync]
                async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
                    tx.put("scales", id, self).await
                }
            }
        }
    };
}

program!(first, grams: at least 0);
program!(fixed, #[serde(alias = "weight")] grams: at least -100);

/// An app of one of the versions.
macro_rules! app {
    ($on:expr, $version:ident) => {
        $on.builder()
            .register::<$version::Parcel>()
            .register::<$version::Scale>()
            .workers(workers())
            .build()
            .await
            .unwrap()
    };
}
pub(crate) use app;

pub fn workers() -> WorkerOptions {
    let retry = RetryPolicy::default().attempts(3);
    WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(retry.first_pause(Duration::from_millis(1)))
}

/// Stores events as whatever program once wrote them.
pub async fn store(app: &App, stream: &str, payloads: &[&str]) {
    let message = |json: &&str| {
        NewMessage::root(
            app.env().ids.next_id().into(),
            app.env().clock.now(),
            TypeName::of::<first::Weighed>(),
            Kind::Event,
            Payload::parse(json).unwrap(),
        )
    };
    let append = StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages: payloads.iter().map(message).collect(),
    };
    app.backend().append(vec![append]).await.unwrap();
}

pub type Totals = BTreeMap<String, (u32, i64, i64)>;

/// A fold of the log by hand.
pub async fn fold(app: &App) -> Totals {
    let page = app.log(Selection::all()).page(1_000).await.unwrap();
    let mut totals = Totals::new();
    for message in page.messages {
        let payload: Value = message.payload.decode().unwrap();
        let grams = payload.get("grams").or(payload.get("weight")).unwrap();
        let total = totals.entry(message.stream_id.to_string()).or_default();
        total.0 += 1;
        total.1 += grams.as_i64().unwrap();
        total.2 = total.2 * 31 + message.seq.get().cast_signed();
    }
    totals
}

pub async fn rows(app: &App) -> Totals {
    let rows = app.rows::<fixed::Parcel>().all().await.unwrap();
    let row = |row: fixed::Parcel| (row.id.to_string(), (row.n, row.grams, row.trail));
    rows.into_iter().map(row).collect()
}

pub async fn documents(app: &App) -> Totals {
    let documents = app.documents::<fixed::Scale>("scales", None, 1_000).await;
    let total = |(key, scale): (String, fixed::Scale)| (key, (scale.n, scale.grams, scale.trail));
    documents.unwrap().into_iter().map(total).collect()
}

/// The streams that are parked for a group, each with an error that names the place and says these things.
pub async fn parked<R: Register>(app: &App, says: &[&str]) -> Vec<String> {
    let group = app.group::<R>();
    let parked = group.parked(None, 100).await.unwrap();
    for Parked {
        stream, failure, ..
    } in &parked
    {
        assert_eq!(failure.type_name.as_str(), "parcel.weighed");
        let place = format!(
            "`{}`: `parcel.weighed` at seq {} of `{stream}` (position {})",
            group.id(),
            failure.seq,
            failure.position
        );
        for part in says.iter().copied().chain([&*place]) {
            let said = failure.error.to_lowercase();
            assert!(
                said.contains(&part.to_lowercase()),
                "{part}: {}",
                failure.error
            );
        }
    }
    let health = app.health().await;
    let of_group = health.groups.iter().find(|of| of.group == *group.id());
    assert_eq!(of_group.unwrap().parked_lanes, Some(parked.len() as u64));
    parked.into_iter().map(|of| of.stream.to_string()).collect()
}

/// Both projectors stop at the third event of `s-1`, and go on there with the fixed program.
async fn parks_until_the_program_is_fixed(on: &On, bad: &str, says: &[&str]) {
    let app = app!(on, first);
    let good = r#"{"grams":5}"#;
    store(&app, "s-1", &[good, good, bad, good]).await;
    store(&app, "s-2", &[good]).await;
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 2);
    assert_eq!(parked::<first::Parcel>(&app, says).await, ["s-1"]);
    assert_eq!(parked::<first::Scale>(&app, says).await, ["s-1"]);
    // What came before it is stored, and other streams go on.
    store(&app, "s-2", &[good]).await;
    assert_eq!(app.idle().await.unwrap().parked, 2);
    let before = |trail| (2, 10, trail);
    let expected = ["s-1", "s-2"].map(|stream| (stream.to_owned(), before(33)));
    assert_eq!(rows(&app).await, expected.clone().into());
    assert_eq!(documents(&app).await, expected.into());
    running.stop().await;

    let app = app!(on, fixed);
    let running = app.start();
    let n_retried = app.group::<fixed::Parcel>().retry_all_parked("fixed").await;
    assert_eq!(n_retried.unwrap(), 1);
    let n_retried = app.group::<fixed::Scale>().retry_all_parked("fixed").await;
    assert_eq!(n_retried.unwrap(), 1);
    assert!(app.idle().await.unwrap().is_done());
    let expected = fold(&app).await;
    assert_eq!(expected["s-1"].0, 4);
    assert_eq!(rows(&app).await, expected);
    assert_eq!(documents(&app).await, expected);
    running.stop().await;
}

pub async fn quarantine_of_a_payload_that_is_no_longer_read_until_it_is(on: On) {
    let says = ["missing field `grams`", "serde(alias"];
    parks_until_the_program_is_fixed(&on, r#"{"weight":7}"#, &says).await;
}

pub async fn quarantine_of_an_event_that_panics_until_its_method_is_fixed(on: On) {
    let says = ["the handler panicked: too light"];
    parks_until_the_program_is_fixed(&on, r#"{"grams":-7}"#, &says).await;
}

/// How often the storage will not answer.
fn answer(away: &AtomicU32) -> Result<(), Failure> {
    match away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)) {
        Ok(_) => Err(BackendError::Unavailable("the disk is full".into()).into()),
        Err(_) => Ok(()),
    }
}

/// Saves when the storage lets it.
#[derive(Debug, Default)]
struct Patient;

#[projector]
impl Patient {
    #[event]
    fn weighed(&mut self, _: &first::Weighed) {}

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>, away: Res<Arc<AtomicU32>>) -> Result<(), Failure> {
        answer(&away)?;
        tx.put("saved", "patient", &true).await
    }
}

/// Loads before the transaction when the storage lets it.
#[derive(Debug, Default)]
struct Loader;

#[projector(stored)]
impl Loader {
    #[state]
    async fn load(
        documents: Res<DocumentReader>,
        away: Res<Arc<AtomicU32>>,
    ) -> Result<Option<Self>, Failure> {
        answer(&away)?;
        let saved = documents.get::<bool>("saved", "loader").await?;
        Ok(saved.map(|_| Self))
    }

    #[event]
    fn weighed(&mut self, _: &first::Weighed) {}

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("saved", "loader", &true).await
    }
}

pub async fn outage_is_no_attempt_and_parks_nothing(on: On) {
    let away = Arc::new(AtomicU32::new(9));
    let builder = on.builder().register::<Patient>().register::<Loader>();
    let builder = builder.resource(Arc::clone(&away));
    let workers = workers().retry(RetryPolicy::never());
    let app = builder.workers(workers).build().await.unwrap();
    store(&app, "s-1", &[r#"{"grams":5}"#]).await;
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(away.load(Ordering::Relaxed), 0);
    for key in ["patient", "loader"] {
        let saved: Option<bool> = app.document("saved", key).await.unwrap();
        assert_eq!(saved, Some(true), "{key}");
    }
    running.stop().await;
}

/// Reacts to what it cannot bear.
#[derive(Debug, Default)]
struct Picky;

#[derive(Debug, thiserror::Error)]
#[error("{0} g")]
struct Heavy(i64);

#[projector]
impl Picky {
    #[event]
    fn weighed(&mut self, _: &first::Weighed) {}

    #[reaction]
    fn complain(&self, event: &first::Weighed, tried: Res<Arc<AtomicU32>>) -> Result<(), Failure> {
        tried.fetch_add(1, Ordering::Relaxed);
        match event.grams {
            9 => Err(Failure::permanent(Heavy(9))),
            8 => Err(Heavy(8).into()),
            _ => Ok(()),
        }
    }
}

pub async fn quarantine_goes_by_the_failure_of_a_projector_s_reaction(on: On) {
    let tried = Arc::new(AtomicU32::new(0));
    let builder = on.builder().register::<Picky>();
    let policy = RetryPolicy::default().attempts(3);
    let policy = policy.on::<Heavy>(RetryPolicy::default().attempts(2));
    let app = builder
        .resource(Arc::clone(&tried))
        .workers(workers().retry(policy))
        .build()
        .await
        .unwrap();
    let running = app.start();
    for (stream, payload, n_tried) in [("s-1", r#"{"grams":9}"#, 1), ("s-2", r#"{"grams":8}"#, 2)] {
        tried.store(0, Ordering::Relaxed);
        store(&app, stream, &[payload]).await;
        app.idle().await.unwrap();
        assert_eq!(tried.load(Ordering::Relaxed), n_tried, "{stream}");
    }
    assert_eq!(parked::<Picky>(&app, &[" g"]).await, ["s-1", "s-2"]);
    running.stop().await;
}
