//! Calls of the port: groups, tables, and which versions of tables are live.

use std::sync::OnceLock;
use std::time::Duration;

use sourced::backend::{
    BackendError, Column, ColumnType, Group, GroupOrder, Live, Mark, Nulls, ResetFrom, ResetScope,
    RowQuery, StartFrom, Swap, Table,
};
use sourced::{GroupId, TypeName};

use super::{Call, Made, all_or_none, call};
use crate::world::{TASKS, TURNS, World};

pub const CALLS: &[Call] = &[
    call!("Groups::register_group", w, task, n => {
        let group = group_of("registered", task, n);
        let of = w.clone();
        Made::plain(async move { w.backend().register_group(&group).await.unwrap() })
            .then((of, group_of("registered", task, n + 1)), can_be_registered)
    }),
    call!("Groups::know_types", w, task, n => {
        let group = group_of("known", task, n);
        let of = (w.clone(), group.clone());
        Made::plain(async move {
            w.backend().know_types(&group.id, &group.types).await.map(drop).unwrap();
        })
        .then(of, types_can_be_known)
    }),
    call!("Groups::reset_group", w, task, _n => {
        let group = w.work("operated", task).await;
        Made::plain(async move {
            let all = ResetScope::All;
            w.backend().reset_group(&group, &all, ResetFrom::Beginning).await.unwrap();
        })
    }),
    call!("Groups::stop_group", w, task, _n => {
        let group = w.work("operated", task).await;
        Made::plain(async move { w.backend().stop_group(&group, "as told").await.unwrap() })
    }),
    call!("Groups::start_group", w, task, _n => {
        let group = w.work("operated", task).await;
        w.backend().stop_group(&group, "as told").await.unwrap();
        Made::plain(async move { w.backend().start_group(&group).await.unwrap() })
    }),
    call!("Groups::remove_group", w, task, n => {
        let group = group_of(&format!("removed-{}", w.turn(task)), task, n);
        w.backend().register_group(&group).await.unwrap();
        let of = w.clone();
        let id = group.id.clone();
        Made::plain(async move { w.backend().remove_group(&id).await.unwrap() })
            .then((of, group), can_be_registered)
    }),
    call!("Groups::group_state", w, task, _n => {
        let group = w.work("read", task).await;
        Made::plain(async move { _ = w.backend().group_state(&group).await.unwrap() })
    }),
    call!("Groups::groups", w, _, _n => Made::plain(async move {
        _ = w.backend().groups().await.unwrap();
    })),
    call!("Tables::ensure_table", w, task, _n => {
        let at = filled(&w, task).await;
        w.backend().drop_table(&table(at, 1)).await.unwrap();
        let of = w.clone();
        Made::plain(async move {
            w.backend().ensure_table(&table(at, 1), &group_for(at, 1)).await.unwrap();
        })
        .then((of, at), can_be_read)
    }),
    call!("Tables::rebuild_table", w, task, _n => {
        let at = filled(&w, task).await;
        let of = w.clone();
        Made::plain(async move {
            w.backend().rebuild_table(&table(at, 1), &group_for(at, 1)).await.unwrap();
        })
        .then((of, at), can_be_read)
    }),
    call!("Tables::drop_table", w, task, _n => {
        let at = filled(&w, task).await;
        let of = w.clone();
        Made::plain(async move { w.backend().drop_table(&table(at, 1)).await.unwrap() })
            .then((of, at), can_be_read)
    }),
    call!("Tables::rows", w, task, _n => {
        let at = filled(&w, task).await;
        Made::plain(async move {
            _ = w.backend().rows(&table(at, 1), &RowQuery::limited(3)).await.unwrap();
        })
    }),
    call!("Versions::enter", w, task, _n => {
        let at = filled(&w, task).await;
        Made::plain(async move {
            _ = w.backend().enter(&table(at, 1), &group_for(at, 1)).await.unwrap();
        })
    }),
    call!("Versions::live", w, task, _n => {
        let at = (task, w.turn(task));
        Made::plain(async move { _ = w.backend().live(table(at, 1).name).await.unwrap() })
    }),
    call!("Versions::swap", w, task, _n => {
        let swap = versions(&w, task).await;
        let (of, then) = (w.clone(), swap.clone());
        Made::plain(async move { _ = w.backend().swap(&swap).await.unwrap() })
            .then((of, then), swapped_or_not)
    }),
    call!("Versions::roll_back", w, task, _n => {
        let swap = versions(&w, task).await;
        w.backend().stop_group(&swap.to, "as told").await.unwrap();
        let (of, then) = (w.clone(), swap.clone());
        Made::plain(async move { _ = w.backend().roll_back(&swap).await.unwrap() })
            .then((of, then), rolled_back_or_not)
    }),
    call!("Versions::hold", w, task, _n => {
        let group = w.work("operated", task).await;
        Made::plain(async move {
            _ = w.backend().hold(&group, Duration::from_secs(1), Duration::ZERO).await.unwrap();
        })
    }),
    call!("Versions::forget", w, task, _n => {
        let at = (task, w.turn(task));
        versions_at(&w, at).await;
        made(&w, at, 3).await;
        let of = w.clone();
        Made::plain(async move {
            _ = w.backend().forget(&table(at, 3), &group_for(at, 3)).await.unwrap();
        })
        .then((of, at), forgotten_or_not)
    }),
];

