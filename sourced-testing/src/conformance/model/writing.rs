//! Appends and schedules: what is stored where, now and later.

use sourced::backend::{AppendError, Appended, Change, Scheduled, StreamAppend};
use sourced::{ExpectedSeq, MessageId};

use super::fixed::{STREAMS, stream_id};
use super::operation::{Sort, Write};
use super::run::{Came, Game, HOUR, done, nothing};
use super::streams::{Later, Stored};
use crate::conformance::Harness;
use crate::conformance::fixtures::*;

impl<H: Harness> Game<'_, H> {
    /// What is to be written, with its sorts, and whether the expectations are right.
    pub(super) fn written(
        &self,
        writes: &[Write],
    ) -> (Vec<StreamAppend>, Vec<(usize, Sort)>, bool) {
        let (mut appends, mut sorts, mut is_right): (Vec<StreamAppend>, _, _) =
            (Vec::new(), Vec::new(), true);
        for write in writes {
            let stream = usize::from(write.stream);
            if appends
                .iter()
                .any(|append| append.stream == stream_id(stream))
            {
                continue;
            }
            let (expected, right) = self.streams.expected(stream, write.expects);
            is_right &= right;
            sorts.extend(write.messages.iter().map(|sort| (stream, *sort)));
            appends.push(StreamAppend {
                stream: stream_id(stream),
                expected,
                messages: write
                    .messages
                    .iter()
                    .map(|sort| sort.new_message())
                    .collect(),
            });
        }
        (appends, sorts, is_right)
    }

    /// What was appended stands where it has to.
    pub(super) fn appended(
        &mut self,
        ids: &[MessageId],
        sorts: &[(usize, Sort)],
        appended: &[Appended],
    ) -> Came {
        if appended.len() != ids.len() {
            return Err(format!(
                "{} places for {} messages",
                appended.len(),
                ids.len()
            ));
        }
        for ((id, (stream, sort)), place) in ids.iter().zip(sorts).zip(appended) {
            let before = self.streams.of(*stream);
            let seq = before.len() as u64 + 1;
            let is_later = before
                .last()
                .is_none_or(|last| last.position < place.position);
            if place.id != *id || place.seq.get() != seq || place.already_stored || !is_later {
                return Err(format!(
                    "the new message {seq} of {} is told as {place:?}",
                    stream_id(*stream)
                ));
            }
            self.streams.push(
                *stream,
                Stored {
                    id: *id,
                    sort: *sort,
                    position: place.position,
                },
            );
        }
        Ok("stored".to_owned())
    }

    pub(super) async fn append(&mut self, writes: &[Write]) -> Came {
        let (appends, sorts, is_right) = self.written(writes);
        let ids = ids_of_all(&appends);
        match (self.backend.append(appends).await, is_right) {
            (Ok(appended), true) => self.appended(&ids, &sorts, &appended),
            (Err(AppendError::Conflict { .. }), false) => Ok("a conflict".to_owned()),
            (Ok(_), false) => Err("it was stored, though an expectation is wrong".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    /// One of the stored messages, with the number of its stream and its seq.
    pub(super) fn nth_stored(&self, nth: u8) -> Option<(usize, u64, Stored)> {
        let n = self.streams.all().count();
        let (stream, seq, stored) = self.streams.all().nth(usize::from(nth) % n.max(1))?;
        Some((stream, seq.get(), stored.clone()))
    }

    pub(super) async fn append_again(&mut self, nth: u8) -> Came {
        let Some((stream, seq, stored)) = self.nth_stored(nth) else {
            return Ok(nothing());
        };
        let again = again(stream, &stored, ExpectedSeq::NoStream);
        let appended = self
            .backend
            .append(vec![again])
            .await
            .map_err(|error| error.to_string())?;
        let is_first = |place: &Appended| {
            place.id == stored.id
                && place.seq.get() == seq
                && place.position == stored.position
                && place.already_stored
        };
        match appended.as_slice() {
            [place] if is_first(place) => Ok("recognised".to_owned()),
            other => Err(format!("it is told as {other:?}")),
        }
    }

    pub(super) async fn append_elsewhere(&mut self, nth: u8) -> Came {
        let Some((stream, _, stored)) = self.nth_stored(nth) else {
            return Ok(nothing());
        };
        let elsewhere = again((stream + 1) % STREAMS.len(), &stored, ExpectedSeq::Any);
        match self.backend.append(vec![elsewhere]).await {
            Err(AppendError::IdTaken { id }) if id == stored.id => Ok("refused".to_owned()),
            other => Err(format!("the id of another stream: {other:?}")),
        }
    }

    pub(super) fn later(&self, stream: usize, hours: u64) -> (Later, Scheduled) {
        let message = Sort::Event.new_message();
        let later = Later {
            due: self.hour + hours,
            stream,
            id: message.id,
            sort: Sort::Event,
        };
        let hours = u32::try_from(hours).unwrap_or(1);
        let at = self.harness.now(self.guard).saturating_add(HOUR * hours);
        (
            later,
            Scheduled {
                at,
                stream: stream_id(stream),
                message,
            },
        )
    }

    pub(super) async fn schedule(&mut self, stream: usize, hours: u64) -> Came {
        let (later, scheduled) = self.later(stream, hours);
        let scheduled = self.backend.schedule(Vec::new(), vec![scheduled]).await;
        self.streams.later.push(later);
        done(scheduled)
    }

    pub(super) async fn cancel(&mut self, nth: u8) -> Came {
        let n = self.streams.later.len();
        if n == 0 {
            return Ok(nothing());
        }
        let later = self.streams.later.remove(usize::from(nth) % n);
        match self.backend.cancel(later.id).await {
            Ok(Change::Done) => Ok("cancelled".to_owned()),
            other => Err(format!("what is scheduled is cancelled: {other:?}")),
        }
    }

    pub(super) async fn promote(&mut self, limit: usize) -> Came {
        let promoted = self
            .backend
            .promote(limit)
            .await
            .map_err(|error| error.to_string())?;
        let due = self.streams.due(self.hour, limit);
        if promoted.promoted != due.len() || promoted.set_aside != 0 {
            return Err(format!("{} are due, and it says {promoted:?}", due.len()));
        }
        for later in due {
            let found = self
                .backend
                .find(later.id)
                .await
                .map_err(|error| error.to_string())?;
            let seq = self.streams.of(later.stream).len() as u64 + 1;
            match found {
                Some(found)
                    if found.seq.get() == seq && found.stream_id == stream_id(later.stream) =>
                {
                    let stored = Stored {
                        id: later.id,
                        sort: later.sort,
                        position: found.position,
                    };
                    self.streams.push(later.stream, stored);
                }
                other => {
                    return Err(format!(
                        "message {seq} of {} is {other:?}",
                        stream_id(later.stream)
                    ));
                }
            }
        }
        Ok(format!("promoted {}", promoted.promoted))
    }
}

pub(super) fn ids_of_all(appends: &[StreamAppend]) -> Vec<MessageId> {
    let messages = appends.iter().flat_map(|append| &append.messages);
    messages.map(|message| message.id).collect()
}

fn again(stream: usize, stored: &Stored, expected: ExpectedSeq) -> StreamAppend {
    let mut message = stored.sort.new_message();
    message.id = stored.id;
    StreamAppend {
        stream: stream_id(stream),
        expected,
        messages: vec![message],
    }
}
