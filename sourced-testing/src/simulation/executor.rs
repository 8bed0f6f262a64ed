//! Tasks of all simulated processes, on one thread and in virtual time.
//!
//! Which of the tasks that can run is next is drawn by lot; when none can, time jumps to the next timer.

mod waking;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::dice::Dice;
use waking::Alarm;
pub(super) use waking::{Sleep, yield_now};

/// One life of a process. The tasks of a life end together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Life(u32);

impl Life {
    /// That of the simulation itself, and of what lies outside of all processes.
    pub(super) const OUTSIDE: Self = Self(0);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TaskId(u64);

/// In microseconds from the beginning, and then in the order of setting.
type TimerId = (u64, u64);

pub(super) struct Executor {
    state: Mutex<State>,
    /// Tasks that were woken since they were last looked for.
    woken: Arc<Mutex<Vec<TaskId>>>,
}

struct State {
    now: u64,
    order: Order,
    tasks: BTreeMap<TaskId, Task>,
    n_spawned: u64,
    ready: Vec<TaskId>,
    timers: BTreeMap<TimerId, Timer>,
    n_timers: u64,
    lives: BTreeMap<Life, LifeState>,
    n_lives: u32,
    n_polls: u64,
}

struct Task {
    life: Life,
    /// Not here while it runs.
    future: Option<BoxFuture<'static, ()>>,
    waker: Waker,
}

#[derive(Default)]
struct LifeState {
    is_paused: bool,
    /// Woken while it was paused.
    held: BTreeSet<TaskId>,
}

enum Timer {
    Wake(Waker),
    Resume(Life),
}

/// Which task is next.
#[derive(Debug)]
pub(super) enum Order {
    /// Any.
    Drawn(Dice),
    /// The one that waits longest.
    FirstCome,
}

/// What one step of the executor came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A task ran.
    Ran,
    /// A task panicked.
    Panicked,
    /// Nothing can run before a timer fires.
    Idle,
    /// Nothing will ever run again.
    Dead,
}