/// Which of the things of which task.
pub type At = (usize, usize);

fn registered(id: &GroupId) -> Group {
    Group {
        id: id.clone(),
        types: vec![TypeName::new("dropping.row").unwrap()],
        start_from: StartFrom::Beginning,
        order: GroupOrder::PerStream,
    }
}

/// A group whose types change with the calls.
fn group_of(name: &str, task: usize, n: u64) -> Group {
    let mut group = registered(&GroupId::new(format!("{name}-{task}")).unwrap());
    for nth in 0..n % 3 {
        let name = format!("dropping.other_{nth}");
        group.types.push(TypeName::new(name).unwrap());
    }
    group
}

/// The names of tables live as long as the program, which they do in programs.
fn name_of((task, turn): At) -> &'static str {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let all = (0..TASKS * TURNS).map(|nth| format!("table_{nth}"));
        all.map(|name| &*name.leak()).collect()
    });
    names[task * TURNS + turn]
}

pub fn table(at: At, version: u32) -> Table {
    let column = |name, mark| Column {
        name,
        of: ColumnType::Integer,
        nulls: Nulls::Refused,
        mark,
    };
    Table {
        name: name_of(at),
        version,
        columns: vec![column("id", Mark::Key), column("n", Mark::Plain)],
    }
}

fn group_for(at: At, version: u32) -> GroupId {
    GroupId::new(format!("{}.{version}", name_of(at))).unwrap()
}

/// A table that is there, and the group that fills it, which runs.
async fn made(w: &World, at: At, version: u32) {
    let (backend, group) = (w.backend(), group_for(at, version));
    backend.register_group(&registered(&group)).await.unwrap();
    backend.start_group(&group).await.unwrap();
    backend
        .ensure_table(&table(at, version), &group)
        .await
        .unwrap();
}

pub async fn filled(w: &World, task: usize) -> At {
    let at = (task, w.turn(task));
    made(w, at, 1).await;
    at
}

/// Whatever was noted of them before.
async fn types_can_be_known((w, group): (World, Group)) -> Result<(), String> {
    let backend = w.backend();
    let noted = backend.know_types(&group.id, &group.types).await;
    noted.map_err(|error| error.to_string())?;
    let none = backend.know_types(&group.id, &[]).await;
    let lost = none.map_err(|error| error.to_string())?.lost;
    let is_noted = group.types.iter().all(|name| lost.contains(name));
    is_noted.then_some(()).ok_or_else(|| format!("{lost:?}"))
}

/// Whatever was done to it, the group can be there.
async fn can_be_registered((w, group): (World, Group)) -> Result<(), String> {
    let backend = w.backend();
    let registered = backend.register_group(&group).await;
    registered.map_err(|error| error.to_string())?;
    let state = backend.group_state(&group.id).await;
    state.map(drop).map_err(|error| error.to_string())
}

/// Whatever was done to it, the table can be made and read.
async fn can_be_read((w, at): (World, At)) -> Result<(), String> {
    let (backend, table) = (w.backend(), table(at, 1));
    let ensured = backend.ensure_table(&table, &group_for(at, 1)).await;
    ensured.map_err(|error| error.to_string())?;
    let rows = backend.rows(&table, &RowQuery::limited(1)).await;
    rows.map(drop).map_err(|error| error.to_string())
}

async fn versions(w: &World, task: usize) -> Swap {
    versions_at(w, (task, w.turn(task))).await
}

/// From the version that is live to the other one, both of which are there and run.
async fn versions_at(w: &World, at: At) -> Swap {
    made(w, at, 1).await;
    made(w, at, 2).await;
    let entered = w.backend().enter(&table(at, 1), &group_for(at, 1)).await;
    let seen: Live = entered.unwrap();
    let version = 3 - seen.version;
    Swap {
        table: name_of(at),
        seen,
        from: group_for(at, seen.version),
        version,
        to: group_for(at, version),
    }
}

/// The new version is live and the old one stopped, or it is as it was.
async fn swapped_or_not((w, swap): (World, Swap)) -> Result<(), String> {
    let live = w.backend().live(swap.table).await.unwrap().unwrap();
    let old = w.backend().group_state(&swap.from).await.unwrap();
    let is_swapped = live.version == swap.version;
    all_or_none(&[
        ("the swap", is_swapped),
        ("the end of the old one", !old.is_active()),
    ])
}

/// The version is live again and runs, or it is as it was.
async fn rolled_back_or_not((w, swap): (World, Swap)) -> Result<(), String> {
    let live = w.backend().live(swap.table).await.unwrap().unwrap();
    let again = w.backend().group_state(&swap.to).await.unwrap();
    let is_live = live.version == swap.version;
    all_or_none(&[
        ("the rollback", is_live),
        ("the start of its group", again.is_active()),
    ])
}

async fn forgotten_or_not((w, at): (World, At)) -> Result<(), String> {
    let state = w.backend().group_state(&group_for(at, 3)).await;
    let rows = w.backend().rows(&table(at, 3), &RowQuery::limited(1)).await;
    let is_known = !matches!(state, Err(BackendError::UnknownGroup(_)));
    all_or_none(&[("the group", is_known), ("the table", rows.is_ok())])
}
