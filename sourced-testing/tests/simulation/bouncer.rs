//! An app that never comes to rest.

use std::time::Duration;

use sourced::prelude::*;
use sourced_testing::simulate;
use sourced_testing::simulation::Simulation;

/// Answers each of its events by a command, for ever.
#[derive(Debug, Default)]
pub(crate) struct Bouncer;

#[actor]
impl Bouncer {
    #[command]
    pub(crate) fn bounce(&self) -> Bounced {
        Bounced
    }

    #[event]
    pub(crate) fn bounced(&mut self) {}

    #[reaction]
    fn again(&self, _: &Bounced) -> Bounce {
        Bounce
    }
}

pub(crate) fn simulated() -> Simulation {
    simulate(|_| App::builder().register::<Bouncer>())
        .workload(async |client| {
            client.dispatch(|| Bounce.to("bouncer-1")).await?;
            Ok(())
        })
        .clients(1)
        .steps(1)
        .faults([])
        .patience(Duration::from_secs(2))
}
