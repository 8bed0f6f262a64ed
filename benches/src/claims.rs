//! What it costs to look for work: with some in every stream, with none, and with one new message; and to handle a
//! command meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sourced::backend::{
    Ack, Backend, Claim, ClaimRequest, Group, StartFrom, StreamAppend, WorkerId,
};
use sourced::env::Env;
use sourced::{ExpectedSeq, GroupId, StreamId, TypeName};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::domain::{Cart, ItemAdded};
use crate::measure::{Measured, Stopwatch};
use crate::ours::{add_item, event, fill};
use crate::plan::cart;
use crate::storage::{Place, Storage};

const LANES: usize = 32;

pub(crate) async fn run(
    place: &Place,
    messages: usize,
    streams: usize,
    looks: usize,
) -> anyhow::Result<Vec<Measured>> {
    let app = place.app().await?.register::<Cart>().build().await?;
    let backend = Arc::clone(app.backend());
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![GroupId::new("all")?],
        lanes: LANES,
        messages_per_lane: 10,
        bytes: usize::MAX,
        lease: Duration::from_mins(10),
        stretches: Vec::new(),
    };
    backend
        .register_group(&Group {
            id: request.groups[0].clone(),
            types: vec![TypeName::of::<ItemAdded>()],
            start_from: StartFrom::Beginning,
            order: sourced::backend::GroupOrder::PerStream,
        })
        .await?;
    fill(&backend, messages, streams).await?;
    let sorting = sort(&backend, &request, messages, streams).await?;
    place.settle().await?;

    let mut pending = Vec::new();
    for _ in 0..looks.min(streams / LANES) {
        let (time, claims) = look(&backend, &request).await?;
        anyhow::ensure!(claims.len() == LANES, "only {} lanes", claims.len());
        pending.push(time);
        try_join_all(claims.into_iter().map(|claim| ack(&backend, claim))).await?;
    }

    acknowledge_all(place, &backend, &request).await?;
    place.settle().await?;
    let mut idle = Vec::new();
    for _ in 0..looks {
        let (time, claims) = look(&backend, &request).await?;
        anyhow::ensure!(claims.is_empty(), "there is work where there is none");
        idle.push(time);
    }

    let mut one_new = Vec::new();
    for nth in 0..looks {
        let append = StreamAppend {
            stream: StreamId::new(cart(nth * 7_919 % streams))?,
            expected: ExpectedSeq::Any,
            messages: vec![event(nth)?],
        };
        backend.append(vec![append]).await?;
        let (time, claims) = look(&backend, &request).await?;
        anyhow::ensure!(claims.len() == 1, "{} lanes for one message", claims.len());
        one_new.push(time);
        try_join_all(claims.into_iter().map(|claim| ack(&backend, claim))).await?;
    }
    let mut handled = Vec::new();
    for nth in 0..looks {
        let stream = cart((nth * 7_919 + 1) % streams);
        let start = Instant::now();
        add_item(&app, stream, nth).await?;
        handled.push(start.elapsed());
    }
    Ok(vec![
        sorting.part(": sort into lanes"),
        Measured::of_each(pending).part(": 32 lanes, all pending"),
        Measured::of_each(idle).part(": nothing to do"),
        Measured::of_each(one_new).part(": one new message"),
        Measured::of_each(handled).part(": handle a command"),
    ])
}

async fn look(
    backend: &Arc<dyn Backend>,
    request: &ClaimRequest,
) -> anyhow::Result<(Duration, Vec<Claim>)> {
    let start = Instant::now();
    let claims = backend.claim(request).await?;
    Ok((start.elapsed(), claims))
}

async fn ack(backend: &Arc<dyn Backend>, claim: Claim) -> anyhow::Result<()> {
    let upto = claim.deliveries.last().map(|last| last.message.position);
    let ack = Ack {
        claim: claim.key,
        upto: upto.unwrap_or_default(),
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    };
    backend.ack(ack).await?;
    Ok(())
}

/// Looks until all messages are in their lanes, so that later looks show what they cost themselves.
async fn sort(
    backend: &Arc<dyn Backend>,
    request: &ClaimRequest,
    messages: usize,
    streams: usize,
) -> anyhow::Result<Measured> {
    let one_lane = ClaimRequest {
        lanes: 1,
        ..request.clone()
    };
    let watch = Stopwatch::start();
    loop {
        for _ in 0..=messages / 20_000 {
            for claim in backend.claim(&one_lane).await? {
                backend.release(&claim.key).await?;
            }
        }
        if backend.pending_lanes(&request.groups).await? == streams as u64 {
            return Ok(watch.stop(messages, Vec::new()));
        }
    }
}

/// Acknowledges what is left, behind the backend's back where there is a quicker way than a million transactions.
async fn acknowledge_all(
    place: &Place,
    backend: &Arc<dyn Backend>,
    request: &ClaimRequest,
) -> anyhow::Result<()> {
    match place.storage {
        Storage::Memory => loop {
            let claims = backend.claim(request).await?;
            if claims.is_empty() {
                return Ok(());
            }
            try_join_all(claims.into_iter().map(|claim| ack(backend, claim))).await?;
        },
        Storage::Postgres => {
            let update = format!(
                "UPDATE {0}.lanes AS l SET state = 'idle', acked_seq = l.head_seq, acked_pos = m.position,
                 max_seq = l.head_seq, ready_pos = m.position + 1
                 FROM {0}.messages AS m WHERE l.state = 'ready' AND m.stream_id = l.stream_id AND m.seq = l.head_seq",
                place.schema
            );
            let mut connection = PgConnection::connect(&Place::url()?).await?;
            sqlx::query(AssertSqlSafe(update))
                .execute(&mut connection)
                .await?;
        }
        Storage::SqliteFull | Storage::SqliteNormal => {
            let update = "UPDATE sourced_lanes SET ready = NULL, acked = head, max_acked = head,
                          acked_seq = (SELECT seq FROM sourced_messages WHERE position = head)
                          WHERE ready IS NOT NULL";
            let url = format!("sqlite://{}", place.file().display());
            let mut connection = SqliteConnection::connect(&url).await?;
            sqlx::query(update).execute(&mut connection).await?;
            connection.close().await?;
        }
    }
    Ok(())
}
