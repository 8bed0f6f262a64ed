//! The claims of a broken backend.

use std::time::Duration;

use sourced::backend::{
    Ack, AckError, Acked, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims,
    FenceError, GoOn, Groups as _, LaneState, Log as _, Refusal, Schedules as _, Store as _,
    UnitCommit, UnitError, Units, Verdict,
};
use sourced::env::Clock as _;
use sourced::{GroupId, MessageId, StreamId};

use crate::broken::{Broken, Fault, backend, plain_ack};

backend! {
    Claims for Broken {
        async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
            if self.has(Fault::StarvesGroups) {
                for group in &request.groups {
                    let mut request = request.clone();
                    request.groups = vec![group.clone()];
                    let claims = self.memory.claim(&request).await?;
                    if !claims.is_empty() {
                        return Ok(claims);
                    }
                }
            }
            let mut request = request.clone();
            if self.has(Fault::EndsLeasesAtOnce) {
                request.lease = Duration::ZERO;
            }
            if self.has(Fault::NeverEndsLeases) {
                request.lease = Duration::from_hours(24 * 365);
            }
            if self.has(Fault::IgnoresBytes) {
                request.bytes = usize::MAX;
            }
            let (mut stretches, request) = self.claim_stretches(request).await?;
            let mut claims = self.memory.claim(&request).await?;
            for claim in &mut claims {
                if self.has(Fault::DoubleClaims) {
                    _ = self.memory.release(&claim.key).await;
                }
                if self.has(Fault::ReordersBatch) {
                    claim.deliveries.reverse();
                }
                if claim.key.stream.is_log() {
                    self.give_the_log(claim).await;
                }
                for delivery in &mut claim.deliveries {
                    delivery.replaying = match self.fault {
                        Fault::MarksEverythingAsReplay => true,
                        Fault::MarksNothingAsReplay => false,
                        _ => delivery.replaying,
                    };
                }
            }
            stretches.extend(claims);
            Ok(stretches)
        }

        async fn ack(&self, mut ack: Ack) -> Result<Vec<Appended>, AckError> {
            if self.is_of_stretch(&ack.claim) {
                return self.ack_stretch(ack).await;
            }
            if self.has(Fault::AcksWhatItNeverGave) {
                // What came meanwhile has to be known to the lane.
                let group = std::slice::from_ref(&ack.claim.group);
                self.memory.pending_lanes(group).await?;
                ack.upto = self.memory.log_end().await?;
            }
            if self.has(Fault::LosesRefusals) {
                ack.refusals.clear();
            }
            if self.has(Fault::StoresResultsWithoutTheOffset) {
                let appended = self.memory.append(ack.appends).await?;
                _ = self.memory.release(&ack.claim).await;
                return Ok(appended);
            }
            if self.has(Fault::SchedulesOutsideTheTransaction) {
                let later = std::mem::take(&mut ack.schedules);
                self.memory.schedule(Vec::new(), later).await?;
            }
            if self.has(Fault::AppendsOutsideTheTransaction) {
                let appended = self.memory.append(std::mem::take(&mut ack.appends)).await?;
                self.memory.ack(ack).await?;
                return Ok(appended);
            }
            if self.has(Fault::BlamesActionsForOutages) {
                return match self.memory.ack(ack).await {
                    Err(AckError::Backend(error)) => Err(AckError::Sync(error.into())),
                    result => result,
                };
            }
            if self.has(Fault::NeverFences) {
                let appends = ack.appends.clone();
                return match self.memory.ack(ack).await {
                    Err(AckError::Fenced { .. }) => Ok(self.memory.append(appends).await?),
                    result => result,
                };
            }
            self.memory.ack(ack).await
        }

        async fn ack_and_go_on(&self, ack: Ack, mut next: GoOn) -> Result<Acked, AckError> {
            let claim = ack.claim.clone();
            if self.has(Fault::IgnoresBytes) && !self.is_of_stretch(&claim) {
                next.bytes = usize::MAX;
                return self.memory.ack_and_go_on(ack, next).await;
            }
            if self.has(Fault::GoesOnWhileStopped) {
                self.memory.start_group(&claim.group).await?;
            }
            if self.has(Fault::GoesOnPastOthers) {
                let appended = self.memory.ack(ack).await?;
                let request = ClaimRequest {
                    worker: claim.worker,
                    groups: vec![claim.group],
                    lanes: 1,
                    messages_per_lane: next.messages,
                    bytes: next.bytes,
                    lease: next.lease,
                    stretches: Vec::new(),
                };
                let mut next = self.memory.claim(&request).await?.pop();
                if let Some(next) = &mut next {
                    let is_own = |id| appended.iter().any(|place| place.id == id);
                    next.deliveries.retain(|next| is_own(next.message.id));
                }
                return Ok(Acked { appended, next });
            }
            let is_right = self.has(Fault::None) && !self.is_of_stretch(&ack.claim);
            if is_right || self.has(Fault::GoesOnWhileStopped) {
                return self.memory.ack_and_go_on(ack, next).await;
            }
            let appended = self.ack(ack).await?;
            let next = None;
            Ok(Acked { appended, next })
        }

        async fn ack_and_fail(
            &self,
            ack: Ack,
            verdict: Verdict,
            error: &str,
        ) -> Result<Vec<Appended>, AckError> {
            if self.has(Fault::LosesFailuresInTheMiddle) || self.is_of_stretch(&ack.claim) {
                return self.ack(ack).await;
            }
            self.memory.ack_and_fail(ack, verdict, error).await
        }

        async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
            if self.end_stretch(claim, None).await? {
                return Ok(());
            }
            if self.has(Fault::AcksOnRelease) {
                let ack = plain_ack(claim.clone(), self.memory.log_end().await?);
                _ = self.memory.ack(ack).await;
                return Ok(());
            }
            self.memory.release(claim).await
        }

        async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
            if self.end_stretch(claim, None).await? {
                return Ok(());
            }
            match self.fault {
                Fault::RetriesAtOnce => self.memory.release(claim).await,
                Fault::CountsPostponing => {
                    let verdict = Verdict::RetryAfter(delay);
                    self.memory.fail(claim, verdict, "postponed").await
                }
                _ => self.memory.postpone(claim, delay).await,
            }
        }

        async fn fail(
            &self,
            claim: &ClaimKey,
            verdict: Verdict,
            error: &str,
        ) -> Result<(), FenceError> {
            if self.end_stretch(claim, Some(verdict)).await? {
                return Ok(());
            }
            let at_once = Verdict::RetryAfter(Duration::ZERO);
            let verdict = match (self.fault, verdict) {
                (Fault::RetriesAtOnce, Verdict::RetryAfter(_))
                | (Fault::RetriesWhatIsParked, Verdict::Park) => at_once,
                (Fault::CountsParkedLanes, Verdict::Park) => Verdict::RetryAfter(Duration::MAX),
                (_, verdict) => verdict,
            };
            self.memory.fail(claim, verdict, error).await
        }

        async fn renew(
            &self,
            claims: &[ClaimKey],
            lease: Duration,
        ) -> Result<Vec<ClaimKey>, BackendError> {
            let (stretches, lanes): (Vec<_>, Vec<_>) =
                claims.iter().cloned().partition(|claim| self.is_of_stretch(claim));
            let mut lost = self.memory.renew(&lanes, lease).await?;
            let until = self.clock.now().saturating_add(lease);
            for claim in stretches {
                if !self.renew_stretch(&claim, until).await {
                    lost.push(claim);
                }
            }
            if self.has(Fault::RenewsLostClaims) {
                return Ok(Vec::new());
            }
            Ok(lost)
        }
    } else {
        lane(group: &GroupId, stream: &StreamId) -> Result<Option<LaneState>, BackendError>;
        refusals(commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError>;
        pending_lanes(groups: &[GroupId]) -> Result<u64, BackendError>;
    }
}

backend! {
    Units for Broken {
        async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
            let result = self.memory.commit_unit(unit.clone()).await;
            if let (Fault::StoresUnitsOfBusyLanes, Err(UnitError::Busy { .. })) = (self.fault, &result) {
                let settled = Vec::new();
                return self.memory.commit_unit(UnitCommit { settled, ..unit }).await;
            }
            result
        }
    } else {
    }
}

impl Broken {
    async fn give_the_log(&self, claim: &mut Claim) {
        match self.fault {
            Fault::GivesTheLogStreamByStream => {
                let deliveries = &mut claim.deliveries;
                deliveries.sort_by_key(|next| (next.message.stream_id.clone(), next.message.seq));
            }
            // As if one of them had not been committed yet.
            Fault::GivesTheLogWithHoles if claim.deliveries.len() > 1 => {
                claim.deliveries.remove(0);
            }
            Fault::GivesTheLogToSeveral => _ = self.memory.release(&claim.key).await,
            _ => {}
        }
    }
}
