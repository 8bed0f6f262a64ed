//! Calls of operators, and of who reads tables.

use std::time::Duration;

use futures_util::StreamExt as _;
use sourced::backend::{BackendError, Group, GroupOrder, QuarantineError, ResetFrom, StartFrom};
use sourced::reactor::Register;
use sourced::{GroupRef, Position};

use super::{Call, Made, call, fine};
use crate::domain::{Ledger, NewTab, Notes, Spare};
use crate::world::World;

pub const CALLS: &[Call] = &[
    call!("GroupRef::state", w, _, _n => on_spare(&w, async |group: GroupRef<Spare>| group.state().await.map(drop)).await),
    call!("GroupRef::reset", w, _, _n => Made::plain(async move {
        w.app.group::<Ledger>().reset(ResetFrom::Beginning).await.unwrap();
    })),
    call!("GroupRef::rebuild", w, _, _n => Made::plain(async move {
        w.app.group::<Notes>().rebuild().await.unwrap();
    })),
    call!("GroupRef::reset_stream", w, _, n => Made::plain(async move {
        let stream = format!("account-{}", n % 6);
        w.app.group::<Ledger>().reset_stream(stream, ResetFrom::Beginning).await.unwrap();
    })),
    call!("GroupRef::stop", w, _, _n => on_spare(&w, async |group: GroupRef<Spare>| group.stop("as told").await).await),
    call!("GroupRef::start", w, _, _n => on_spare(&w, async |group: GroupRef<Spare>| group.start().await).await),
    call!("GroupRef::parked", w, _, _n => {
        on_spare(&w, async |group: GroupRef<Spare>| group.parked(None, 5).await.map(drop)).await
    }),
    call!("GroupRef::skipped", w, _, _n => {
        on_spare(&w, async |group: GroupRef<Spare>| group.skipped(None, 5).await.map(drop)).await
    }),
    call!("GroupRef::retried", w, _, _n => {
        on_spare(&w, async |group: GroupRef<Spare>| group.retried(None, 5).await.map(drop)).await
    }),
    call!("GroupRef::retry_all_parked", w, _, _n => {
        on_spare(&w, async |group: GroupRef<Spare>| group.retry_all_parked("as told").await.map(drop)).await
    }),
    call!("GroupRef::progress", w, _, _n => {
        on_spare(&w, async |group: GroupRef<Spare>| group.progress().await.map(drop)).await
    }),
    call!("GroupRef::remove", w, _, _n => on_spare(&w, async |group: GroupRef<Spare>| group.remove().await).await),
    call!("GroupRef::retry_parked", w, _, n => {
        let stream = spare(&w, n).await;
        Made::plain(async move {
            let retried = w.app.group::<Spare>().retry_parked(stream, "as told").await;
            fine(retried, was_faster);
        })
    }),
    call!("GroupRef::skip", w, _, n => {
        let stream = spare(&w, n).await;
        Made::plain(async move {
            let skipped = w.app.group::<Spare>().skip(stream, Position::new(1), "as told").await;
            fine(skipped, was_faster);
        })
    }),
    call!("GroupRef::watch_progress", w, _, _n => Made::waiting(async move {
        let mut paces = w.app.group::<Ledger>().watch_progress(Duration::from_micros(100));
        while let Some(pace) = paces.next().await {
            _ = pace.unwrap();
        }
    })),
    call!("ProjectionRef::live_version", w, _, _n => Made::plain(async move {
        _ = w.app.projection::<NewTab>().live_version().await.unwrap();
    })),
    call!("ProjectionRef::is_live", w, _, _n => Made::plain(async move {
        _ = w.app.projection::<NewTab>().is_live().await.unwrap();
    })),
    call!("ProjectionRef::swap", w, _, _n => {
        let of = w.clone();
        Made::waiting(async move { _ = w.app.projection::<NewTab>().swap().await })
            .then(of, one_is_live)
    }),
    call!("ProjectionRef::roll_back", w, _, _n => {
        let of = w.clone();
        Made::plain(async move { _ = w.app.projection::<NewTab>().roll_back().await })
            .then(of, one_is_live)
    }),
    call!("ProjectionRef::forget_version", w, _, _n => {
        let of = w.clone();
        Made::plain(async move { _ = w.app.projection::<NewTab>().forget_version(3).await })
            .then(of, one_is_live)
    }),
    call!("RowsOf::all", w, _, _n => Made::plain(async move {
        _ = w.app.rows::<Notes>().limit(5).all().await.unwrap();
    })),
    call!("RowsOf::get", w, _, n => Made::plain(async move {
        _ = w.app.rows::<Notes>().get(n).await.unwrap();
    })),
];

/// A group that the app does not register, with a stream that waits for it.
async fn spare(w: &World, n: u64) -> String {
    let (backend, reactor) = (w.backend(), Spare::reactor());
    let group = Group {
        id: reactor.group().clone(),
        types: reactor.handled_types(),
        start_from: StartFrom::Beginning,
        order: GroupOrder::PerStream,
    };
    backend.register_group(&group).await.unwrap();
    let mut append = w.append(n, &format!("spare-{n}"), 1);
    append.messages[0].type_name = group.types[0].clone();
    backend.append(vec![append]).await.unwrap();
    format!("spare-{n}")
}

/// Does something with that group, which another call may have removed.
async fn on_spare<F>(w: &World, act: impl FnOnce(GroupRef<Spare>) -> F + Send + 'static) -> Made
where
    F: Future<Output = Result<(), BackendError>> + Send + 'static,
{
    let n = w.next_call();
    spare(w, n).await;
    let group = w.app.group::<Spare>();
    Made::plain(async move {
        let done = act(group).await;
        fine(done, |error| matches!(error, BackendError::UnknownGroup(_)));
    })
}

fn was_faster(error: &QuarantineError) -> bool {
    matches!(
        error,
        QuarantineError::NotParked { .. }
            | QuarantineError::NotFirst { .. }
            | QuarantineError::Backend(BackendError::UnknownGroup(_))
    )
}

async fn one_is_live(w: World) -> Result<(), String> {
    match w.app.projection::<NewTab>().live_version().await {
        Ok(1 | 2) => {}
        other => return Err(format!("{other:?}")),
    }
    let rows = w.app.rows::<NewTab>().all().await;
    rows.map(drop).map_err(|failure| failure.to_string())
}
