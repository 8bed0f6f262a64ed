//! What recurs and what is for later, while everything goes wrong that may.

use std::collections::BTreeSet;
use std::time::Duration;

use sourced::prelude::*;
use sourced::{CatchUp, Every, Ticks as _};
use sourced_testing::simulation::Simulation;
use sourced_testing::{Spans as _, simulate};

const HOUR: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
pub(crate) struct Tower;

#[actor]
impl Tower {
    #[command]
    fn strike(&self) -> Struck {
        Struck
    }

    #[event]
    fn struck(&mut self) {}

    #[reaction]
    fn let_it_fade(&self, _: &Struck, now: Now) -> Outgoing<Fade> {
        Fade.at(now.saturating_add(20.seconds()))
    }

    #[command]
    fn fade(&self) -> Faded {
        Faded
    }

    #[event]
    fn faded(&mut self) {}
}

/// A tower that strikes every hour, for so many hours.
pub(crate) fn hours(n: u32) -> Simulation {
    simulate(|_| {
        let app = App::builder().register::<Tower>();
        let hourly = Every(HOUR).catch_up(CatchUp::Each { at_most: 1_000 });
        app.recurring("strike", hourly, |_| Strike.to("tower-1"))
    })
    .for_at_least(HOUR * n)
    .always("tick-once", |world| {
        let struck = world.messages::<Strike>().into_iter();
        let ticks = struck.filter_map(|message| message.metadata.tick());
        let times: Vec<_> = ticks.map(|tick| tick.at).collect();
        let distinct: BTreeSet<_> = times.iter().collect();
        assert_eq!(distinct.len(), times.len(), "{times:?}");
    })
    .finally("every hour has struck and faded", move |world| {
        let struck = world.events::<Struck>().len();
        assert!(struck >= n as usize, "{struck} times");
        assert_eq!(world.events::<Faded>().len(), struck);
    })
}
