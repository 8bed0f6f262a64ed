//! What is said by spans and events, on every backend: enough to find a message, and nothing of what it says.

#![allow(unreachable_pub, reason = "modules of several test programs")]
#![allow(dead_code, reason = "of the shop, a part is used here")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod backends;
mod shop;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::backend::{BackendError, StreamAppend};
use sourced::prelude::*;
use sourced::{
    ExpectedSeq, Kind, MessageId, NewMessage, Payload, RetryPolicy, TypeName, WorkerOptions,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata as About, Subscriber};

use sourced_testing::Op;

use backends::On;
use shop::Stage;

const SECRET: &str = "hunter2-correct-horse";

/// Keeps everything that is said, of every level, as text.
struct Listener {
    n_spans: AtomicU64,
    said: &'static Mutex<String>,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Listener {
    fn say(&self, what: &str, about: Option<&About<'_>>, fields: impl FnOnce(&mut Fields<'_>)) {
        let mut line = what.to_owned();
        if let Some(about) = about {
            write!(line, " {} {}", about.target(), about.name()).unwrap();
        }
        fields(&mut Fields(&mut line));
        let mut said = self.said.lock().unwrap();
        said.push_str(&line);
        said.push('\n');
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &About<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.say("span", Some(span.metadata()), |fields| span.record(fields));
        Id::from_u64(self.n_spans.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        self.say("record", None, |fields| values.record(fields));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.say("event", Some(event.metadata()), |fields| {
            event.record(fields);
        });
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// All that is said in this process.
fn said() -> &'static Mutex<String> {
    static SAID: OnceLock<&'static Mutex<String>> = OnceLock::new();
    SAID.get_or_init(|| {
        let said: &Mutex<String> = Box::leak(Box::default());
        let listener = Listener {
            n_spans: AtomicU64::new(0),
            said,
        };
        tracing::subscriber::set_global_default(listener).unwrap();
        said
    })
}

#[derive(Debug, Default)]
struct Safe {
    code: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the code is wrong")]
struct WrongCode;

#[actor]
impl Safe {
    #[command]
    fn lock(&self, code: String) -> Locked {
        Locked { code }
    }
    #[event]
    fn locked(&mut self, code: String) {
        self.code = code;
    }
    #[reaction]
    fn remember(&self, locked: &Locked) -> Remember {
        Remember {
            code: locked.code.clone(),
        }
    }
    #[command]
    fn remember_it(&self, remember: &Remember) -> Remembered {
        Remembered {
            code: remember.code.clone(),
        }
    }
    #[event]
    fn remembered(&mut self, _code: String) {}

    #[command]
    fn unlock(&self, code: String) -> Result<Unlocked, WrongCode> {
        if code == "sesame" {
            return Ok(Unlocked);
        }
        Err(WrongCode)
    }
    #[event]
    fn unlocked(&mut self) {}

    /// Fails, and panics.
    #[command]
    async fn blow_up(
        &self,
        part: String,
        _code: String,
        stage: Res<Arc<Stage>>,
    ) -> Result<BlownUp, Failure> {
        stage.play(&part).await?;
        Ok(BlownUp)
    }
    #[event]
    fn blown_up(&mut self) {}

    #[command]
    fn count(&self, n: u32) -> Counted {
        Counted { n }
    }
    #[event]
    fn counted(&mut self, _n: u32) {}
}

#[command("safe.remember")]
struct Remember {
    code: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Codes {
    codes: Vec<String>,
}

#[projector]
impl Codes {
    #[event]
    fn locked(&mut self, locked: &Locked) {
        self.codes.push(locked.code.clone());
    }
    #[sync]
    async fn save(
        &self,
        id: &StreamId,
        tx: &mut Tx<'_>,
        stage: Res<Arc<Stage>>,
    ) -> Result<(), Failure> {
        stage.play(id.as_str()).await?;
        // Twice, since it may be run before the transaction, too.
        if id.as_str() == "safe-5" && stage.calls(id.as_str()) <= 2 {
            return Err(BackendError::Unavailable("the disk is full".into()).into());
        }
        tx.put("codes", SECRET, self).await
    }
}

/// Stores a command whose payload is none of its type.
async fn store_misfit(app: &App, stream: &str) {
    let payload = Payload::parse(format!(r#"{{"n":"{SECRET}"}}"#)).unwrap();
    let id = app.env().ids.next_id().into();
    let now = app.env().clock.now();
    let message = NewMessage::root(id, now, TypeName::of::<Count>(), Kind::Command, payload);
    let append = StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages: vec![message],
    };
    app.backend().append(vec![append]).await.unwrap();
}

/// What is said of the handler that takes long for this message.
fn reports(said: &Mutex<String>, slow: MessageId) -> Vec<String> {
    let text = said.lock().unwrap();
    let is_report =
        |line: &&str| line.contains("a handler is slow") && line.contains(&slow.to_string());
    text.lines().filter(is_report).map(str::to_owned).collect()
}

/// Does one of each, with a secret in all payloads. Gives the id of the slow command, and what health told.
async fn run(on: On, said: &Mutex<String>) -> (MessageId, String) {
    let stage = Stage::new();
    let retry = RetryPolicy::default()
        .attempts(2)
        .first_pause(Duration::from_millis(1));
    let options = WorkerOptions::default()
        .retry(retry)
        .slow_after(Duration::from_millis(20));
    let builder = on.builder().register::<Safe>().register::<Codes>();
    let app = builder
        .resource(Arc::clone(&stage))
        .workers(options)
        .build()
        .await
        .unwrap();
    let app = app
        .with_metadata(Metadata::new().with("password", SECRET))
        .by(Principal::user(SECRET));
    let workers = app.start();
    let code = || SECRET.to_owned();
    let blow_up = |part: &str| BlowUp {
        part: part.into(),
        code: code(),
    };

    app.actor::<Safe>("safe-1").lock(code()).await.unwrap();
    app.actor::<Safe>("safe-1")
        .unlock(code())
        .await
        .unwrap_err();
    app.actor::<Safe>("safe-1")
        .blow_up("fail", code())
        .await
        .unwrap_err();
    app.dispatch(Lock { code: code() }.to("safe-1"))
        .await
        .unwrap();
    app.dispatch(Unlock { code: code() }.to("safe-1"))
        .await
        .unwrap();
    app.dispatch(blow_up("fail").to("safe-2")).await.unwrap();
    app.dispatch(blow_up("panic").to("safe-3")).await.unwrap();
    let slow = app.dispatch(blow_up("wait").to("safe-4")).await.unwrap();
    app.dispatch(
        Lock { code: code() }
            .to("safe-5")
            .after(Duration::from_millis(5)),
    )
    .await
    .unwrap()
    .outcome()
    .await
    .unwrap();
    app.unit()
        .handle(Lock { code: code() }.to("safe-6"))
        .await
        .unwrap();
    app.decide(Lock { code: code() }.to("safe-6"))
        .await
        .unwrap();
    store_misfit(&app, "safe-7").await;
    // Health tells before the log does.
    while app.health().await.workers[0].slow.is_empty() || reports(said, slow.id).is_empty() {
        app.env().clock.sleep(Duration::from_millis(5)).await;
    }
    stage.go_on.add_permits(1);
    slow.outcome().await.unwrap();
    app.idle().await.unwrap();
    let health = serde_json::to_string(&app.health().await).unwrap();
    workers.stop().await;
    (slow.id, health)
}

async fn says_no_payload(on: On) {
    let said = said();
    let (slow, health) = run(on, said).await;
    let text = said.lock().unwrap().clone();
    let with_secret: Vec<&str> = text.lines().filter(|line| line.contains(SECRET)).collect();
    assert!(with_secret.is_empty(), "{}", with_secret.join("\n"));
    assert!(!health.contains(SECRET), "{health}");

    let spans = [
        "claim", "handle", "decide", "react", "evolve", "ack", "promote",
    ];
    for span in spans {
        let head = format!("span sourced::{span} {span}");
        assert!(text.contains(&head), "no span `{span}`");
    }
    let outcomes = ["applied", "refused", "failed"];
    let recorded: BTreeSet<&str> = outcomes
        .into_iter()
        .filter(|outcome| text.contains(&format!("record outcome={outcome:?}")))
        .collect();
    assert_eq!(recorded, BTreeSet::from(outcomes));
    let reports = reports(said, slow);
    assert_eq!(reports.len(), 1, "once per claim: {reports:?}");
    assert!(
        reports[0].contains("type_name=safe.blow_up"),
        "{}",
        reports[0]
    );
    let is_outage = |line: &str| {
        let parts = ["group=codes", "stream=safe-5", "position=", "full"];
        let has_all = parts.iter().all(|part| line.contains(part));
        has_all && line.contains("message_type=safe.locked")
    };
    let outages = text.lines().filter(|line| line.contains("storage failed"));
    assert!(
        outages.clone().any(is_outage),
        "{:?}",
        outages.collect::<Vec<_>>()
    );
    let parked = text.lines().filter(|line| line.contains("parked"));
    let is_misfit = |line: &str| {
        line.contains("stream=safe-7") && line.contains("invalid type: string, expected u32")
    };
    assert!(
        parked.clone().any(is_misfit),
        "{:?}",
        parked.collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_says_no_payload() {
    says_no_payload(On::memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_says_no_payload() {
    says_no_payload(On::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_says_no_payload() {
    says_no_payload(On::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quarantine_is_told_when_it_is_stored() {
    let (said, stage) = (said(), Stage::new());
    let (builder, script) = On::memory().await.faulty();
    let options = WorkerOptions::default()
        .lease(Duration::from_millis(20))
        .retry(RetryPolicy::never());
    let builder = builder.register::<Safe>().workers(options);
    let app = builder.resource(Arc::clone(&stage)).build().await.unwrap();
    script.refuse(Op::Fail);
    let running = app.start();
    let blow_up = BlowUp {
        part: "fail".into(),
        code: String::new(),
    };
    app.dispatch(blow_up.to("safe-of-an-outage")).await.unwrap();
    assert_eq!(app.idle().await.unwrap().parked, 1);
    running.stop().await;
    assert_eq!(stage.calls("fail"), 2);
    let text = said.lock().unwrap().clone();
    let lines = text
        .lines()
        .filter(|line| line.contains("safe-of-an-outage"));
    let parked = lines.filter(|line| line.contains("message=parked"));
    assert_eq!(parked.count(), 1);
}
