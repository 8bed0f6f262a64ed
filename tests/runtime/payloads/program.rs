//! A program that stores anything, by its durable calls and by what it dispatches.

use serde::de::DeserializeOwned;
use serde_json::Value;
use sourced::backend::ReadStream;
use sourced::prelude::*;
use sourced::{MessageType, Payload, StoredMessage};

use crate::backends::On;
use crate::draw::{Dice, Draw as _};
use crate::kinds::{Anything, Inner, Outside};
use crate::tally::{BATCH, Tally};

#[derive(Debug, Default)]
pub struct Bag;

#[actor]
impl Bag {
    /// What these seeds lead to.
    #[command]
    pub fn fill(&self, seeds: Vec<u64>) -> Vec<Filled> {
        let drawn = seeds.into_iter().map(drawn);
        drawn.map(|it| Filled { it }).collect()
    }

    #[command]
    pub fn note(&self, _it: Anything) {}

    /// For forms, whose fields are asked for by name.
    #[command]
    pub fn submit(
        &self,
        _number: f32,
        _whole: i64,
        _other: Option<f64>,
        #[serde(default)] _many: Vec<f64>,
        _inner: Option<Inner>,
        #[serde(default)] _outside: Vec<Outside>,
    ) {
    }

    #[event]
    pub fn filled(&mut self, _it: Anything) {}
}

fn drawn(seed: u64) -> Anything {
    Anything::draw(&mut Dice::new(seed))
}

pub async fn app(on: &On) -> App {
    on.builder().register::<Bag>().build().await.unwrap()
}

pub async fn stored(app: &App, stream: &str) -> Vec<StoredMessage> {
    let read = ReadStream::all(StreamId::new(stream).unwrap());
    app.backend().read_stream(read).await.unwrap()
}

/// What a stored message says is what it was, as far as its type keeps it.
fn is_what_it_was<M: MessageType + PartialEq + std::fmt::Debug>(
    stored: &StoredMessage,
    was: &M,
    is_lossy: bool,
) {
    let back = stored.decode::<M>().unwrap().payload;
    if is_lossy {
        is_written_alike(&back, &stored.payload);
    } else {
        assert_eq!(&back, was, "{}", stored.payload.as_str());
    }
}

pub fn is_written_alike<M: serde::Serialize + DeserializeOwned>(back: &M, payload: &Payload) {
    let again = Payload::encode(back).unwrap();
    let value = |payload: &Payload| payload.decode::<Value>();
    if again != *payload && again.as_str().len() == payload.as_str().len() {
        let (again, payload) = (value(&again).unwrap(), value(payload).unwrap());
        // Sets are written in any order.
        assert_eq!(sorted(&again), sorted(&payload));
    } else {
        assert_eq!(again, *payload);
    }
}

fn sorted(value: &Value) -> Vec<char> {
    let mut chars: Vec<_> = value.to_string().chars().collect();
    chars.sort_unstable();
    chars
}

/// The negative control: stored unchecked, it would not be read back as it was.
fn is_refused_rightly(note: &Note) {
    let Ok(json) = serde_json::to_string(note) else {
        return;
    };
    let Ok(payload) = Payload::parse(&json) else {
        return;
    };
    // What has this key is compared by nobody: `Value` takes it for JSON inside of a text.
    if json.contains("$serde_json::private::RawValue") {
        return;
    }
    if let Ok(back) = payload.decode::<Note>() {
        assert_ne!(&back, note, "refused, and would have come back: {json}");
    }
}

/// Seeds of what is taken; what is refused is counted, and looked at.
fn taken(seeds: &mut std::ops::RangeFrom<u64>, n: usize) -> (Vec<u64>, Vec<u64>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for seed in seeds.take(n) {
        // An event of it is written alike.
        let note = Note { it: drawn(seed) };
        if Payload::encode(&note).is_ok() {
            taken.push(seed);
        } else {
            is_refused_rightly(&note);
            refused.push(seed);
        }
    }
    (taken, refused)
}

pub async fn events_of_durable_calls(app: &App, tally: &mut Tally) {
    let (mut n_stored, mut n_refused) = (0, 0);
    let mut seeds = 1_u64..;
    while n_stored + n_refused < tally.of_each() {
        let (seeds, refused) = taken(&mut seeds, BATCH);
        let stream = format!("filled-{}", app.env().ids.next_id());
        let bag = app.actor::<Bag>(&*stream);
        let answered = bag.fill(seeds.clone()).await.unwrap();
        assert_eq!(answered.len(), seeds.len());
        let messages = stored(app, &stream).await;
        assert_eq!(messages.len(), 1 + seeds.len());
        for (event, message) in answered.iter().zip(&messages[1..]) {
            is_what_it_was(message, event, event.it.is_lossy());
        }
        for seed in refused.iter().take(5) {
            let answer = bag.fill(vec![seeds[0], *seed]).await;
            answer.unwrap_err();
        }
        assert_eq!(stored(app, &stream).await.len(), messages.len());
        n_stored += seeds.len();
        n_refused += refused.len();
    }
    tally.add("events of durable calls", n_stored, n_refused);
}

pub async fn commands_that_are_dispatched(app: &App, tally: &mut Tally) {
    let (mut n_stored, mut n_refused) = (0, 0);
    let mut seeds = 1_000_000_000_u64..;
    while n_stored + n_refused < tally.of_each() {
        let (seeds, refused) = taken(&mut seeds, BATCH);
        let stream = format!("noted-{}", app.env().ids.next_id());
        let note = |seed: &u64| Note { it: drawn(*seed) }.to(&*stream);
        app.dispatch_all(seeds.iter().map(note)).await.unwrap();
        let messages = stored(app, &stream).await;
        assert_eq!(messages.len(), seeds.len());
        for (seed, message) in seeds.iter().zip(&messages) {
            let was = Note { it: drawn(*seed) };
            is_what_it_was(message, &was, was.it.is_lossy());
        }
        for seed in refused.iter().take(5) {
            let both = [seeds[0], *seed];
            app.dispatch_all(both.iter().map(note)).await.unwrap_err();
        }
        assert_eq!(stored(app, &stream).await.len(), messages.len());
        n_stored += seeds.len();
        n_refused += refused.len();
    }
    tally.add("dispatched commands", n_stored, n_refused);
}
