//! Gives up every public async function at random polls and after random delays, and looks at what is left.

use std::any::Any;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use sourced::backend::Ack;
use sourced::env::{Clock as _, SystemClock, Task};

use crate::apart::Apart;
use crate::backends::On;
use crate::calls::{self, Call, Made, Run};
use crate::cut::Cut;
use crate::dice::Dice;
use crate::quiet;
use crate::tally::Tally;
use crate::verify::{self, Looked};
use crate::world::{LEASE, Place, TASKS, World};

/// So many calls are given up, unless `SOURCED_DROPS` says how many.
const DROPS: usize = 200;
/// So many in one store.
const DROPS_OF_A_WORLD: usize = 1_500;
/// So many by each task, before all of it is looked at.
const CALLS_OF_A_ROUND: usize = 50;
/// So many until each function must have been given up.
const MOST_ROUNDS: usize = 40;
/// How often to look whether what was given up has come to its end.
const PATIENCE: usize = 400;
/// Nothing takes so long.
const TOO_LONG: Duration = Duration::from_mins(3);

pub async fn safe_to_drop_every_public_future_at_any_poll(on: On) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let wanted: usize = number("SOURCED_DROPS").unwrap_or(DROPS);
    let first = number("SOURCED_DROPS_SEED").unwrap_or(std::process::id() as usize);
    let tally = Arc::new(Tally::default());
    for seed in first.. {
        let left = wanted.saturating_sub(tally.n_given_up());
        if left == 0 {
            break;
        }
        println!("seed {seed}");
        in_a_world(&on, &tally, left.min(DROPS_OF_A_WORLD), seed as u64).await;
    }
    println!("{tally}");
}

/// Gives up so many calls in a store of its own, and looks at all that is left.
async fn in_a_world(like: &On, tally: &Arc<Tally>, n: usize, seed: u64) {
    let n_tasks = quiet::n_tasks();
    let apart = Apart::like(like).await;
    let world = Place::new(apart.on, &apart.rest.url(), seed).await;
    let clock = time_passes(&world);
    let deck: Arc<Mutex<Vec<Call>>> = Arc::default();
    let mut looked = Looked::default();
    let wanted = tally.n_given_up() + n;
    let all: Vec<&str> = calls_on(&world.on).map(|call| call.of).collect();
    let mut n_rounds = 0;
    while tally.n_given_up() < wanted || n_rounds < MOST_ROUNDS && !never(tally, &all).is_empty() {
        n_rounds += 1;
        let spawner = world.app.env().spawner.clone();
        let round = |task: usize| {
            let (world, tally, deck) = (world.clone(), Arc::clone(tally), Arc::clone(&deck));
            spawner.spawn(async move {
                for _ in 0..CALLS_OF_A_ROUND {
                    let call = draw(&world, &mut deck.lock().unwrap());
                    give_up(&world, &tally, task, call).await;
                }
            })
        };
        for round in (0..TASKS).map(round).collect::<Vec<_>>() {
            round
                .await
                .expect("a call that was given up has left something");
        }
        quiet::storage_is_at_rest(&world).await.unwrap();
        looked.on(&world).await.unwrap();
        world.advance(2 * LEASE).await;
    }
    let never = never(tally, &all);
    assert!(
        never.is_empty(),
        "none of their calls was given up: {never:?}"
    );
    in_time("what is left to do", finish(&world)).await;
    looked.on(&world).await.unwrap();
    verify::effects(&world).await.unwrap();
    quiet::storage_is_at_rest(&world).await.unwrap();
    clock.abort();
    drop((clock, world));
    quiet::tasks_have_ended(n_tasks).await.unwrap();
    apart.rest.remove().await;
}

fn never<'c>(tally: &Tally, all: &[&'c str]) -> Vec<&'c str> {
    tally.never(all.iter().copied())
}

/// The next call: each comes before one comes again.
fn draw(world: &World, deck: &mut Vec<Call>) -> Call {
    if deck.is_empty() {
        deck.extend(calls_on(&world.on));
        world.dice.shuffle(deck);
    }
    deck.pop().unwrap()
}

