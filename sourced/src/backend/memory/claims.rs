//! Claiming and acknowledging in memory.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use super::documents::Overlay;
use super::lanes::Lanes;
use super::{Memory, State};
use crate::backend::{
    Ack, AckError, Acked, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims,
    FenceError, GoOn, LaneState, Limits, Refusal, Tx, Verdict, bounded,
};
use crate::message::MessageId;
use crate::stream::{GroupId, Position, StreamId};
use crate::time::Timestamp;

/// What an acknowledgement does with its lane besides giving it back.
#[derive(Clone, Copy)]
enum Then<'e> {
    Nothing,
    GoOn(GoOn, Timestamp),
    Fail(Verdict, &'e str, Timestamp),
}

#[async_trait]
impl Claims for Memory {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        let now = self.shared.clock.now();
        self.state().claim(request, now)
    }

    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        Ok(self.acknowledge(ack, Then::Nothing).await?.appended)
    }

    async fn ack_and_go_on(&self, ack: Ack, next: GoOn) -> Result<Acked, AckError> {
        let now = self.shared.clock.now();
        self.acknowledge(ack, Then::GoOn(next, now)).await
    }

    async fn ack_and_fail(
        &self,
        ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError> {
        let now = self.shared.clock.now();
        let then = Then::Fail(verdict, bounded(error), now);
        Ok(self.acknowledge(ack, then).await?.appended)
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        self.state().held(claim)?.release(&claim.stream);
        self.raise();
        Ok(())
    }

    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        let until = self.shared.clock.now().saturating_add(delay);
        self.state().held(claim)?.postpone(&claim.stream, until);
        self.raise();
        Ok(())
    }

    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        let now = self.shared.clock.now();
        {
            let mut state = self.state();
            state.held(claim)?;
            let State { log, groups, .. } = &mut *state;
            if let Some(lanes) = groups.get_mut(&claim.group) {
                lanes.fail(&claim.stream, verdict, bounded(error), log, now);
            }
        }
        self.raise();
        Ok(())
    }

    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        let until = self.shared.clock.now().saturating_add(lease);
        let mut state = self.state();
        let mut lost = Vec::new();
        for claim in claims {
            match state.held(claim) {
                Ok(lanes) => lanes.renew(&claim.stream, until),
                Err(_) => lost.push(claim.clone()),
            }
        }
        Ok(lost)
    }

    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        let mut state = self.state();
        Ok(state.pumped(group)?.lane_state(stream))
    }

    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        let state = self.state();
        let found = commands
            .iter()
            .filter_map(|command| state.refusals.get(command));
        Ok(found.cloned().collect())
    }

    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        let mut state = self.state();
        groups
            .iter()
            .map(|group| Ok(state.pumped(group)?.pending()))
            .sum()
    }
}

impl Memory {
    async fn acknowledge(&self, ack: Ack, then: Then<'_>) -> Result<Acked, AckError> {
        Limits::default()
            .check_all(&ack.appends, &ack.schedules)
            .map_err(|error| AckError::Append(error.into()))?;
        let acked = if ack.syncs.is_empty() {
            self.state().commit(ack, Overlay::new(self), then)?
        } else {
            self.ack_with_syncs(ack, then).await?
        };
        self.raise();
        Ok(acked)
    }

    /// Sync actions are the user's code and may wait for anything, so nothing but the turn to write documents is held
    /// while they run: they write to an overlay, and all of it is applied at once if the claim and the expectations
    /// still hold.
    async fn ack_with_syncs(&self, ack: Ack, then: Then<'_>) -> Result<Acked, AckError> {
        let _turn = self.shared.transaction.lock().await;
        {
            let mut state = self.state();
            state.fence(&ack.claim)?;
            state.plan(&ack.appends, &ack.schedules)?;
        }
        let mut overlay = Overlay::new(self);
        for sync in &ack.syncs {
            sync.run(&mut Tx::new(&mut overlay))
                .await
                .map_err(AckError::of_sync)?;
        }
        self.state().commit(ack, overlay, then)
    }
}

