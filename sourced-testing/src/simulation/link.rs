//! What lies between a process and the storage, or anything else outside of it: a network that lets things go wrong.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sourced::backend::{Claim, Signal};
use tokio::sync::watch;

use super::dice::{mix, number_of};
use super::executor::{Life, yield_now};
use super::fault::{Errand, Fault, Mishap, Point};
use super::outside::{Outside, Unreachable};
use super::plan::CallId;
use super::process::{Role, SimulatedClock};
use super::run::{Run, UnderWay};
use crate::faulty::{Call, Faults, Op, Trouble};

/// The network as one life of a process sees it.
#[derive(Clone)]
pub(super) struct Link {
    end: Arc<End>,
}

struct End {
    run: Arc<Run>,
    role: Role,
    name: String,
    life: Life,
    clock: SimulatedClock,
    signal: Signal,
    /// Told how long it is to be away.
    stop: watch::Sender<Option<Duration>>,
}

impl Link {
    pub(super) fn new(run: &Arc<Run>, role: Role, life: Life, clock: SimulatedClock) -> Self {
        Self {
            end: Arc::new(End {
                run: Arc::clone(run),
                name: role.to_string(),
                role,
                life,
                clock,
                signal: Signal::new(),
                stop: watch::Sender::default(),
            }),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.end.name
    }

    pub(super) fn role(&self) -> &Role {
        &self.end.role
    }

    pub(super) fn life(&self) -> Life {
        self.end.life
    }

    pub(super) fn own_signal(&self) -> &Signal {
        &self.end.signal
    }

    pub(super) fn run(&self) -> &Arc<Run> {
        &self.end.run
    }

    pub(super) fn outside<T: Default + Send + Sync + 'static>(&self) -> Outside<T> {
        self.run().things().reached_by(self.clone())
    }

    /// Calls something that is not the storage.
    pub(super) async fn call_outside<R>(
        &self,
        of: u64,
        what: &str,
        does: impl FnOnce() -> R,
    ) -> Result<R, Unreachable> {
        let point = self.point(Errand::Change);
        let call = self.call(mix(of, number_of(what)));
        let way = self.arrive(call, point, &what).await;
        let way = way.map_err(|_| Unreachable)?;
        let result = does();
        self.run().say(self.name(), || format!("calls `{what}`"));
        self.run().check();
        let back = self.come_back(way, point, &what).await;
        back.map_err(|_| Unreachable)?;
        Ok(result)
    }

    /// What goes wrong when a client dispatches.
    pub(super) fn after_a_dispatch(&self) -> Option<Mishap> {
        let point = self.point(Errand::Dispatch);
        let call = self.call(number_of("dispatch"));
        self.run().decide(call, point)
    }

    fn point(&self, errand: Errand) -> Point {
        Point {
            is_of_worker: matches!(self.role(), Role::Worker(_)),
            errand,
            can_conflict: false,
        }
    }

    /// Names one of the calls of this process.
    fn call(&self, what: u64) -> CallId {
        self.run().next_call(mix(number_of(self.name()), what))
    }