fn calls_on(on: &On) -> impl Iterator<Item = Call> {
    let all = calls::all().into_iter();
    all.filter(|call| call.on.is(on) && !["App::run", "Running::stop"].contains(&call.of))
}

async fn give_up(world: &World, tally: &Tally, task: usize, call: Call) {
    let n = world.next_call();
    let preparing = (call.make)(world.clone(), task, n);
    let made = told(preparing, || format!("{}, before call {n}", call.of)).await;
    let cut = cut_for(&world.dice, &made, tally.most_polls(call.of));
    let Made { run, check } = made;
    let said = || format!("{}, call {n}, {cut:?}", call.of);
    let is_given_up = match run {
        Run::Plain(run) | Run::Waiting(run) => {
            let mut n_polls = 0;
            let done = told(cut.of(counted(run, &mut n_polls)), said).await;
            if done.is_some() {
                tally.was_done(call.of, Some(n_polls));
            }
            done.is_none()
        }
        Run::ByItself(run) => {
            let is_given_up = told(run(cut), said).await;
            if !is_given_up {
                tally.was_done(call.of, None);
            }
            is_given_up
        }
    };
    if is_given_up {
        tally.was_given_up(call.of);
    }
    let mut found = Ok(());
    for _ in 0..PATIENCE {
        found = told(check(), said).await;
        if found.is_ok() {
            return;
        }
        SystemClock.sleep(Duration::from_millis(5)).await;
    }
    panic!("{}: {found:?}", said());
}

fn cut_for(dice: &Dice, made: &Made, most_polls: usize) -> Cut {
    match made.run {
        // Who waits for others waits for what does not come.
        Run::Waiting(_) => Cut::Turns(dice.few(60)),
        _ if dice.below(3) == 0 => Cut::Turns(dice.few(400)),
        _ => Cut::Polls(1 + dice.below(most_polls + 1)),
    }
}

async fn counted<F: Future>(future: F, n_polls: &mut usize) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        *n_polls += 1;
        future.as_mut().poll(cx)
    })
    .await
}

/// Says what it was when it panics, and when it does not end.
async fn told<T>(future: impl Future<Output = T>, what: impl Fn() -> String) -> T {
    let guarded = pin!(AssertUnwindSafe(future).catch_unwind());
    match select(guarded, SystemClock.sleep(TOO_LONG)).await {
        Either::Left((Ok(output), _)) => output,
        Either::Left((Err(panic), _)) => panic!("{}: {}", what(), words(&*panic)),
        Either::Right(_) => panic!("{}: it does not end", what()),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("?")
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    told(future, || what.to_owned()).await
}

/// Workers handle what is left to them, and what calls have claimed for themselves can be claimed again.
async fn finish(world: &World) {
    let running = world.app.start();
    assert!(world.app.idle().await.unwrap().is_done());
    running.stop().await;
    world.advance(2 * LEASE).await;
    for task in 0..TASKS {
        for sort in ["claim", "acked", "held"] {
            let group = world.work(sort, task).await;
            while world
                .backend()
                .pending_lanes(std::slice::from_ref(&group))
                .await
                .unwrap()
                > 0
            {
                for claim in world.backend().claim(&world.request(&group)).await.unwrap() {
                    let ack = Ack {
                        upto: claim.deliveries.last().unwrap().message.position,
                        claim: claim.key,
                        appends: Vec::new(),
                        schedules: Vec::new(),
                        refusals: Vec::new(),
                        syncs: Vec::new(),
                    };
                    world.backend().ack(ack).await.unwrap();
                }
            }
        }
    }
}

/// The clock of the app goes on by itself meanwhile, as no test's does, since calls wait for it in many places.
fn time_passes(world: &World) -> Task<()> {
    let clock = world.clock.clone();
    let spawner = world.app.env().spawner.clone();
    spawner.spawn(async move {
        loop {
            SystemClock.sleep(Duration::from_millis(1)).await;
            clock.advance(Duration::from_millis(1));
        }
    })
}
