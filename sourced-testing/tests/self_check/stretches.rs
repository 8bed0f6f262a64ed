//! Stretches of the log, made of the lanes of memory, and what can be wrong about them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sourced::backend::{
    Ack, AckError, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims as _, Delivery,
    Epoch, FenceError, GroupStatus, Groups as _, Room, STRETCH, Verdict,
};
use sourced::env::Clock as _;
use sourced::{GroupId, Position, StreamId, Timestamp};

use crate::broken::{Broken, Fault, plain_ack};

/// The stretches of all groups.
#[derive(Debug, Default)]
pub(crate) struct Stretches {
    held: Mutex<BTreeMap<GroupId, Held>>,
    /// Up to where the last stretch went: what of it was not acknowledged comes in lanes.
    heads: Mutex<BTreeMap<GroupId, Position>>,
    epochs: Mutex<u64>,
}

/// One that somebody has.
#[derive(Debug, Clone)]
struct Held {
    key: ClaimKey,
    until: Timestamp,
    lanes: Vec<Claim>,
}

impl Held {
    fn keys(&self) -> Vec<ClaimKey> {
        self.lanes.iter().map(|lane| lane.key.clone()).collect()
    }
}

impl Broken {
    /// Claims the stretches that are asked for, and gives what is left of the request.
    pub(crate) async fn claim_stretches(
        &self,
        mut request: ClaimRequest,
    ) -> Result<(Vec<Claim>, ClaimRequest), BackendError> {
        let mut claims = Vec::new();
        for group in std::mem::take(&mut request.stretches) {
            if self.is_held(&group).await? {
                if !self.has(Fault::GivesLanesBesideStretches) {
                    request.groups.retain(|other| *other != group);
                }
            } else if let Some(claim) = self.claim_stretch(&group, &request).await? {
                claims.push(claim);
                request.groups.retain(|other| *other != group);
            }
        }
        Ok((claims, request))
    }

    async fn claim_stretch(
        &self,
        group: &GroupId,
        request: &ClaimRequest,
    ) -> Result<Option<Claim>, BackendError> {
        let groups = self.memory.groups().await?;
        let Some(status) = groups.into_iter().find(|status| status.id == *group) else {
            return Ok(None);
        };
        let end_of_last = locked(&self.stretches.heads).get(group).copied();
        if !self.is_far_behind(&status) || end_of_last > Some(status.handled_upto()) {
            return Ok(None);
        }
        let all = ClaimRequest {
            groups: vec![group.clone()],
            lanes: usize::MAX,
            messages_per_lane: STRETCH,
            bytes: usize::MAX,
            ..request.clone()
        };
        let mut lanes = self.memory.claim(&all).await?;
        let has_all =
            lanes.len() as u64 == status.pending || self.has(Fault::GivesStretchesBesideLanes);
        let n_messages: usize = lanes.iter().map(|lane| lane.deliveries.len()).sum();
        if n_messages < STRETCH || !has_all {
            for lane in lanes {
                _ = self.memory.release(&lane.key).await;
            }
            return Ok(None);
        }
        let mut deliveries: Vec<Delivery> = lanes
            .iter()
            .flat_map(|lane| lane.deliveries.iter().cloned())
            .collect();
        deliveries.sort_by_key(|next| next.message.position);
        let mut room = Room::new(STRETCH, request.bytes);
        let mut fits = |next: &Delivery| room.takes(&next.message.payload, &next.message.metadata);
        deliveries.truncate(deliveries.iter().take_while(|next| fits(next)).count());
        let last = deliveries[deliveries.len() - 1].message.position;
        for lane in &mut lanes {
            lane.deliveries.retain(|next| next.message.position <= last);
        }
        let (lanes, others): (Vec<_>, Vec<_>) = lanes
            .into_iter()
            .partition(|lane| !lane.deliveries.is_empty());
        for lane in others {
            _ = self.memory.release(&lane.key).await;
        }
        let epoch = {
            let mut epochs = locked(&self.stretches.epochs);
            *epochs += 1;
            Epoch::new(*epochs)
        };
        let key = ClaimKey {
            group: group.clone(),
            stream: StreamId::log(),
            worker: request.worker,
            epoch,
        };
        let held = Held {
            key: key.clone(),
            until: self.clock.now().saturating_add(request.lease),
            lanes,
        };
        locked(&self.stretches.held).insert(group.clone(), held);
        locked(&self.stretches.heads).insert(group.clone(), last);
        match self.fault {
            Fault::GivesStretchesStreamByStream => {
                deliveries.sort_by_key(|next| next.message.stream_id.clone());
            }
            Fault::MarksNoReplaysInStretches => {
                for next in &mut deliveries {
                    next.replaying = false;
                }
            }
            Fault::GivesStretchesWithHoles => _ = deliveries.remove(STRETCH / 2),
            _ => {}
        }
        Ok(Some(Claim {
            key,
            deliveries,
            attempts: 0,
            failing_for: std::time::Duration::ZERO,
        }))
    }