impl State {
    fn claim(
        &mut self,
        request: &ClaimRequest,
        now: Timestamp,
    ) -> Result<Vec<Claim>, BackendError> {
        for group in &request.groups {
            self.pumped(group)?.wake(now);
        }
        self.turn = self.turn.wrapping_add(1);
        let Some(first) = self.turn.checked_rem(request.groups.len()) else {
            return Ok(Vec::new());
        };
        let mut groups: Vec<&GroupId> = request.groups.iter().collect();
        groups.rotate_left(first);
        let mut claims = Vec::new();
        // One lane of each group in turn, so that a long queue of one leaves room for the others.
        while !groups.is_empty() {
            groups.retain(|group| {
                if claims.len() >= request.lanes {
                    return false;
                }
                let lanes = self.groups.get_mut(*group);
                let claim = lanes.and_then(|lanes| lanes.claim(&self.log, request, now));
                let has_more = claim.is_some();
                claims.extend(claim);
                has_more
            });
        }
        Ok(claims)
    }

    /// Stores everything an acknowledgement brings, or nothing.
    fn commit(&mut self, ack: Ack, overlay: Overlay, then: Then<'_>) -> Result<Acked, AckError> {
        self.fence(&ack.claim)?;
        let (plan, scheduling) = self.plan(&ack.appends, &ack.schedules)?;
        self.log.apply(ack.appends, &plan);
        self.agenda.apply(ack.schedules, &scheduling);
        for refusal in ack.refusals {
            // A command is decided once: the first answer stays.
            self.refusals.entry(refusal.command).or_insert(refusal);
        }
        overlay.apply(self);
        if let Some(lanes) = self.groups.get_mut(&ack.claim.group) {
            lanes.ack(&ack.claim.stream, ack.upto);
        }
        let next = match then {
            Then::Nothing => None,
            Then::GoOn(next, now) => self.go_on(ack.claim, &plan, next, now),
            Then::Fail(verdict, error, now) => {
                let Self { log, groups, .. } = self;
                if let Some(lanes) = groups.get_mut(&ack.claim.group) {
                    lanes.fail(&ack.claim.stream, verdict, error, log, now);
                }
                None
            }
        };
        Ok(Acked {
            appended: plan,
            next,
        })
    }

    /// Claims what an acknowledgement has appended to its own stream, if that is all there is to do in it.
    fn go_on(
        &mut self,
        claim: ClaimKey,
        appended: &[Appended],
        next: GoOn,
        now: Timestamp,
    ) -> Option<Claim> {
        let request = ClaimRequest {
            worker: claim.worker,
            groups: vec![claim.group],
            lanes: 1,
            messages_per_lane: next.messages,
            bytes: next.bytes,
            lease: next.lease,
            stretches: Vec::new(),
        };
        let own: HashSet<Position> = appended.iter().map(|place| place.position).collect();
        let Self { log, groups, .. } = self;
        let lanes = groups.get_mut(&request.groups[0])?;
        lanes.pump(log);
        if !lanes.has_nothing_but(&claim.stream, &own) {
            return None;
        }
        lanes.claim_stream(claim.stream, log, &request, now)
    }

    /// The lanes of a group, with everything in the log sorted into them.
    pub(super) fn pumped(&mut self, group: &GroupId) -> Result<&mut Lanes, BackendError> {
        let Some(lanes) = self.groups.get_mut(group) else {
            return Err(BackendError::UnknownGroup(group.clone()));
        };
        lanes.pump(&self.log);
        Ok(lanes)
    }

    /// The lanes of the claim's group, if it still holds its own.
    fn held(&mut self, claim: &ClaimKey) -> Result<&mut Lanes, FenceError> {
        match self.groups.get_mut(&claim.group) {
            Some(lanes) if lanes.is_held(claim) => Ok(lanes),
            _ => Err(FenceError::Fenced {
                group: claim.group.clone(),
                stream: claim.stream.clone(),
            }),
        }
    }

    fn fence(&mut self, claim: &ClaimKey) -> Result<(), AckError> {
        match self.held(claim) {
            Ok(_) => Ok(()),
            Err(_) => Err(AckError::Fenced {
                group: claim.group.clone(),
                stream: claim.stream.clone(),
            }),
        }
    }
}
