//! Clocks: workers whose clocks tell different times share the work as others do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::env::{Clock, Env, SystemClock, SystemRandom, V7Ids};
use sourced::prelude::*;
use sourced::{RetryPolicy, Timestamp, WorkerOptions};

use crate::backends::On;
use crate::shop::*;

const LEASE: Duration = Duration::from_millis(300);

/// A clock that is ahead.
#[derive(Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add(self.0)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

async fn app_ahead(on: &On, ahead: Duration, stage: &Arc<Stage>) -> App {
    let clock: Arc<dyn Clock> = Arc::new(Ahead(ahead));
    let env = Env {
        ids: Arc::new(V7Ids::new(Arc::clone(&clock), Arc::new(SystemRandom))),
        clock,
        ..Env::system()
    };
    let retry = RetryPolicy::default().first_pause(Duration::from_millis(1));
    let workers = WorkerOptions::default()
        .lease(LEASE)
        .poll_max(Duration::from_millis(5))
        .retry(retry);
    let builder = on.builder_in(env).register::<Till>().register::<Report>();
    let builder = builder.resource(Arc::clone(stage)).workers(workers);
    builder.build().await.unwrap()
}

pub async fn clock_free_two_workers_an_hour_apart_double_and_lose_nothing(on: On) {
    const TILLS: usize = 8;
    let stage = Stage::new();
    let apps = [
        app_ahead(&on, Duration::ZERO, &stage).await,
        app_ahead(&on, Duration::from_hours(1), &stage).await,
    ];
    let running = apps.each_ref().map(App::start);
    // Whoever has it holds it for several leases, whatever time the other one thinks it is.
    apps[0].dispatch(play("wait").to("held")).await.unwrap();
    stage.waiting.notified().await;
    let parts = |till| ["one", "twice", "three"].map(|part| format!("{part}-{till}"));
    for (till, of) in (0..TILLS).zip(apps.iter().cycle()) {
        for (part, by) in parts(till).iter().zip([of, &apps[till % 3 % 2], of]) {
            by.dispatch(play(part).to(format!("till-{till}")))
                .await
                .unwrap();
        }
        of.dispatch(sell("tea").to(format!("tea-{till}")))
            .await
            .unwrap();
    }
    SystemClock.sleep(LEASE * 4).await;
    stage.go_on.add_permits(1);
    for app in &apps {
        assert!(app.idle().await.unwrap().is_done());
    }
    for running in running {
        running.stop().await;
    }
    assert_eq!(stage.calls("wait"), 1);
    for till in 0..TILLS {
        let loaded = apps[0].load::<Till>(format!("till-{till}")).await.unwrap();
        assert_eq!(loaded.state().sold, parts(till), "in order, and each once");
        let calls = parts(till).map(|part| stage.calls(&part));
        assert_eq!(calls, [1, 3, 1], "till-{till}");
        let sold = report(&apps[1], &format!("tea-{till}")).await.unwrap();
        assert_eq!(sold.n_sold, 1);
    }
}
