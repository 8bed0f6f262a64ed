//! Calls of the testing kit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sourced::Memory;
use sourced::prelude::*;
use sourced_testing::simulation::{Outside, Process};
use sourced_testing::{Faulty, MessagesExt as _, Op, given, scenario, simulate};

use super::{Call, Made, call};
use crate::cut::Cut;
use crate::domain::{Account, Book, Deposit, Deposited, Note, Noted};

pub const CALLS: &[Call] = &[
    call!(Memory, "Given::when_async", _, _, n => Made::plain(async move {
        let then = given::<Account>(()).when_async(Deposit { call: n }).await;
        then.then(Deposited { call: n, nth: 1 });
    })),
    call!(Memory, "Scenario::await", _, _, n => Made::waiting(async move {
        scenario![Account, Book]
            .when(Deposit { call: n }.to("account-1"))
            .then_new_messages((
                Deposited { call: n, nth: 1 }.in_stream("account-1"),
                (Note { call: n }, Noted { call: n }).in_stream("book-of-account-1"),
            ))
            .await;
    })),
    call!(Memory, "Held::arrived", _, _, _n => {
        let (backend, script) = Faulty::new(Memory::new());
        let mut held = script.hold(Op::Read);
        Made::waiting(async move {
            held.arrived().await;
            drop(backend);
        })
    }),
    call!(Memory, "Client::dispatch", _, _, n => simulated(n, Act::Dispatch)),
    call!(Memory, "Client::pause", _, _, n => simulated(n, Act::Pause)),
    call!(Memory, "Outside::call", _, _, n => simulated(n, Act::Call)),
];

/// What is given up in a simulation.
#[derive(Debug, Clone, Copy)]
enum Act {
    Dispatch,
    Pause,
    Call,
}

/// Something outside of the simulated app.
#[derive(Debug, Default)]
struct Bell(AtomicU64);

/// Whether something was given up.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Flag {
    fn note<T>(&self, done: Option<&T>) {
        self.0.fetch_or(done.is_none(), Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Ringer;

#[actor]
impl Ringer {
    #[command]
    async fn ring(&self, bell: Res<Outside<Bell>>, cut: Res<Cut>, flag: Res<Arc<Flag>>) -> Rung {
        let ringing = bell.call("ring", |bell| bell.0.fetch_add(1, Ordering::Relaxed));
        flag.note(cut.of(ringing).await.as_ref());
        Rung
    }

    #[event]
    fn rung(&mut self) {}
}

/// A history in which a client, or a handler, gives up what it calls.
fn simulated(n: u64, act: Act) -> Made {
    Made::by_itself(async move |cut| {
        let flag = Arc::new(Flag::default());
        let noted = Arc::clone(&flag);
        let playing = tokio::task::spawn_blocking(move || play(n, act, cut, noted));
        playing.await.unwrap();
        flag.0.load(Ordering::Relaxed)
    })
}

fn play(n: u64, act: Act, cut: Cut, flag: Arc<Flag>) {
    let noted = Arc::clone(&flag);
    let app = move |process: &Process| {
        let bell = process.outside::<Bell>();
        let app = App::builder().register::<Ringer>().resource(bell);
        app.resource(cut).resource(Arc::clone(&noted))
    };
    let simulation = simulate(app).workload(move |client| {
        let flag = Arc::clone(&flag);
        async move {
            let ring = || Ring.to("ringer-1");
            match act {
                Act::Pause => {
                    flag.note(cut.of(client.pause(Duration::from_secs(1))).await.as_ref());
                }
                Act::Dispatch => flag.note(cut.of(client.dispatch(ring)).await.as_ref()),
                Act::Call => _ = client.dispatch(ring).await?,
            }
            Ok(())
        }
    });
    drop(simulation.clients(1).steps(1).seed(n).check());
}
