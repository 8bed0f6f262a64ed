//! Chains of causes: whether one message led to the next.

use std::fmt::Write as _;

use sourced::StoredMessage;
use sourced::actor::{Sketch, Target};
use sourced::{StreamId, Timestamp};

use super::trail::Trail;
use crate::telling::Telling;

/// Finds messages of the trail that are those, each caused by the one before it; or says how far that goes.
pub(super) fn find(trail: &Trail, links: &[Sketch], now: Timestamp) -> Result<(), String> {
    let Some((first, rest)) = links.split_first() else {
        return Err("a chain of nothing\n\nhelp: name a message and what it led to".into());
    };
    let mut reached: Vec<&StoredMessage> = those(trail.messages.iter(), first, now);
    if reached.is_empty() {
        return Err(format!("there is no {}", told(first, now)));
    }
    for link in rest {
        let effects = reached.iter().flat_map(|cause| trail.effects(cause));
        let next = those(effects, link, now);
        if next.is_empty() {
            let causes: Vec<_> = reached.iter().map(|cause| trail.told(cause)).collect();
            let mut text = format!(
                "{} did not come of {}",
                told(link, now),
                causes.join(" or ")
            );
            for other in those(trail.messages.iter(), link, now) {
                let cause = trail.cause(other).map(|cause| trail.told(cause));
                let cause = cause.unwrap_or_else(|| "nothing before it".to_owned());
                // Writing to a `String` cannot fail.
                _ = write!(text, "\n{} came of {cause}", trail.told(other));
            }
            return Err(text);
        }
        reached = next;
    }
    Ok(())
}

/// Those of the messages that the sketch tells of; in whatever stream, where it names none.
fn those<'t>(
    messages: impl Iterator<Item = &'t StoredMessage>,
    sketch: &Sketch,
    now: Timestamp,
) -> Vec<&'t StoredMessage> {
    let is_meant = |message: &&StoredMessage| {
        let expected = Telling::expected(sketch, &message.stream_id, now);
        let came = Telling::came(message, None).in_new_stream(std::slice::from_ref(&expected));
        expected.place == came.place && expected.is_met_by(&came)
    };
    messages.filter(is_meant).collect()
}

fn told(sketch: &Sketch, now: Timestamp) -> String {
    match &sketch.target {
        Target::Stream(stream) => format!("{} in `{stream}`", telling(sketch, stream, now)),
        // It is only told, not looked for in that stream.
        _ => match StreamId::new("any") {
            Ok(any) => telling(sketch, &any, now),
            Err(_) => sketch.type_name.to_string(),
        },
    }
}

fn telling(sketch: &Sketch, stream: &StreamId, now: Timestamp) -> String {
    Telling::expected(sketch, stream, now).to_string()
}