    fn is_far_behind(&self, status: &GroupStatus) -> bool {
        status.lag() >= STRETCH as u64
            && (status.parked == 0 || self.has(Fault::GivesStretchesBesideLanes))
    }

    /// Whether somebody has a stretch of this group. One whose lease has ended is given back.
    async fn is_held(&self, group: &GroupId) -> Result<bool, BackendError> {
        let Some(held) = locked(&self.stretches.held).get(group).cloned() else {
            return Ok(false);
        };
        if self.clock.now() < held.until {
            return Ok(true);
        }
        self.give_back(&held).await;
        Ok(false)
    }

    /// A reset of a group takes back what is held, and lets it begin anew.
    pub(crate) async fn take_back(&self, group: &GroupId) {
        if self.has(Fault::NeverFencesStretches) {
            return;
        }
        let held = locked(&self.stretches.held).get(group).cloned();
        if let Some(held) = held {
            self.give_back(&held).await;
        }
        locked(&self.stretches.heads).remove(group);
    }

    async fn give_back(&self, held: &Held) {
        locked(&self.stretches.held).remove(&held.key.group);
        for lane in &held.lanes {
            _ = self.memory.release(&lane.key).await;
        }
    }

    /// The stretch of this claim, if none of its lanes was taken back.
    async fn stretch(&self, claim: &ClaimKey) -> Option<Held> {
        let held = locked(&self.stretches.held).get(&claim.group).cloned()?;
        if held.key != *claim {
            return None;
        }
        let left = held.until.saturating_since(self.clock.now());
        let lost = self.memory.renew(&held.keys(), left).await.ok()?;
        if lost.is_empty() || self.has(Fault::NeverFencesStretches) {
            return Some(held);
        }
        self.give_back(&held).await;
        None
    }

    pub(crate) async fn ack_stretch(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        let Some(held) = self.stretch(&ack.claim).await else {
            let ClaimKey { group, stream, .. } = ack.claim;
            return Err(AckError::Fenced { group, stream });
        };
        let upto = match self.fault {
            Fault::AcksStretchesWhole => Position::new(u64::MAX >> 1),
            _ => ack.upto,
        };
        let of_lane = |lane: &Claim| {
            let handled = lane.deliveries.iter().map(|next| next.message.position);
            let last = handled.filter(|position| *position <= upto).max()?;
            Some(plain_ack(lane.key.clone(), last))
        };
        let mut acks: Vec<Ack> = held.lanes.iter().filter_map(of_lane).collect();
        if self.has(Fault::AcksStretchesStreamByStream) {
            let last = acks.split_off(acks.len() - 1);
            for ack in std::mem::replace(&mut acks, last) {
                self.memory.ack(ack).await?;
            }
        }
        let first = acks.remove(0);
        let appended = self.memory.ack(Ack {
            claim: first.claim,
            upto: first.upto,
            ..ack
        });
        let appended = appended.await?;
        for ack in acks {
            _ = self.memory.ack(ack).await;
        }
        self.give_back(&held).await;
        Ok(appended)
    }

    /// Gives a stretch back. False when the claim is none of a stretch.
    pub(crate) async fn end_stretch(
        &self,
        claim: &ClaimKey,
        verdict: Option<Verdict>,
    ) -> Result<bool, FenceError> {
        if !self.is_of_stretch(claim) {
            return Ok(false);
        }
        let Some(held) = self.stretch(claim).await else {
            let ClaimKey { group, stream, .. } = claim.clone();
            return Err(FenceError::Fenced { group, stream });
        };
        if let (Some(verdict), true) = (verdict, self.has(Fault::JudgesStretches)) {
            for lane in &held.lanes {
                self.memory.fail(&lane.key, verdict, "no").await?;
            }
        }
        self.give_back(&held).await;
        Ok(true)
    }

    /// Renews a stretch. False when it is lost.
    pub(crate) async fn renew_stretch(&self, claim: &ClaimKey, until: Timestamp) -> bool {
        let Some(held) = self.stretch(claim).await else {
            return false;
        };
        let left = until.saturating_since(self.clock.now());
        _ = self.memory.renew(&held.keys(), left).await;
        if let Some(held) = locked(&self.stretches.held).get_mut(&claim.group) {
            held.until = until;
        }
        true
    }

    /// Whether a claim is, or was, one of a stretch: those of groups in global order are none.
    pub(crate) fn is_of_stretch(&self, claim: &ClaimKey) -> bool {
        claim.stream.is_log() && locked(&self.stretches.heads).contains_key(&claim.group)
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
