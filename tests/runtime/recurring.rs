//! Recurring messages: each tick once or counted as missed, whoever runs and whatever their clocks say.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::backend::{Advance, Progress};
use sourced::env::{Clock, Env, SystemClock};
use sourced::prelude::*;
use sourced::{
    AppBuilder, BuildError, CatchUp, Cron, DispatchError, Every, Memory, RecurrenceId, Recurring,
    StoredMessage, Tick, Ticks, Timestamp,
};
use sourced_testing::ManualClock;

use crate::backends::On;
use crate::shop::log;

const SHORT: Duration = Duration::from_millis(20);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Strikes when it is told to.
#[derive(Debug, Default)]
struct Bell {
    n_strokes: u32,
}

#[actor]
impl Bell {
    #[command]
    fn strike(&self) -> Struck {
        Struck {}
    }

    #[event]
    fn struck(&mut self) {
        self.n_strokes += 1;
    }
}

fn bell(on: &On, recurrence: impl Into<sourced::recurrence::Recurrence>) -> AppBuilder {
    let builder = on.builder().register::<Bell>();
    builder.recurring("bell", recurrence, |_| Strike.to("bell-1"))
}

/// The commands of ticks, in the order of the log.
async fn strokes(app: &App) -> Vec<StoredMessage> {
    let mut log = log(app).await;
    log.retain(|message| message.type_name.as_str() == "bell.strike");
    log
}

async fn ticks(app: &App) -> Vec<Tick> {
    let strokes = strokes(app).await;
    strokes
        .iter()
        .map(|stroke| stroke.tick().unwrap())
        .collect()
}

