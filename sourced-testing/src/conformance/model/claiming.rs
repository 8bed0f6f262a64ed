//! Claims: what may be given to whom, and how a claim ends.

use sourced::MessageId;
use sourced::backend::{
    Ack, AckError, AppendError, Claim, ClaimRequest, FenceError, Verdict, WorkerId,
};
use uuid::Uuid;

use super::fixed::{GROUPS, STREAMS, group_id, lanes_of, stream_id};
use super::operation::{Blow, Write};
use super::run::{Came, Game, HOUR, nothing};
use super::writing::ids_of_all;
use crate::conformance::Harness;
use crate::conformance::fixtures::*;

impl<H: Harness> Game<'_, H> {
    pub(super) async fn claim(
        &mut self,
        group: usize,
        worker: u8,
        lanes: u8,
        messages: u8,
        bytes: Option<u8>,
    ) -> Came {
        let request = ClaimRequest {
            worker: WorkerId::from_uuid(Uuid::from_u128(u128::from(worker) + 1)),
            groups: vec![group_id(group)],
            lanes: usize::from(lanes),
            messages_per_lane: usize::from(messages),
            bytes: bytes.map_or(usize::MAX, usize::from),
            lease: HOUR,
            stretches: Vec::new(),
        };
        let claims = self
            .backend
            .claim(&request)
            .await
            .map_err(|error| error.to_string())?;
        if claims.len() > request.lanes {
            return Err(format!("{} lanes were given", claims.len()));
        }
        let mut given = Vec::new();
        for claim in claims {
            self.may_be_given(group, &claim, &request)?;
            given.push(format!("{} x{}", claim.key.stream, claim.deliveries.len()));
            self.claims.push(claim);
        }
        Ok(format!("{given:?}"))
    }

    pub(super) fn may_be_given(
        &mut self,
        nth: usize,
        claim: &Claim,
        request: &ClaimRequest,
    ) -> Result<(), String> {
        let key = &claim.key;
        let mut lanes = lanes_of(nth).iter();
        let Some(stream) = lanes
            .find(|lane| stream_id(**lane) == key.stream)
            .filter(|_| key.group == group_id(nth) && key.worker == request.worker)
        else {
            return Err(format!("{key:?} was not asked for"));
        };
        let group = &mut self.groups[nth];
        if group.is_stopped {
            return Err(format!(
                "{} was given, though the group is stopped",
                key.stream
            ));
        }
        let lane = group.lane(*stream);
        if let Some(why) = lane.is_closed(self.hour) {
            return Err(format!("{} was given, though {why}", key.stream));
        }
        let pending: Vec<MessageId> = lane
            .pending(nth, self.streams.of(*stream))
            .map(|stored| stored.id)
            .collect();
        let given = delivered(claim);
        if given.is_empty()
            || given.len() > request.messages_per_lane
            || !pending.starts_with(&given)
        {
            return Err(format!(
                "of {} were given {given:?}, and these wait: {pending:?}",
                key.stream
            ));
        }
        let (n, bytes) = (given.len(), bytes_of(claim));
        if n > 1 && bytes > request.bytes {
            return Err(format!(
                "of {} were given {n} messages, which have {bytes} bytes, and there is room for {}",
                key.stream, request.bytes
            ));
        }
        let is_marked = |delivery: &sourced::backend::Delivery| {
            delivery.replaying == lane.is_replay(delivery.message.id)
        };
        if !claim.deliveries.iter().all(is_marked) {
            return Err(format!(
                "of {}, something is marked as a replay that is none, or is not",
                key.stream
            ));
        }
        if claim.attempts != lane.attempts {
            return Err(format!(
                "{} was tried {} times, and {} are told",
                key.stream, lane.attempts, claim.attempts
            ));
        }
        if lane.claimed(key, self.hour + 1) {
            Ok(())
        } else {
            Err(format!("the epoch of {} did not rise", key.stream))
        }
    }

    /// One of the claims, the newest first, with the numbers of its group and stream, and whether it still holds.
    pub(super) fn nth_claim(&mut self, nth: u8) -> Option<(Claim, usize, usize, bool)> {
        let n = self.claims.len();
        let claim = self
            .claims
            .iter()
            .rev()
            .nth(usize::from(nth) % n.max(1))?
            .clone();
        let group = GROUPS
            .into_iter()
            .find(|nth| group_id(*nth) == claim.key.group)?;
        let mut lanes = lanes_of(group).iter();
        let stream = *lanes.find(|lane| stream_id(**lane) == claim.key.stream)?;
        let is_held = self.groups[group].lane(stream).is_held_by(&claim.key);
        Some((claim, group, stream, is_held))
    }

    pub(super) async fn ack(
        &mut self,
        nth: u8,
        messages: u8,
        append: Option<&Write>,
        schedules: bool,
    ) -> Came {
        let Some((claim, group, stream, is_held)) = self.nth_claim(nth) else {
            return Ok(nothing());
        };
        let n = usize::from(messages).min(claim.deliveries.len());
        let (appends, sorts, is_right) = self.written(append.map_or(&[], std::slice::from_ref));
        let ids = ids_of_all(&appends);
        let later = schedules.then(|| self.later(stream % STREAMS.len(), 1));
        let ack = Ack {
            appends,
            schedules: later
                .iter()
                .map(|(_, scheduled)| scheduled.clone())
                .collect(),
            ..ack_upto(&claim, n)
        };
        match self.backend.ack(ack).await {
            Ok(_) if !is_held => Err("it was acknowledged, though the claim is lost".to_owned()),
            Ok(_) if !is_right => {
                Err("it was acknowledged, though an expectation is wrong".to_owned())
            }
            Ok(appended) => {
                self.appended(&ids, &sorts, &appended)?;
                self.streams.later.extend(later.map(|(later, _)| later));
                let handled = delivered(&claim).into_iter().take(n);
                self.groups[group].lane(stream).acked(handled);
                Ok(format!("acknowledged {n}"))
            }
            Err(AckError::Fenced { .. }) if !is_held => Ok("the claim is lost".to_owned()),
            Err(AckError::Append(AppendError::Conflict { .. })) if is_held && !is_right => {
                Ok("a conflict; the claim is kept".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) async fn fail(&mut self, nth: u8, blow: Blow) -> Came {
        let Some((claim, group, stream, is_held)) = self.nth_claim(nth) else {
            return Ok(nothing());
        };
        let verdict = verdict_of(blow);
        if let Some(lost) = ended(
            self.backend.fail(&claim.key, verdict, "on purpose").await,
            is_held,
        )? {
            return Ok(lost);
        }
        let failed = claim.deliveries[0].message.id;
        self.groups[group]
            .lane(stream)
            .failed(blow, failed, self.hour);
        Ok("done".to_owned())
    }

    pub(super) async fn ack_and_fail(&mut self, nth: u8, messages: u8, blow: Blow) -> Came {
        let Some((claim, group, stream, is_held)) = self.nth_claim(nth) else {
            return Ok(nothing());
        };
        let ids = delivered(&claim);
        let n = usize::from(messages).min(ids.len() - 1);
        let Some(failed) = ids.get(n).filter(|_| n > 0) else {
            return Ok("there is no middle".to_owned());
        };
        let acked = self
            .backend
            .ack_and_fail(ack_upto(&claim, n), verdict_of(blow), "on purpose");
        match acked.await {
            Ok(_) if !is_held => Err("it was acknowledged, though the claim is lost".to_owned()),
            Ok(_) => {
                let lane = self.groups[group].lane(stream);
                lane.acked(ids[..n].iter().copied());
                lane.failed(blow, *failed, self.hour);
                Ok(format!("acknowledged {n}"))
            }
            Err(AckError::Fenced { .. }) if !is_held => Ok("the claim is lost".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(super) async fn release(&mut self, nth: u8) -> Came {
        let Some((claim, group, stream, is_held)) = self.nth_claim(nth) else {
            return Ok(nothing());
        };
        if let Some(lost) = ended(self.backend.release(&claim.key).await, is_held)? {
            return Ok(lost);
        }
        self.groups[group].lane(stream).freed();
        Ok("done".to_owned())
    }

    pub(super) async fn renew(&mut self, nth: u8) -> Came {
        let Some((claim, group, stream, is_held)) = self.nth_claim(nth) else {
            return Ok(nothing());
        };
        let lost = self
            .backend
            .renew(std::slice::from_ref(&claim.key), HOUR)
            .await;
        let lost = lost.map_err(|error| error.to_string())?;
        match (lost.as_slice(), is_held) {
            ([], true) => {
                let until = self.hour + 1;
                self.groups[group].lane(stream).renewed(until);
                Ok("renewed".to_owned())
            }
            ([key], false) if *key == claim.key => Ok("the claim is lost".to_owned()),
            _ => Err(format!("{} claims are told as lost", lost.len())),
        }
    }
}

fn verdict_of(blow: Blow) -> Verdict {
    match blow {
        Blow::RetryInAnHour => Verdict::RetryAfter(HOUR),
        Blow::Park => Verdict::Park,
        Blow::Skip => Verdict::Skip,
    }
}

/// What came of ending a claim: in words when it was lost.
fn ended(ended: Result<(), FenceError>, is_held: bool) -> Result<Option<String>, String> {
    match (ended, is_held) {
        (Ok(()), true) => Ok(None),
        (Err(FenceError::Fenced { .. }), false) => Ok(Some("the claim is lost".to_owned())),
        (Ok(()), false) => Err("it was done, though the claim is lost".to_owned()),
        (Err(error), _) => Err(error.to_string()),
    }
}
