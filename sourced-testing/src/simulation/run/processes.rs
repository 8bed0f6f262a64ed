//! Starting processes, letting clients take their steps, and ending processes.

use std::sync::Arc;
use std::time::Duration;

use sourced::{App, BuildError};

use super::super::client::Client;
use super::super::dice::{Dice, mix, number_of};
use super::super::executor::Life;
use super::super::link::Link;
use super::super::plan::Decision;
use super::super::process::{Process, Role, SimulatedClock, ports};
use super::Run;

impl Run {
    /// Starts a process.
    pub(super) fn boot(self: &Arc<Self>, role: Role) {
        let life = self.executor.begin_life();
        let nth_life = {
            let mut state = self.lock();
            state.n_lives += 1;
            state.n_lives
        };
        let number = mix(number_of(&role.to_string()), nth_life);
        let dice = Dice::new(mix(self.plan.seed, mix(number, 7)));
        // Up to two minutes wrong, where clocks are not all right.
        let wrong_by = i64::try_from(dice.below(120_000_000)).unwrap_or_default();
        let ahead_by = match (self.plan.is_plain, dice.percent(50)) {
            (true, _) => 0,
            (false, true) => wrong_by,
            (false, false) => -wrong_by,
        };
        let clock = SimulatedClock::new(&self.executor, ahead_by);
        let env = ports(&self.executor, life, &clock, mix(self.plan.seed, number));
        let link = Link::new(self, role, life, clock);
        self.lock().signals.insert(life, link.own_signal().clone());
        let run = Arc::clone(self);
        let main = async move {
            let app = loop {
                let process = Process { link: link.clone() };
                let builder = (run.setup.app)(&process).env(env.clone());
                let builder = (run.setup.storage)(builder, run.memory.clone(), link.clone());
                match builder.build().await {
                    Ok(app) => break app,
                    Err(BuildError::Backend(error)) if error.is_transient() => {
                        run.executor.sleep(Duration::from_millis(500)).await;
                    }
                    Err(error) => panic!("the app cannot be built: {error}"),
                }
            };
            match *link.role() {
                Role::Client(number) => run.client(number, app, link).await,
                Role::Worker(_) | Role::Observer => {
                    let running = app.start();
                    let down_for = link.told_to_stop().await;
                    running.stop().await;
                    run.tell(link.name(), || "has stopped".to_owned());
                    link.crash::<()>(down_for).await;
                }
            }
        };
        self.executor.spawn(life, Box::pin(main));
    }

    async fn client(&self, number: usize, app: App, link: Link) {
        let Some(workload) = &self.setup.workload else {
            return;
        };
        for step in 0..self.setup.n_steps {
            let seed = mix(self.plan.seed, mix(number as u64, step as u64));
            let dice = Arc::new(Dice::new(seed));
            let pause = dice.below(20 << dice.below(8));
            self.executor.sleep(Duration::from_millis(pause)).await;
            if !self.plan.has_step((number, step)) {
                continue;
            }
            self.is_active();
            self.lock().decisions.push(Decision::Step((number, step)));
            let client = Client {
                link: link.clone(),
                app: app.clone(),
                number,
                step,
                dice,
            };
            if let Err(failure) = workload(client).await {
                self.tell(link.name(), || format!("gives up: {failure}"));
            }
            self.is_active();
        }
        self.lock().n_clients -= 1;
    }

    /// Ends a process, and starts it again later.
    pub(in super::super) fn crash(self: &Arc<Self>, link: &Link, down_for: Duration) {
        self.lock().signals.remove(&link.life());
        self.executor.end(link.life());
        let (run, role) = (Arc::clone(self), link.role().clone());
        let restart = async move {
            run.executor.sleep(down_for).await;
            run.tell(&role.to_string(), || "starts again".to_owned());
            run.boot(role);
        };
        self.executor.spawn(Life::OUTSIDE, Box::pin(restart));
    }
}