    /// Gets there, or does not.
    async fn arrive(
        &self,
        call: CallId,
        point: Point,
        what: &(dyn fmt::Display + Sync),
    ) -> Result<Way<'_>, Trouble> {
        let (run, name) = (self.run(), self.name());
        run.note_call(name, what);
        let way = Way {
            call,
            mishap: run.decide(call, point),
            _held: (point.errand == Errand::Change).then(|| run.under_way()),
        };
        run.executor().sleep(run.way_there(call)).await;
        let Some(Mishap {
            fault, by, is_back, ..
        }) = way.mishap
        else {
            return Ok(way);
        };
        match fault {
            Fault::Delay => {
                run.tell(name, || format!("has to wait {} for its {what}", Told(by)));
                run.executor().sleep(by).await;
            }
            Fault::Refuse => {
                run.tell(name, || format!("cannot get through with its {what}"));
                return Err(Trouble::Unreachable);
            }
            Fault::Conflict => {
                run.tell(name, || {
                    format!("is told that somebody was faster than its {what}")
                });
                return Err(Trouble::Conflict);
            }
            Fault::CrashBefore => {
                run.tell(name, || format!("CRASHES before its {what}"));
                return self.crash(by).await;
            }
            Fault::Pause => {
                run.tell(name, || {
                    format!("STANDS STILL for {}, before its {what}", Told(by))
                });
                run.executor().pause(self.life(), by);
                yield_now().await;
                run.tell(name, || "goes on".to_owned());
            }
            Fault::Restart => {
                run.tell(name, || "is told to stop".to_owned());
                self.end.stop.send_replace(Some(by));
            }
            Fault::SetClock => {
                let way = if is_back { "back" } else { "forward" };
                run.tell(name, || format!("has its clock set {way} by {}", Told(by)));
                self.end.clock.set(by, is_back);
            }
            Fault::LoseAnswer
            | Fault::CrashAfter
            | Fault::LoseSignal
            | Fault::Repeat
            | Fault::Replay => {}
        }
        Ok(way)
    }

    /// Gets back, or does not.
    async fn come_back(
        &self,
        way: Way<'_>,
        point: Point,
        what: &(dyn fmt::Display + Sync),
    ) -> Result<(), Trouble> {
        let (run, name) = (self.run(), self.name());
        let mishap = way.mishap;
        match mishap.map(|mishap| (mishap.fault, mishap.by)) {
            Some((Fault::CrashAfter, by)) => {
                run.tell(name, || format!("CRASHES before it hears of its {what}"));
                self.crash(by).await
            }
            Some((Fault::LoseAnswer, _)) => {
                run.tell(name, || format!("gets NO ANSWER to its {what}"));
                Err(Trouble::Unreachable)
            }
            _ if point.errand == Errand::Change => {
                run.executor().sleep(run.way_back(way.call)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Resolves when the process is told to stop, and for how long.
    pub(super) async fn told_to_stop(&self) -> Duration {
        let mut stop = self.end.stop.subscribe();
        let told = stop.wait_for(Option::is_some).await;
        // The sender lives in `self`, so the channel cannot be closed.
        told.ok().and_then(|told| *told).unwrap_or_default()
    }

    /// Nothing that runs in this process ever runs again.
    pub(super) async fn crash<T>(&self, down_for: Duration) -> T {
        self.run().crash(self, down_for);
        pending().await
    }
}

/// A call on its way.
struct Way<'a> {
    call: CallId,
    mishap: Option<Mishap>,
    /// Nothing is quiet before its end.
    _held: Option<UnderWay<'a>>,
}

#[async_trait]
impl Faults for Link {
    async fn around(
        &self,
        call: &Call<'_>,
        go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble> {
        let is_routine = matches!(
            call.op(),
            Op::Claim | Op::Renew | Op::Promote | Op::Read | Op::Operate
        );
        let errand = if is_routine {
            Errand::Routine
        } else {
            Errand::Change
        };
        let point = Point {
            can_conflict: call.can_conflict(),
            ..self.point(errand)
        };
        let id = self.call(number_of_call(call));
        let way = self.arrive(id, point, call).await?;
        if let Call::EnsureTable(table, group) = call {
            self.run().has_table(group, table);
        }
        let answer = go.await;
        if call.is_change() {
            let is_silent = way.mishap.is_some_and(|m| m.fault == Fault::LoseSignal);
            self.run().changed(self, call, &answer, is_silent);
        }
        self.come_back(way, point, call).await
    }

    fn claimed(&self, claims: &[Claim]) {
        self.run().claimed(self, claims);
    }

    fn signal(&self, _: Signal) -> Signal {
        self.end.signal.clone()
    }
}

/// The same for calls about the same thing, in every history.
fn number_of_call(call: &Call<'_>) -> u64 {
    let about = match (call, call.claim(), call.appends().first()) {
        (_, Some(claim), _) => mix(
            number_of(claim.group.as_str()),
            number_of(claim.stream.as_str()),
        ),
        (_, _, Some(append)) => number_of(append.stream.as_str()),
        (Call::Read(name) | Call::Operate(name), ..) => number_of(name),
        (Call::EnsureTable(_, group), ..) => number_of(group.as_str()),
        _ => 0,
    };
    mix(call.op() as u64, about)
}

/// A time as a person says it: `2.4 s`.
pub(super) struct Told(pub(super) Duration);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            short if short < Duration::from_secs(1) => write!(f, "{} ms", short.as_millis()),
            long if long < Duration::from_mins(10) => write!(f, "{:.1} s", long.as_secs_f64()),
            long => write!(f, "{} min", long.as_secs() / 60),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.end.name).finish()
    }
}
