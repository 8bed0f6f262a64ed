//! What is given was handled before: it is acknowledged without being handled, and then comes again as a replay.

use std::time::Duration;

use sourced::App;
use sourced::backend::{
    Ack, AckError, BackendError, Claim, ClaimRequest, GroupStatus, ResetFrom, ResetScope, WorkerId,
};
use sourced::{GroupId, Position};

/// Makes all groups take what comes after this position for handled. They are given it once more, as a replay.
pub(super) async fn settle(app: &App, after: Position) -> Result<(), AckError> {
    let backend = app.backend();
    let status = backend.groups().await?;
    let groups: Vec<GroupId> = status
        .into_iter()
        .map(|GroupStatus { id, .. }| id)
        .collect();
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(app.env().ids.next_id()),
        groups: groups.clone(),
        lanes: 100,
        messages_per_lane: 1_000,
        bytes: usize::MAX,
        lease: Duration::from_mins(1),
        stretches: Vec::new(),
    };
    // The pump may need more than one look.
    while backend.pending_lanes(&groups).await? > 0 {
        for claim in backend.claim(&request).await? {
            acknowledge(app, claim).await?;
        }
    }
    for group in &groups {
        let from = ResetFrom::After(after);
        backend.reset_group(group, &ResetScope::All, from).await?;
    }
    Ok(())
}

async fn acknowledge(app: &App, claim: Claim) -> Result<(), AckError> {
    let Some(last) = claim.deliveries.last() else {
        let empty = BackendError::Corrupt("a claim without messages".into());
        return Err(empty.into());
    };
    let ack = Ack {
        upto: last.message.position,
        claim: claim.key,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    };
    app.backend().ack(ack).await?;
    Ok(())
}
