//! Raw input: JSON that is nearly right, and forms.

use serde_json::{Value, json};
use sourced::edge::Gateway;
use sourced::prelude::*;
use sourced::{MessageType, Outgoing};

use crate::draw::{Dice, Draw as _};
use crate::kinds::Anything;
use crate::program::{Note, Submit, is_written_alike, stored};
use crate::tally::{BATCH, Tally};

pub async fn json_and_forms_through_a_gateway(app: &App, tally: &mut Tally) {
    let gateway = app.gateway(app.commands());
    let way = "JSON through a gateway";
    let (stored, refused) = let_in::<Note>(app, tally, async |dice| {
        let body = body(dice);
        gateway
            .command("bag.note", body)
            .to("bag")
            .accept()
            .await
            .ok()
    })
    .await;
    tally.add(way, stored, refused);
    let way = "forms through a gateway";
    let (stored, refused) =
        let_in::<Submit>(app, tally, async |dice| form(&gateway, dice).await).await;
    tally.add(way, stored, refused);
}

/// Tries inputs, and stores those that are let in.
async fn let_in<C: MessageType>(
    app: &App,
    tally: &Tally,
    accept: impl AsyncFn(&mut Dice) -> Option<Outgoing>,
) -> (usize, usize) {
    let (mut n_stored, mut n_refused) = (0, 0);
    let mut dice = Dice::new(7);
    while n_stored + n_refused < tally.of_each() {
        let stream = format!("outside-{}", app.env().ids.next_id());
        let mut taken = Vec::new();
        for _ in 0..BATCH {
            match accept(&mut dice).await {
                Some(command) => taken.push(command.to(&*stream)),
                None => n_refused += 1,
            }
        }
        let n_taken = taken.len();
        app.dispatch_all(taken).await.unwrap();
        let messages = stored(app, &stream).await;
        assert_eq!(messages.len(), n_taken);
        for message in messages {
            is_written_alike(&message.decode::<C>().unwrap().payload, &message.payload);
        }
        n_stored += n_taken;
    }
    (n_stored, n_refused)
}

/// A command as a client would write it, and then something else in a place of it, or in its text.
fn body(dice: &mut Dice) -> String {
    let it = serde_json::to_string(&Anything::draw(dice)).unwrap_or_else(|_| "{}".to_owned());
    let mut text = format!(r#"{{"it":{it}}}"#);
    match dice.below(4) {
        0 => {}
        1 | 2 => {
            if let Ok(mut value) = serde_json::from_str::<Value>(&text) {
                replace(&mut value, dice);
                text = value.to_string();
            }
        }
        _ => {
            let at = dice.below(text.len());
            if text.is_char_boundary(at) {
                let with = [
                    "1e300", "1e400", "\"", "null", "}", "\\ud800", "-0", "{\"a\":", "9",
                ];
                text.insert_str(at, dice.one_of(&with));
            }
        }
    }
    text
}

/// Something else somewhere inside.
fn replace(value: &mut Value, dice: &mut Dice) {
    let inside: Vec<&mut Value> = match value {
        Value::Array(all) => all.iter_mut().collect(),
        Value::Object(all) => all.values_mut().collect(),
        _ => Vec::new(),
    };
    let n = inside.len();
    match inside.into_iter().nth(dice.below(n)) {
        Some(inner) if dice.below(5) != 0 => replace(inner, dice),
        _ => {
            *value = match dice.below(4) {
                0 => json!(1e300),
                1 => json!(f64::draw(dice)),
                2 => json!(String::draw(dice)),
                _ => Value::draw(dice),
            }
        }
    }
}

async fn form(gateway: &Gateway, dice: &mut Dice) -> Option<Outgoing> {
    let names = [
        "number",
        "other",
        "whole",
        "many",
        "many[0]",
        "many[1]",
        "inner[b]",
        "inner[c]",
        "inner[d]",
        "inner[e][0]",
        "outside[0]",
        "outside[0][One]",
        "outside[0][Both][a]",
        "none",
    ];
    let mut pairs = Vec::new();
    if dice.below(12) != 0 {
        let number = dice.one_of(&["1", "0.5", "-7", "16777217"]);
        pairs.push(("number".to_owned(), number.to_owned()));
    }
    if dice.below(12) != 0 {
        pairs.push(("whole".to_owned(), i64::draw(dice).to_string()));
    }
    for _ in 0..dice.below(5) {
        let name = match dice.below(12) {
            0 => String::draw(dice),
            _ => dice.one_of(&names).to_owned(),
        };
        let text = match dice.below(5) {
            0 => f64::draw(dice).to_string(),
            1 => format!("{:e}", f64::draw(dice)),
            2 => dice
                .one_of(&["1e300", "on", "", "Nothing", "nan", "inf", " 1 ", "0x1"])
                .to_owned(),
            3 => u64::draw(dice).to_string(),
            _ => String::draw(dice),
        };
        pairs.push((name, text));
    }
    gateway
        .form("bag.submit", pairs)
        .to("bag")
        .accept()
        .await
        .ok()
}
