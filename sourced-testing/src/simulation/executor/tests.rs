//! The executor by itself.

use super::*;

type Notes = Arc<Mutex<Vec<(u64, &'static str)>>>;

fn runs(executor: &Executor) {
    loop {
        match executor.step() {
            Step::Idle => executor.pass_time(),
            Step::Dead => return,
            Step::Ran | Step::Panicked => {}
        }
    }
}

fn sleeper(executor: &Arc<Executor>, life: Life, name: &'static str, micros: u64) -> Notes {
    let notes = Notes::default();
    let (seen, clock) = (Arc::clone(&notes), Arc::clone(executor));
    let task = async move {
        seen.lock().unwrap().push((clock.now(), name));
        clock.sleep(Duration::from_micros(micros)).await;
        seen.lock().unwrap().push((clock.now(), name));
    };
    executor.spawn(life, Box::pin(task));
    notes
}

#[test]
fn time_jumps_to_the_next_timer() {
    let executor = Executor::new(Order::FirstCome);
    let slow = sleeper(&executor, Life::OUTSIDE, "slow", 1_000_000);
    let fast = sleeper(&executor, Life::OUTSIDE, "fast", 10);
    runs(&executor);
    assert_eq!(*fast.lock().unwrap(), [(0, "fast"), (10, "fast")]);
    assert_eq!(*slow.lock().unwrap(), [(0, "slow"), (1_000_000, "slow")]);
}

#[test]
fn a_life_that_ends_takes_its_tasks_along() {
    let executor = Executor::new(Order::FirstCome);
    let life = executor.begin_life();
    let ended = sleeper(&executor, life, "ended", 10);
    let other = sleeper(&executor, executor.begin_life(), "other", 10);
    while executor.step() == Step::Ran {}
    executor.end(life);
    sleeper(&executor, life, "too late", 0);
    runs(&executor);
    assert_eq!(*ended.lock().unwrap(), [(0, "ended")]);
    assert_eq!(other.lock().unwrap().len(), 2);
}

#[test]
fn a_paused_life_goes_on_later() {
    let executor = Executor::new(Order::FirstCome);
    let life = executor.begin_life();
    let notes = sleeper(&executor, life, "paused", 10);
    while executor.step() == Step::Ran {}
    executor.pause(life, Duration::from_micros(500));
    runs(&executor);
    assert_eq!(*notes.lock().unwrap(), [(0, "paused"), (500, "paused")]);
}

#[test]
fn a_panic_ends_its_task_alone() {
    let executor = Executor::new(Order::FirstCome);
    let panics = async { std::panic::resume_unwind(Box::new("on purpose")) };
    executor.spawn(Life::OUTSIDE, Box::pin(panics));
    let other = sleeper(&executor, Life::OUTSIDE, "other", 10);
    assert_eq!(executor.step(), Step::Panicked);
    runs(&executor);
    assert_eq!(other.lock().unwrap().len(), 2);
}
