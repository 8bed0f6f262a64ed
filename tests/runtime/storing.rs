//! *bytes-in-bytes-out*, from the types of a program: what is stored is read back as it was, or refused before.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::actor::Decides;
use sourced::backend::{ReadStream, StreamAppend};
use sourced::edge::EdgeError;
use sourced::prelude::*;
use sourced::{
    Command, DispatchError, ExpectedSeq, Kind, NewMessage, Outcome, Payload, PayloadError,
    Position, RetryPolicy, StoredMessage, TypeName, UnitError, WorkerOptions,
};

use crate::backends::On;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub value: f64,
    pub unit: Option<f32>,
}

/// What serde writes, and does not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Odd {
    Fine(u8),
    LeftOut {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    },
    NotWritten {
        #[serde(skip_serializing)]
        tag: String,
    },
    Keys(ByNumber),
    Large(Flat),
    Twice(Twice),
    Renamed {
        #[serde(rename(serialize = "new"))]
        old: u8,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum ByNumber {
    Of { names: BTreeMap<u32, String> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flat {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inner {
    n: u128,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Twice {
    n: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

fn odd() -> Vec<(Odd, &'static str)> {
    let names = BTreeMap::from([(1, "one".to_owned())]);
    let rest = BTreeMap::from([("n".to_owned(), 2)]);
    let n = u128::MAX;
    vec![
        (Odd::LeftOut { tags: vec![] }, "missing field `tags`"),
        (Odd::NotWritten { tag: "x".into() }, "missing field `tag`"),
        (Odd::Keys(ByNumber::Of { names }), "could not be read back"),
        (
            Odd::Large(Flat { inner: Inner { n } }),
            "could not be read back",
        ),
        (Odd::Twice(Twice { n: 1, rest }), "duplicate field `n`"),
        (Odd::Renamed { old: 1 }, "missing field `old`"),
    ]
}

#[derive(Debug, Default)]
pub struct Sensor {
    sum: f64,
    last: Option<f64>,
}

#[actor]
impl Sensor {
    #[command]
    pub fn measure(&self, readings: Vec<Reading>) -> Measured {
        Measured { readings }
    }

    /// 0 leads to NaN or infinity.
    #[command]
    pub fn divide(&self, number: f64, by: f64) -> Divided {
        Divided {
            ratio: Some(number / by),
        }
    }

    #[command]
    pub fn step(&self, by: f64, emit: &mut Emitter<Self>) {
        emit.event(Divided { ratio: Some(1.0) });
        emit.event(Divided {
            ratio: Some(1.0 / by),
        });
    }

    #[command]
    pub fn tell(&self, by: f64, other: Other<Sensor>) -> (Divided, Elsewhere<Divided>) {
        let ratio = Some(1.0);
        let there = Divided {
            ratio: Some(1.0 / by),
        };
        (Divided { ratio }, other.emit(there))
    }

    #[command]
    pub fn keep(&self, odd: Odd, set: HashSet<String>) -> Kept {
        Kept { odd, set }
    }

    #[command]
    pub fn break_down(&self) -> Broken {
        Broken { at: 1 }
    }

    #[event]
    pub fn measured(&mut self, readings: Vec<Reading>) {
        self.sum += readings.iter().map(|reading| reading.value).sum::<f64>();
        self.last = readings.last().map(|reading| reading.value);
    }

    #[event]
    pub fn divided(&mut self, ratio: Option<f64>) {
        self.last = ratio;
    }

    #[event]
    pub fn kept(&mut self, _odd: Odd, _set: HashSet<String>) {}

    #[event]
    pub fn broken(&mut self, at: u8) {
        self.sum = 1e9;
        assert_ne!(at, 1, "as told");
    }
}

fn workers() -> WorkerOptions {
    let retry = RetryPolicy::default().attempts(1);
    let options = WorkerOptions::default().poll_max(Duration::from_millis(5));
    options.retry(retry)
}

async fn app(on: &On) -> App {
    let builder = on.builder().register::<Sensor>().workers(workers());
    builder.build().await.unwrap()
}

async fn log_end(app: &App) -> Position {
    app.backend().log_end().await.unwrap()
}

async fn stored(app: &App, stream: &str) -> Vec<StoredMessage> {
    let read = ReadStream::all(StreamId::new(stream).unwrap());
    app.backend().read_stream(read).await.unwrap()
}

fn measure(value: f64, unit: Option<f32>) -> Measure {
    let fine = Reading {
        value: 0.5,
        unit: None,
    };
    Measure {
        readings: vec![fine, Reading { value, unit }],
    }
}

/// Each of the calls that take a command refuses it with these words, and stores nothing.
async fn is_refused<C: Command + Clone>(app: &App, command: C, says: &str)
where
    Sensor: Decides<C>,
{
    let before = log_end(app).await;
    let durable = app
        .actor::<Sensor>("sensor-1")
        .execute(command.clone())
        .await;
    let Err(error) = durable else {
        panic!("taken, and not {says}");
    };
    assert!(error.to_string().contains(says), "{error}");
    for outgoing in [
        command.clone().to("sensor-1"),
        command
            .clone()
            .to("sensor-1")
            .after(Duration::from_hours(1)),
    ] {
        let error = app.dispatch(outgoing).await.unwrap_err();
        let DispatchError::Payload(PayloadError::Encode(error)) = error else {
            panic!("another error: {error}")
        };
        assert_eq!(error.type_name(), C::NAME);
        assert!(error.to_string().contains(says), "{error}");
    }
    let unit = app.unit().handle(command.clone().to("sensor-1")).await;
    let error = unit.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    let decided = app.decide(command.to("sensor-1")).await;
    let error = decided.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    assert_eq!(log_end(app).await, before, "{says}");
    assert_eq!(app.scheduled(None, 10).await.unwrap(), []);
}

pub async fn what_cannot_be_told_in_json_is_refused_by_every_call(on: On) {
    let app = app(&on).await;
    let says = "`sensor.measure` is not stored: `readings[1].value` is NaN";
    is_refused(&app, measure(f64::NAN, None), says).await;
    let says = "`readings[1].value` is infinite";
    is_refused(&app, measure(f64::NEG_INFINITY, None), says).await;
    let says = "`readings[1].unit` is NaN";
    is_refused(&app, measure(1.0, Some(f32::NAN)), says).await;
    let sensor = app.actor::<Sensor>("sensor-1");
    sensor
        .execute(measure(f64::MAX, Some(f32::MIN)))
        .await
        .unwrap();
    assert_eq!(stored(&app, "sensor-1").await.len(), 2);
}

pub async fn what_cannot_be_read_back_is_refused_by_every_call(on: On) {
    let app = app(&on).await;
    for (odd, says) in odd() {
        let set = HashSet::new();
        is_refused(&app, Keep { odd, set }, says).await;
    }
    // A set comes back in another order, which is none.
    let set: HashSet<_> = (0..100).map(|n| n.to_string()).collect();
    let odd = Odd::Fine(1);
    let sensor = app.actor::<Sensor>("sensor-1");
    let kept = sensor.keep(odd, set.clone()).await.unwrap();
    assert_eq!(kept.set, set);
    let event = &stored(&app, "sensor-1").await[1];
    assert_eq!(event.decode::<Kept>().unwrap().payload.set, set);
}

pub async fn a_decision_that_cannot_be_stored_stores_nothing_anywhere(on: On) {
    let app = app(&on).await;
    let (number, by) = (1.0, 0.0);
    let sensor = app.actor::<Sensor>("sensor-1");
    let says = "`sensor.divided` is not stored: `ratio` is infinite";
    let errors = [
        sensor
            .divide(number, by)
            .await
            .map(drop)
            .unwrap_err()
            .to_string(),
        sensor.step(by).await.map(drop).unwrap_err().to_string(),
        sensor
            .tell(by, "sensor-2")
            .await
            .map(drop)
            .unwrap_err()
            .to_string(),
        app.unit()
            .handle(Divide { number, by }.to("sensor-1"))
            .await
            .unwrap_err()
            .to_string(),
    ];
    for error in errors {
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(log_end(&app).await, Position::START);

    let running = app.start();
    let other = StreamId::new("sensor-2").unwrap();
    for command in [
        Divide { number, by }.to("sensor-3").any(),
        Step { by }.to("sensor-4").any(),
        Tell { by, other }.to("sensor-5").any(),
    ] {
        let receipt = app.dispatch(command).await.unwrap();
        let outcome = receipt.outcome().await.unwrap();
        assert!(
            matches!(&outcome, Outcome::Failed(text) if text.contains(says)),
            "{outcome:?}"
        );
    }
    running.stop().await;
    for stream in 1..=5 {
        let stored = stored(&app, &format!("sensor-{stream}")).await;
        let mut kinds = stored.iter().map(|message| message.kind);
        assert!(kinds.all(|kind| kind == Kind::Command));
    }
}

pub async fn what_cannot_be_evolved_by_is_not_stored(on: On) {
    let app = app(&on).await;
    let sensor = app.actor::<Sensor>("sensor-1");
    sensor.execute(measure(1.0, None)).await.unwrap();
    let before = log_end(&app).await;
    let error = sensor.break_down().await.unwrap_err();
    assert!(error.to_string().contains("as told"), "{error}");
    let unit = app.unit().handle(BreakDown {}.to("sensor-1")).await;
    let Err(UnitError::Failed { failure, .. }) = unit else {
        panic!("not failed: {unit:?}")
    };
    assert!(failure.to_string().contains("as told"), "{failure}");
    assert_eq!(log_end(&app).await, before);
    // Nothing is left of it in the state that is decided on.
    sensor.execute(measure(2.0, None)).await.unwrap();
    let sum = app.load::<Sensor>("sensor-1").await.unwrap().state().sum;
    assert_eq!(sum.to_bits(), 4.0_f64.to_bits());
}

#[derive(Debug, Projection)]
#[projection(table = "ratios")]
pub struct Ratio {
    #[key]
    sensor: StreamId,
    #[projection(json)]
    ratios: Vec<f64>,
}

#[projector("ratios")]
impl Ratio {
    #[event(key = Self::of_stream)]
    fn divided(row: Option<Self>, event: &Message<Divided>) -> Self {
        let sensor = event.stream_id.clone();
        let mut row = row.unwrap_or(Self {
            sensor,
            ratios: Vec::new(),
        });
        // 0 leads to infinity.
        row.ratios.push(1.0 / event.payload.ratio.unwrap_or(1.0));
        row
    }

    fn of_stream(event: &Message<Divided>) -> StreamId {
        event.stream_id.clone()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Latest {
    inverse: Option<f64>,
}

#[projector("latest")]
impl Latest {
    #[event]
    fn divided(&mut self, event: &Divided) {
        self.inverse = event.ratio.map(|ratio| 1.0 / ratio);
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("latest", id, self).await
    }
}

pub async fn read_models_hold_nothing_that_cannot_be_read(on: On) {
    let builder = on.builder().register::<Sensor>().workers(workers());
    let app = builder.register::<Ratio>().register::<Latest>().build();
    let app = app.await.unwrap();
    let running = app.start();
    for (stream, number) in [("sensor-1", 4.0), ("sensor-2", 0.0), ("sensor-3", 2.0)] {
        app.actor::<Sensor>(stream)
            .divide(number, 1.0)
            .await
            .unwrap();
    }
    app.idle().await.unwrap();
    running.stop().await;
    let rows = app.rows::<Ratio>().all().await.unwrap();
    let ratios: Vec<_> = rows.iter().map(|row| &*row.ratios).collect();
    assert_eq!(ratios, [[0.25], [0.5]]);
    let documents = app.documents::<Latest>("latest", None, 10).await.unwrap();
    let inverses: Vec<_> = documents.iter().map(|(_, latest)| latest.inverse).collect();
    assert_eq!(inverses, [Some(0.25), Some(0.5)]);
    for parked in [
        app.group::<Ratio>().parked(None, 10).await.unwrap(),
        app.group::<Latest>().parked(None, 10).await.unwrap(),
    ] {
        let [of_stream] = &*parked else {
            panic!("not one: {parked:?}");
        };
        let error = &of_stream.failure.error;
        assert!(error.contains("infinite"), "{error}");
    }
}

pub async fn quarantine_of_nothing_by_a_number_from_outside(on: On) {
    let app = app(&on).await;
    let gateway = app.gateway(app.commands());
    let body = r#"{"readings": [{"value": 1, "unit": 2}, {"value": 1, "unit": 1e300}]}"#;
    let refused = gateway.command("sensor.measure", body).to("sensor-1");
    let Err(EdgeError::Invalid { violations, .. }) = refused.accept().await else {
        panic!("let in")
    };
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].path, "readings[1].unit");
    for (name, value) in [("by", "1e999"), ("by", "NaN"), ("number", "-inf")] {
        let other = if name == "by" { "number" } else { "by" };
        let form = gateway.form("sensor.divide", [(name, value), (other, "1")]);
        let refused = form.to("sensor-1").accept().await;
        assert!(
            matches!(refused, Err(EdgeError::Invalid { .. })),
            "{refused:?}"
        );
    }
    let refused = gateway.command("sensor.divide", r#"{"number": 1e999, "by": 1}"#);
    let refused = refused.to("sensor-1").accept().await;
    assert!(matches!(refused, Err(EdgeError::Json(_))), "{refused:?}");
    assert_eq!(log_end(&app).await, Position::START);
}

/// The same numbers each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

pub async fn floats_are_kept_to_the_last_bit_on_every_path(on: On) {
    let app = app(&on).await;
    let mut dice = Dice(0x0093_8845_3849_1205);
    let any = std::iter::from_fn(|| Some(f64::from_bits(dice.next())));
    let mut numbers: Vec<_> = any.filter(|number| number.is_finite()).take(500).collect();
    numbers.extend([0.093_884_538_491_205_51, -0.0, 5e-324, 0.1 + 0.2, f64::MAX]);
    let mut dice = Dice(7);
    #[expect(clippy::cast_precision_loss, reason = "all of these bits fit")]
    let fraction = |n: u64| (n >> 11) as f64 / (1_u64 << 53) as f64;
    numbers.extend((0..500).map(|_| fraction(dice.next())));
    #[expect(clippy::cast_possible_truncation, reason = "as a single one")]
    let readings: Vec<_> = numbers
        .iter()
        .map(|value| Reading {
            value: *value,
            unit: Some(*value as f32).filter(|unit| unit.is_finite()),
        })
        .collect();
    let bits = |readings: &[Reading]| -> Vec<_> {
        let bits = |reading: &Reading| (reading.value.to_bits(), reading.unit.map(f32::to_bits));
        readings.iter().map(bits).collect()
    };
    let command = Measure {
        readings: readings.clone(),
    };
    let sensor = app.actor::<Sensor>("sensor-1");
    let answered = sensor.execute(command.clone()).await.unwrap();
    assert_eq!(bits(&answered.readings), bits(&readings));

    let running = app.start();
    let receipt = app.dispatch(command.clone().to("sensor-2")).await.unwrap();
    receipt.outcome().await.unwrap();
    running.stop().await;
    let incoming = command.clone().to("sensor-3");
    app.unit().handle(incoming).await.unwrap();
    let body = serde_json::to_string(&command).unwrap();
    let gateway = app.gateway(app.commands());
    let incoming = gateway
        .command("sensor.measure", body)
        .to("sensor-4")
        .accept()
        .await
        .unwrap();
    app.unit().handle(incoming).await.unwrap();
    for stream in 1..=4 {
        let messages = stored(&app, &format!("sensor-{stream}")).await;
        let asked = messages[0].decode::<Measure>().unwrap().payload;
        assert_eq!(bits(&asked.readings), bits(&readings), "{stream}");
        let found = messages[1].decode::<Measured>().unwrap().payload;
        assert_eq!(bits(&found.readings), bits(&readings), "{stream}");
    }
}

/// A program before and after its event got a field.
mod placing {
    pub(super) mod without {
        use sourced::prelude::*;

        #[derive(Debug, Default)]
        pub struct Order {
            pub n_placed: u32,
        }

        #[actor]
        impl Order {
            #[command]
            pub fn place(&self) -> Placed {
                Placed {}
            }
            #[event]
            pub fn placed(&mut self) {
                self.n_placed += 1;
            }
        }
    }

    pub(super) mod with {
        use sourced::prelude::*;

        #[derive(Debug, Default)]
        pub struct Order {
            pub by: Vec<Option<String>>,
        }

        #[actor]
        impl Order {
            #[command]
            pub fn place(&self, #[serde(default)] by: Option<String>) -> Placed {
                Placed { by }
            }
            #[event]
            pub fn placed(&mut self, #[serde(default)] by: Option<String>) {
                self.by.push(by);
            }
        }
    }
}

pub async fn a_message_without_fields_gets_some_and_loses_them(on: On) {
    use placing::{with, without};
    let old = on.builder().register::<without::Order>().workers(workers());
    let old = old.build().await.unwrap();
    old.actor::<without::Order>("order-1")
        .place()
        .await
        .unwrap();
    // Waits for the newer program to decide it.
    let waiting = without::Place {}.to("order-1");
    let waiting = old.dispatch(waiting).await.unwrap();

    let new = on.builder().register::<with::Order>().workers(workers());
    let new = new.build().await.unwrap();
    let running = new.start();
    let me = || Some("me".to_owned());
    let outcome = new.outcome(waiting.id);
    new.idle().await.unwrap();
    let outcome = outcome.await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    running.stop().await;
    let order = new.actor::<with::Order>("order-1");
    order.place(me()).await.unwrap();
    let loaded = new.load::<with::Order>("order-1").await.unwrap();
    assert_eq!(loaded.state().by, [None, None, me()]);
    let waiting = with::Place { by: me() }.to("order-1");
    let waiting = new.dispatch(waiting).await.unwrap();

    let old = on.builder().register::<without::Order>().workers(workers());
    let old = old.build().await.unwrap();
    let running = old.start();
    old.idle().await.unwrap();
    running.stop().await;
    let outcome = old.outcome(waiting.id).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    let loaded = old.load::<without::Order>("order-1").await.unwrap();
    assert_eq!(loaded.state().n_placed, 4);

    // As other programs may have written them.
    for (json, by) in [("{}", None), ("null", None), (r#"{"by":"me"}"#, me())] {
        let (id, now) = (old.env().ids.next_id().into(), old.env().clock.now());
        let name = TypeName::new("order.placed").unwrap();
        let payload = Payload::parse(json).unwrap();
        let append = StreamAppend {
            stream: StreamId::new(format!("order-{json}")).unwrap(),
            expected: ExpectedSeq::Any,
            messages: vec![NewMessage::root(id, now, name, Kind::Event, payload)],
        };
        let stream = append.stream.clone();
        old.backend().append(vec![append]).await.unwrap();
        let loaded = old.load::<without::Order>(&stream).await.unwrap();
        assert_eq!(loaded.state().n_placed, 1);
        let loaded = new.load::<with::Order>(&stream).await.unwrap();
        assert_eq!(loaded.state().by, [by]);
    }
}

/// Its state cannot be stored after the second event.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Mean {
    mean: f64,
    n: u32,
}

#[actor(snapshot_every = 1)]
impl Mean {
    #[command]
    pub fn take(&self, number: f64) -> Taken {
        Taken { number }
    }

    #[event]
    pub fn taken(&mut self, number: f64) {
        self.n += 1;
        self.mean = number / f64::from(2 - self.n.min(2));
    }
}

pub async fn snapshot_is_no_truth_where_the_state_cannot_be_written(on: On) {
    let app = on.builder().register::<Mean>().build().await.unwrap();
    for number in [1.0, 0.0, 1.0] {
        app.actor::<Mean>("mean-1").take(number).await.unwrap();
        let other = on.builder().register::<Mean>().build().await.unwrap();
        let known = app.load::<Mean>("mean-1").await.unwrap().into_state();
        let fresh = other.load::<Mean>("mean-1").await.unwrap().into_state();
        assert_eq!(known.mean.to_bits(), fresh.mean.to_bits());
        assert_eq!(known.n, fresh.n);
    }
}