/// Waits until there are so many ticks.
async fn ticked(app: &App, n: usize) -> Vec<Tick> {
    loop {
        let ticks = ticks(app).await;
        if ticks.len() >= n {
            return ticks;
        }
        SystemClock.sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until the ticker of `app` has looked, which shows in what is stored.
async fn begun(app: &App, rule: &str) {
    while progress(app).await.is_none_or(|seen| seen.rule != rule) {
        SystemClock.sleep(Duration::from_millis(2)).await;
    }
}

fn id() -> RecurrenceId {
    RecurrenceId::new("bell").unwrap()
}

async fn progress(app: &App) -> Option<Progress> {
    app.backend().progress(&id()).await.unwrap().progress
}

async fn recurring(app: &App) -> Recurring {
    app.recurring().await.unwrap().remove(0)
}

/// Makes it as if a process with this rule had started three days ago, and not run since. Gives the time then and now.
async fn started_three_days_ago(app: &App, rule: &str) -> (Timestamp, Timestamp) {
    let now = app.backend().progress(&id()).await.unwrap().now;
    let since = earlier(now, 3 * DAY);
    let to = Progress {
        rule: rule.to_owned(),
        since,
        last: None,
    };
    let begun = app.backend().advance(&id(), None, &to, Vec::new()).await;
    assert_eq!(begun.unwrap(), Advance::Done(Vec::new()));
    (since, now)
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(time.as_micros() - i64::try_from(by.as_micros()).unwrap())
}

/// The ticks of an interval after one time and up to another.
fn all_between(every: Duration, after: Timestamp, upto: Timestamp) -> Vec<Timestamp> {
    let next = |last: &Timestamp| Every(every).after(*last).filter(|next| *next <= upto);
    std::iter::successors(next(&after), next).collect()
}

/// From the first tick to the last, every one is there or counted by the one after it, and none twice.
fn all_accounted_for(ticks: &[Tick], every: Duration) {
    for pair in ticks.windows(2) {
        let expected = all_between(every, pair[0].at, pair[1].at).len();
        assert_eq!(pair[1].missed as usize + 1, expected, "{pair:?}");
    }
}

pub async fn tick_once_by_any_number_of_processes(on: On) {
    let mut apps = Vec::new();
    for _ in 0..3 {
        apps.push(bell(&on, Every(SHORT)).build().await.unwrap());
    }
    let running: Vec<_> = apps.iter().map(App::start).collect();
    let seen = ticked(&apps[0], 12).await;
    for running in running {
        running.stop().await;
    }
    all_accounted_for(&ticks(&apps[1]).await, SHORT);
    let strokes = strokes(&apps[2]).await;
    assert!(strokes.len() >= seen.len());
    for stroke in strokes {
        assert_eq!(stroke.id, stroke.tick().unwrap().message_id());
        assert!(stroke.is_root());
    }
}

pub async fn tick_once_over_restarts_and_missed_ticks_are_counted(on: On) {
    let mut n_before = 0;
    for _ in 0..3 {
        let app = bell(&on, Every(SHORT)).build().await.unwrap();
        let running = app.start();
        ticked(&app, n_before + 3).await;
        running.stop().await;
        n_before = ticks(&app).await.len();
        SystemClock.sleep(6 * SHORT).await;
    }
    let app = bell(&on, Every(SHORT)).build().await.unwrap();
    let ticks = ticks(&app).await;
    all_accounted_for(&ticks, SHORT);
    let n_gaps = ticks.iter().filter(|tick| tick.missed >= 4).count();
    assert!(n_gaps >= 2, "{ticks:?}");
    let recurring = recurring(&app).await;
    assert_eq!(recurring.last, ticks.last().map(|tick| tick.at));
    assert!(recurring.overdue >= 5, "{recurring:?}");
}

/// A clock that is wrong by so much, and runs on.
#[derive(Debug)]
struct Skewed {
    ahead: bool,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        if self.ahead {
            now.saturating_add(DAY)
        } else {
            earlier(now, DAY)
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

pub async fn tick_once_whatever_the_clocks_of_processes_say(on: On) {
    let mut apps = Vec::new();
    for ahead in [true, false] {
        let mut env = Env::system();
        env.clock = Arc::new(Skewed { ahead });
        let builder = bell(&on, Every(SHORT)).env(env);
        apps.push(builder.build().await.unwrap());
    }
    apps.push(bell(&on, Every(SHORT)).build().await.unwrap());
    let before = earlier(SystemClock.now(), SHORT);
    let running: Vec<_> = apps.iter().map(App::start).collect();
    ticked(&apps[0], 12).await;
    for running in running {
        running.stop().await;
    }
    let ticks = ticks(&apps[0]).await;
    all_accounted_for(&ticks, SHORT);
    let after = SystemClock.now();
    assert!(
        ticks
            .iter()
            .all(|tick| before < tick.at && tick.at <= after)
    );
}

pub async fn tick_once_by_two_versions_with_different_rules(on: On) {
    let old = bell(&on, Every(SHORT)).build().await.unwrap();
    let new = bell(&on, Every(SHORT * 3 / 2)).build().await.unwrap();
    let running = [old.start(), new.start()];
    ticked(&old, 20).await;
    for running in running {
        running.stop().await;
    }
    let ticks = ticks(&old).await;
    let times: HashSet<_> = ticks.iter().map(|tick| tick.at).collect();
    assert_eq!(times.len(), ticks.len(), "a tick of both is made once");
    assert!(ticks.is_sorted_by_key(|tick| tick.at));
    let is_of = |every: Duration, tick: &&Tick| {
        tick.at.as_micros() % i64::try_from(every.as_micros()).unwrap() == 0
    };
    let n_old = ticks.iter().filter(|tick| is_of(SHORT, tick)).count();
    let n_new = ticks.iter().filter(|tick| is_of(SHORT * 3 / 2, tick));
    assert!(
        n_old > 0 && n_new.count() > 0,
        "each keeps to its rule: {ticks:?}"
    );
}

pub async fn only_the_newest_missed_tick_is_made_up_for(on: On) {
    let rule = Every(HOUR);
    let apps = [
        bell(&on, rule).build().await.unwrap(),
        bell(&on, rule).build().await.unwrap(),
    ];
    let (since, now) = started_three_days_ago(&apps[0], &rule.rule()).await;
    let overdue = all_between(HOUR, since, now);
    assert_eq!(recurring(&apps[0]).await.overdue as usize, overdue.len());
    let running: Vec<_> = apps.iter().map(App::start).collect();
    ticked(&apps[0], 1).await;
    apps[1].idle().await.unwrap();
    let ticks = ticks(&apps[0]).await;
    assert_eq!(ticks.len(), 1);
    assert_eq!(Some(&ticks[0].at), overdue.last());
    assert_eq!(ticks[0].missed as usize, overdue.len() - 1);
    let recurring = recurring(&apps[1]).await;
    assert_eq!((recurring.last, recurring.overdue), (Some(ticks[0].at), 0));
    assert_eq!(recurring.next, Some(ticks[0].at.saturating_add(HOUR)));
    for running in running {
        running.stop().await;
    }
}

pub async fn each_missed_tick_is_made_up_for_up_to_so_many(on: On) {
    let each = || Every(HOUR).catch_up(CatchUp::Each { at_most: 5 });
    let apps = [
        bell(&on, each()).build().await.unwrap(),
        bell(&on, each()).build().await.unwrap(),
    ];
    let (since, now) = started_three_days_ago(&apps[0], &each().rule()).await;
    let overdue = all_between(HOUR, since, now);
    let running: Vec<_> = apps.iter().map(App::start).collect();
    let ticks = ticked(&apps[0], 5).await;
    let times: Vec<_> = ticks.iter().map(|tick| tick.at).collect();
    assert_eq!(times, overdue[overdue.len() - 5..]);
    let missed: Vec<_> = ticks.iter().map(|tick| tick.missed as usize).collect();
    assert_eq!(missed, [overdue.len() - 5, 0, 0, 0, 0]);
    for running in running {
        running.stop().await;
    }
}

pub async fn ticks_that_are_too_late_are_skipped_and_shown(on: On) {
    let strict = || {
        Every(DAY).catch_up(CatchUp::Skip {
            later_than: Duration::ZERO,
        })
    };
    let app = bell(&on, strict())
        .recurring("witness", Every(SHORT), |_| Strike.to("bell-2"))
        .build()
        .await
        .unwrap();
    let (since, now) = started_three_days_ago(&app, &strict().rule()).await;
    let running = app.start();
    let ticks = ticked(&app, 10).await;
    running.stop().await;
    assert!(ticks.iter().all(|tick| tick.of.as_str() == "witness"));
    let recurring = recurring(&app).await;
    let overdue = all_between(DAY, since, now).len();
    assert_eq!(
        (recurring.last, recurring.overdue as usize),
        (None, overdue)
    );
    assert!(recurring.next > Some(now));
}

pub async fn a_changed_rule_counts_from_now_on(on: On) {
    let old = bell(&on, Every(HOUR)).build().await.unwrap();
    started_three_days_ago(&old, &Every(HOUR).rule()).await;
    let running = old.start();
    let last = ticked(&old, 1).await[0].at;
    running.stop().await;

    let rule = Every(HOUR / 2);
    let new = bell(&on, rule).build().await.unwrap();
    assert_eq!(recurring(&new).await.overdue, 0);
    let running = new.start();
    begun(&new, &rule.rule()).await;
    new.idle().await.unwrap();
    running.stop().await;
    let seen = progress(&new).await.unwrap();
    let made: Vec<_> = ticks(&new).await.iter().map(|tick| tick.at).collect();
    // What is made after the change, should the half hour strike just now, is of the new rule and not missed.
    assert!(made[1..].iter().all(|tick| *tick > seen.since), "{made:?}");
    assert_eq!(made[0], last);
    assert!(seen.since > last);
}

pub async fn a_removed_recurrence_ticks_no_more(on: On) {
    let old = bell(&on, Every(SHORT)).build().await.unwrap();
    let running = old.start();
    ticked(&old, 3).await;
    running.stop().await;
    let n_before = ticks(&old).await.len();
    let builder = on.builder().register::<Bell>();
    let builder = builder.recurring("witness", Every(SHORT), |_| Strike.to("bell-2"));
    let new = builder.build().await.unwrap();
    let running = new.start();
    let ticks = ticked(&new, n_before + 8).await;
    running.stop().await;
    let of_old = |tick: &&Tick| tick.of == id();
    assert_eq!(ticks.iter().filter(of_old).count(), n_before);
    assert!(old.scheduled(None, 10).await.unwrap().is_empty());
}

pub async fn a_tick_is_carried_by_its_command_and_by_what_follows(on: On) {
    let at_the_tick = |tick: &Tick| {
        let metadata = Metadata::new().with("note", tick.at.to_string());
        Strike
            .to(format!("bell-{}", tick.at))
            .with_metadata(metadata)
    };
    let builder = on.builder().register::<Bell>();
    let builder = builder.recurring("bell", Every(SHORT), at_the_tick);
    let app = builder.build().await.unwrap();
    let running = app.start();
    let tick = ticked(&app, 1).await.remove(0);
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(tick.of, id());
    let log = log(&app).await;
    let is_first = |message: &&StoredMessage| message.stream_id == log[0].stream_id;
    let first: Vec<_> = log.iter().filter(is_first).collect();
    assert_eq!(first[0].stream_id.as_str(), format!("bell-{}", tick.at));
    assert_eq!(
        first[0].metadata.get("note").unwrap(),
        &*tick.at.to_string()
    );
    assert!(first[0].created_at >= tick.at);
    assert_eq!(first[1].type_name.as_str(), "bell.struck");
    assert_eq!(first[1].tick(), Some(tick));
}

pub async fn one_that_fails_holds_back_no_other(on: On) {
    let calls = AtomicU32::new(0);
    let panics = move |_: &Tick| {
        // The first call is to see whether it fits.
        assert_eq!(calls.fetch_add(1, Ordering::Relaxed), 0, "as told");
        Strike.to("bell-1")
    };
    let calls = AtomicU32::new(0);
    let goes_nowhere = move |_: &Tick| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Strike.to("bell-1"),
        _ => Strike.to(""),
    };
    let builder = on.builder().register::<Bell>();
    let builder = builder
        .recurring("panics", Every(SHORT), panics)
        .recurring("goes-nowhere", Every(SHORT), goes_nowhere)
        .recurring("bell", Every(SHORT), |_| Strike.to("bell-1"));
    let app = builder.build().await.unwrap();
    let running = app.start();
    let ticks = ticked(&app, 8).await;
    let recurring = app.recurring().await.unwrap();
    running.stop().await;
    assert!(ticks.iter().all(|tick| tick.of == id()));
    all_accounted_for(&ticks, SHORT);
    assert!(recurring[0].overdue > 0 && recurring[1].overdue > 0);
    assert_eq!((recurring[0].last, recurring[1].last), (None, None));
}

/// With a clock moved by hand: six in the morning in Zurich, over a change of clocks and a week of nobody there.
#[tokio::test]
async fn a_cron_expression_ticks_by_the_clocks_of_its_zone() {
    let clock = ManualClock::new();
    let start = Timestamp::from_micros(1_711_670_400_000_000); // 2024-03-29T00:00:00Z, two days before the change
    clock.advance(start.saturating_since(clock.now()));
    let mut env = Env::system();
    env.clock = Arc::new(clock.clone());
    let memory = Memory::with_clock(Arc::new(clock.clone()));
    let app = async || {
        let six = Cron::new("0 6 * * *", "Europe/Zurich").unwrap();
        let builder = App::builder_in(env.clone()).backend(memory.clone());
        let builder = builder.register::<Bell>();
        let builder = builder.recurring("bell", six, |_| Strike.to("bell-1"));
        builder.build().await.unwrap()
    };
    let first = app().await;
    let running = first.start();
    begun(&first, "cron 0 6 * * * Europe/Zurich").await;
    for n_ticks in 1..=4 {
        // Long enough for everything that could run.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ticks(&first).await.len(), n_ticks - 1);
        clock.advance(DAY);
        ticked(&first, n_ticks).await;
    }
    running.stop().await;
    clock.advance(7 * DAY);
    let second = app().await;
    assert_eq!(recurring(&second).await.overdue, 7);
    let running = second.start();
    let ticks = ticked(&second, 5).await;
    running.stop().await;
    let shown: Vec<_> = ticks
        .iter()
        .map(|tick| (tick.at.to_string()[..16].to_owned(), tick.missed))
        .collect();
    let expected = [
        ("2024-03-29T05:00", 0),
        ("2024-03-30T05:00", 0),
        ("2024-03-31T04:00", 0),
        ("2024-04-01T04:00", 0),
        ("2024-04-08T04:00", 6),
    ];
    assert_eq!(shown, expected.map(|(at, missed)| (at.to_owned(), missed)));
}

#[tokio::test]
async fn what_cannot_recur_is_refused_when_the_app_is_built() {
    let builder = || App::builder().register::<Bell>();
    let refused = async |builder: AppBuilder| builder.build().await.unwrap_err();
    let every = Every(HOUR);

    let error = refused(App::builder().recurring("bell", every, |_| Strike.to("bell-1"))).await;
    let BuildError::Recurrence { error, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(error, DispatchError::NobodyDecides(_)),
        "{error:?}"
    );

    let error = refused(builder().recurring("bell", every, |_| Strike)).await;
    assert_eq!(
        error.to_string(),
        "the command of the recurrence `bell` cannot be dispatched: the command `bell.strike` has no stream: say `.to(stream)`"
    );

    let later = |_: &Tick| Strike.to("bell-1").after(HOUR);
    let error = refused(builder().recurring("bell", every, later)).await;
    assert!(error.to_string().contains("is for later"), "{error}");

    let never = Every(Duration::ZERO);
    let error = refused(builder().recurring("bell", never, |_| Strike.to("bell-1"))).await;
    assert!(matches!(error, BuildError::NeverRecurs { .. }), "{error:?}");

    let twice = builder()
        .recurring("bell", every, |_| Strike.to("bell-1"))
        .recurring("bell", every, |_| Strike.to("bell-2"));
    let error = refused(twice).await;
    assert_eq!(
        error.to_string(),
        "two recurrences have the name `bell`: give one of them another name"
    );

    let error = refused(builder().recurring("", every, |_| Strike.to("bell-1"))).await;
    assert!(matches!(error, BuildError::Name(_)), "{error:?}");
}