impl Executor {
    pub(super) fn new(order: Order) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                now: 0,
                order,
                tasks: BTreeMap::new(),
                n_spawned: 0,
                ready: Vec::new(),
                timers: BTreeMap::new(),
                n_timers: 0,
                lives: BTreeMap::from([(Life::OUTSIDE, LifeState::default())]),
                n_lives: 0,
                n_polls: 0,
            }),
            woken: Arc::default(),
        })
    }

    /// Microseconds since the beginning.
    pub(super) fn now(&self) -> u64 {
        self.lock().now
    }

    pub(super) fn n_polls(&self) -> u64 {
        self.lock().n_polls
    }

    pub(super) fn begin_life(&self) -> Life {
        let mut state = self.lock();
        state.n_lives += 1;
        let life = Life(state.n_lives);
        state.lives.insert(life, LifeState::default());
        life
    }

    /// Starts a task; after the end of its life it is dropped instead.
    pub(super) fn spawn(&self, life: Life, future: BoxFuture<'static, ()>) {
        let mut state = self.lock();
        if !state.lives.contains_key(&life) {
            drop(state);
            return;
        }
        state.n_spawned += 1;
        let id = TaskId(state.n_spawned);
        let waker = Waker::from(Arc::new(Alarm {
            task: id,
            woken: Arc::clone(&self.woken),
        }));
        let task = Task {
            life,
            future: Some(future),
            waker,
        };
        state.tasks.insert(id, task);
        drop(state);
        self.woken().push(id);
    }

    /// Ends a life. Its tasks are gone but for the one that runs right now, which goes no further than its next await.
    pub(super) fn end(&self, life: Life) {
        let mut state = self.lock();
        state.lives.remove(&life);
        let is_of_it = |task: &Task| task.life == life;
        let ended: Vec<_> = state
            .tasks
            .extract_if(.., |_, task| is_of_it(task))
            .collect();
        drop(state);
        // What they do when they are dropped is theirs; they may ask for the executor.
        drop(ended);
    }

    /// Lets no task of a life run for so long.
    pub(super) fn pause(&self, life: Life, pause: Duration) {
        let mut state = self.lock();
        let State {
            lives,
            ready,
            tasks,
            ..
        } = &mut *state;
        let Some(paused) = lives.get_mut(&life) else {
            return;
        };
        paused.is_paused = true;
        ready.retain(|id| {
            let is_of_it = tasks.get(id).is_some_and(|task| task.life == life);
            if is_of_it {
                paused.held.insert(*id);
            }
            !is_of_it
        });
        let at = state.after(pause);
        state.set(at, Timer::Resume(life));
    }

    /// Resolves when so much time has passed.
    pub(super) fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        let until = self.lock().after(duration);
        Sleep {
            executor: Arc::clone(self),
            until,
            timer: None,
        }
    }

    /// Runs one task, if one can run.
    pub(super) fn step(&self) -> Step {
        let mut state = self.lock();
        let woken: BTreeSet<TaskId> = self.woken().drain(..).collect();
        state.wake(woken);
        let Some((id, mut future, waker)) = state.take_next() else {
            let is_dead = state.timers.is_empty();
            return if is_dead { Step::Dead } else { Step::Idle };
        };
        drop(state);
        let mut cx = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
        let mut state = self.lock();
        if let (Ok(Poll::Pending), Some(task)) = (&polled, state.tasks.get_mut(&id)) {
            task.future = Some(future);
            return Step::Ran;
        }
        state.tasks.remove(&id);
        drop(state);
        if polled.is_err() {
            // It has come apart already; what is left of it may do so as well.
            _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
            return Step::Panicked;
        }
        drop(future);
        Step::Ran
    }

    /// Lets time pass until the next timer fires.
    pub(super) fn pass_time(&self) {
        let at = self.lock().timers.first_key_value().map(|((at, _), _)| *at);
        if let Some(at) = at {
            self.jump_to(at);
        }
    }

    /// Lets time pass at once; all timers until then fire.
    pub(super) fn jump_to(&self, at: u64) {
        let mut state = self.lock();
        state.now = state.now.max(at);
        let after = state.now + 1;
        let later = state.timers.split_off(&(after, 0));
        let due = std::mem::replace(&mut state.timers, later);
        for timer in due.into_values() {
            match timer {
                // It locks nothing but the list of those that are woken.
                Timer::Wake(waker) => waker.wake(),
                Timer::Resume(life) => {
                    if let Some(resumed) = state.lives.get_mut(&life) {
                        resumed.is_paused = false;
                        let held = std::mem::take(&mut resumed.held);
                        state.wake(held);
                    }
                }
            }
        }
    }

    /// Whether a life is paused.
    pub(super) fn has_paused(&self) -> bool {
        self.lock().lives.values().any(|life| life.is_paused)
    }

    /// Ends everything.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        let tasks = std::mem::take(&mut state.tasks);
        state.lives.clear();
        drop(state);
        drop(tasks);
        self.lock().timers.clear();
    }

    fn woken(&self) -> MutexGuard<'_, Vec<TaskId>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn after(&self, duration: Duration) -> u64 {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.now.saturating_add(micros)
    }

    fn set(&mut self, at: u64, timer: Timer) -> TimerId {
        self.n_timers += 1;
        let id = (at, self.n_timers);
        self.timers.insert(id, timer);
        id
    }

    /// Takes them in the order of their ids: in which order a channel wakes those who wait for it is not ours to know.
    fn wake(&mut self, woken: BTreeSet<TaskId>) {
        for id in woken {
            let Some(task) = self.tasks.get(&id) else {
                continue;
            };
            match self.lives.get_mut(&task.life) {
                Some(life) if life.is_paused => _ = life.held.insert(id),
                _ if self.ready.contains(&id) => {}
                _ => self.ready.push(id),
            }
        }
    }

    fn take_next(&mut self) -> Option<(TaskId, BoxFuture<'static, ()>, Waker)> {
        while !self.ready.is_empty() {
            let nth = match &self.order {
                Order::Drawn(dice) => dice.below(self.ready.len() as u64),
                Order::FirstCome => 0,
            };
            let id = self.ready.remove(usize::try_from(nth).unwrap_or_default());
            let task = self.tasks.get_mut(&id);
            if let Some((task, future)) =
                task.and_then(|task| Some((task.waker.clone(), task.future.take()?)))
            {
                self.n_polls += 1;
                return Some((id, future, task));
            }
        }
        None
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Executor")
            .field("now", &state.now)
            .field("tasks", &state.tasks.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
