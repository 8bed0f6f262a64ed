//! What operators do: resets, skips and retries.

use sourced::Position;
use sourced::backend::{QuarantineError, ResetFrom, ResetScope};

use super::fixed::{WHOLE, group_id, lane_of, lanes_of, stream_id};
use super::run::{Came, Game, done};
use crate::conformance::Harness;
use crate::conformance::fixtures::*;

impl<H: Harness> Game<'_, H> {
    pub(super) async fn reset(&mut self, group: usize, only: Option<usize>) -> Came {
        // One in global order begins again as a whole.
        let only = only.filter(|_| group != WHOLE);
        let scope = only.map_or(ResetScope::All, |stream| {
            ResetScope::Stream(stream_id(stream))
        });
        let reset = self
            .backend
            .reset_group(&group_id(group), &scope, ResetFrom::Beginning)
            .await;
        for lane in lanes_of(group) {
            if only.is_none_or(|only| only == *lane) {
                self.groups[group].lane(*lane).reset();
            }
        }
        done(reset)
    }

    pub(super) async fn skip(&mut self, group: usize, stream: usize, first: bool) -> Came {
        let stream = lane_of(group, stream);
        let (right, other) = {
            let lane = self.groups[group].lane(stream);
            let mut pending = lane.pending(group, self.streams.of(stream));
            let right = pending.next().map(|stored| (stored.id, stored.position));
            (right, pending.next().map(|stored| stored.position))
        };
        let end = Position::new(u64::from(u32::MAX));
        let position = if first {
            right.map_or(end, |(_, position)| position)
        } else {
            other.unwrap_or(end)
        };
        let skipped = self
            .backend
            .skip(&group_id(group), &stream_id(stream), position, "a reason")
            .await;
        match (
            skipped,
            right.filter(|(_, position)| first && *position != end),
        ) {
            (Ok(()), Some((id, _))) => {
                self.groups[group].lane(stream).acked([id]);
                Ok("skipped".to_owned())
            }
            (Err(QuarantineError::NotFirst { .. }), None) => Ok("refused".to_owned()),
            (Err(QuarantineError::NotFirst { first: None, .. }), Some((_, position)))
                if self.sorted_upto(group).await? < position =>
            {
                Ok("it is not sorted into its lane yet".to_owned())
            }
            (Ok(()), None) => {
                Err("a message was skipped that was not the first, or none was there".to_owned())
            }
            (Err(error), _) => Err(error.to_string()),
        }
    }

    pub(super) async fn sorted_upto(&self, group: usize) -> Result<Position, String> {
        let groups = self.backend.groups().await;
        let mut groups = groups.map_err(|error| error.to_string())?.into_iter();
        let found = groups.find(|status| status.id == group_id(group));
        found
            .map(|status| status.sorted_upto)
            .ok_or_else(|| format!("{} is not listed", group_id(group)))
    }

    pub(super) async fn retry(&mut self, group: usize, stream: usize) -> Came {
        let stream = lane_of(group, stream);
        let retried = self
            .backend
            .retry_parked(&group_id(group), &stream_id(stream), "a reason")
            .await;
        let lane = self.groups[group].lane(stream);
        match (retried, lane.is_parked()) {
            (Ok(()), true) => {
                lane.retried();
                Ok("retried".to_owned())
            }
            (Err(QuarantineError::NotParked { .. }), false) => Ok("it is not parked".to_owned()),
            (Ok(()), false) => Err("it was retried, though it is not parked".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    }
}
