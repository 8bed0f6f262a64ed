//! Methods for several events, which take them as one type.

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

use crate::backends::On;

#[derive(Debug, Default)]
pub struct Lamp;

#[actor]
impl Lamp {
    #[command]
    fn turn_on(&self, by: String) -> TurnedOn {
        TurnedOn { by }
    }

    #[event]
    fn turned_on(&mut self, _by: String) {}

    #[command]
    fn turn_off(&self) -> TurnedOff {
        TurnedOff
    }

    #[event]
    fn turned_off(&mut self) {}

    #[reaction(TurnedOn, TurnedOff)]
    fn meter(&self, event: &LampEvent) -> Outgoing<Write> {
        write(format!("meter {event:?}"))
    }
}

/// A stream of lines.
#[derive(Debug, Default)]
pub struct Book;

#[actor]
impl Book {
    #[command]
    fn write(&self, line: String) -> Written {
        Written { line }
    }

    #[event]
    fn written(&mut self, _line: String) {}
}

fn write(line: String) -> Outgoing<Write> {
    Write { line }.to("book")
}

#[derive(Debug, Default)]
pub struct Watch;

#[handler]
impl Watch {
    #[on(TurnedOn, TurnedOff)]
    fn note(&self, event: &Message<LampEvent>) -> Outgoing<Write> {
        let what = match &event.payload {
            LampEvent::TurnedOn(on) => format!("on by {}", on.by),
            LampEvent::TurnedOff(_) => "off".to_owned(),
        };
        write(format!("{} #{} {what}", event.stream_id, event.seq))
    }
}

/// What both events are to the projector below, but for their fields.
#[derive(Debug)]
pub enum Switched {
    On,
    Off,
}

impl From<TurnedOn> for Switched {
    fn from(_: TurnedOn) -> Self {
        Self::On
    }
}

impl From<TurnedOff> for Switched {
    fn from(_: TurnedOff) -> Self {
        Self::Off
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Light {
    is_on: bool,
    n_times: u32,
}

#[projector]
impl Light {
    #[event(TurnedOn, TurnedOff)]
    fn switched(&mut self, to: &Switched) {
        self.is_on = matches!(to, Switched::On);
        self.n_times += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("lights", id, self).await
    }
}

pub async fn a_method_for_several_events_sees_which_it_is_called_for(on: On) {
    let builder = on.builder().register::<Lamp>().register::<Book>();
    let app = builder.register::<Watch>().register::<Light>();
    let app = app.build().await.unwrap();
    let lamp = app.actor::<Lamp>("lamp-1");
    lamp.turn_on("ann".to_owned()).await.unwrap();
    lamp.turn_off().await.unwrap();
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
    let book = app.load::<Book>("book").await.unwrap();
    let lines = book.history().iter().map(|event| {
        let written = event.decode::<Written>().unwrap();
        written.payload.line
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    let expected = [
        "lamp-1 #2 on by ann",
        "lamp-1 #4 off",
        "meter TurnedOff(TurnedOff)",
        "meter TurnedOn(TurnedOn { by: \"ann\" })",
    ];
    assert_eq!(lines, expected);
    let light: Option<Light> = app.document("lights", "lamp-1").await.unwrap();
    let expected = Light {
        is_on: false,
        n_times: 2,
    };
    assert_eq!(light, Some(expected));
}
