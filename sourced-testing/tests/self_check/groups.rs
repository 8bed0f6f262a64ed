//! The groups of a broken backend, and what operators do about them.

use std::time::Duration;

use sourced::backend::{
    BackendError, ClaimRequest, Claims as _, Group, GroupState, GroupStatus, Groups, Intervention,
    KnownTypes, Parked, Quarantine, QuarantineError, Remedy, ResetFrom, ResetScope, WorkerId,
};
use sourced::env::Env;
use sourced::message::TypeName;
use sourced::{GroupId, Position, StreamId};

use crate::broken::{Broken, Fault, backend, plain_ack};

backend! {
    Groups for Broken {
        async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
            match self.memory.register_group(group).await {
                Err(BackendError::Refused(_)) if self.has(Fault::AcceptsAnyOrder) => Ok(()),
                registered => registered,
            }
        }

        async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
            if self.has(Fault::IgnoresStops) {
                return Ok(());
            }
            self.memory.stop_group(group, reason).await
        }

        async fn reset_group(
            &self,
            group: &GroupId,
            scope: &ResetScope,
            from: ResetFrom,
        ) -> Result<(), BackendError> {
            if self.has(Fault::AcksWhatWaitsInAReset) {
                for claim in self.memory.claim(&everything_of(group)).await? {
                    let ack = plain_ack(claim.key, claim.deliveries[claim.deliveries.len() - 1].message.position);
                    _ = self.memory.ack(ack).await;
                }
            }
            self.take_back(group).await;
            self.memory.reset_group(group, scope, from).await
        }
    } else {
        start_group(group: &GroupId) -> Result<(), BackendError>;
        know_types(group: &GroupId, types: &[TypeName]) -> Result<KnownTypes, BackendError>;
        remove_group(group: &GroupId) -> Result<(), BackendError>;
        group_state(group: &GroupId) -> Result<GroupState, BackendError>;
        groups() -> Result<Vec<GroupStatus>, BackendError>;
    }
}

backend! {
    Quarantine for Broken {
        async fn retry_parked(
            &self,
            group: &GroupId,
            stream: &StreamId,
            reason: &str,
        ) -> Result<(), QuarantineError> {
            if self.has(Fault::KeepsWhatIsRetriedParked) {
                self.memory.lane(group, stream).await?;
                return Ok(());
            }
            self.memory.retry_parked(group, stream, reason).await
        }

        async fn skip(
            &self,
            group: &GroupId,
            stream: &StreamId,
            position: Position,
            reason: &str,
        ) -> Result<(), QuarantineError> {
            let skipped = self.memory.skip(group, stream, position, reason).await;
            match skipped {
                Err(QuarantineError::NotFirst {
                    first: Some(first), ..
                }) if self.has(Fault::SkipsWhateverIsFirst) => {
                    self.memory.skip(group, stream, first, reason).await
                }
                Ok(()) if self.has(Fault::SkipsTwo) => {
                    let nowhere = Position::new(u64::MAX >> 1);
                    let again = self.memory.skip(group, stream, nowhere, reason).await;
                    if let Err(QuarantineError::NotFirst { first: Some(next), .. }) = again {
                        self.memory.skip(group, stream, next, reason).await?;
                    }
                    Ok(())
                }
                skipped => skipped,
            }
        }

        async fn interventions(
            &self,
            group: &GroupId,
            remedy: Remedy,
            after: Option<u64>,
            limit: usize,
        ) -> Result<Vec<Intervention>, BackendError> {
            if self.has(Fault::ForgetsSkips) {
                return Ok(Vec::new());
            }
            self.memory.interventions(group, remedy, after, limit).await
        }
    } else {
        parked(group: &GroupId, after: Option<&StreamId>, limit: usize) -> Result<Vec<Parked>, BackendError>;
        skip_of(group: &GroupId, position: Position) -> Result<Option<Intervention>, BackendError>;
    }
}

fn everything_of(group: &GroupId) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![group.clone()],
        lanes: 1_000,
        messages_per_lane: 1_000,
        bytes: usize::MAX,
        lease: Duration::from_hours(1),
        stretches: Vec::new(),
    }
}
