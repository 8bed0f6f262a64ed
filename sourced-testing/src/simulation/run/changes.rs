//! What happens in a history: telling it, waking those who wait, and looking whether everything holds.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sourced::Position;
use sourced::backend::{Claim, Signal};

use super::super::link::Link;
use super::super::panics;
use super::super::setup::Invariant;
use super::super::world::log_after;
use super::Run;
use crate::faulty::{Call, Op};

impl Run {
    pub(in super::super) fn note_call(&self, who: &str, what: &dyn fmt::Display) {
        self.lock().figures.calls += 1;
        if let Some(story) = &mut *self.story() {
            story.trace(self.executor.now(), who, what);
        }
    }

    pub(in super::super) fn tell(&self, who: &str, what: impl FnOnce() -> String) {
        if let Some(story) = &mut *self.story() {
            story.tell(self.executor.now(), who, what());
        }
    }

    /// As [`Run::tell`], of something that is as it should be.
    pub(in super::super) fn say(&self, who: &str, what: impl FnOnce() -> String) {
        if let Some(story) = &mut *self.story() {
            story.say(self.executor.now(), who, what());
        }
    }

    pub(in super::super) fn claimed(&self, link: &Link, claims: &[Claim]) {
        if let Some(story) = &mut *self.story() {
            story.claimed(self.executor.now(), link.name(), claims);
        }
    }

    /// Something may be different now.
    pub(in super::super) fn changed(
        &self,
        link: &Link,
        call: &Call<'_>,
        answer: &Result<(), String>,
        is_silent: bool,
    ) {
        self.tell_change(link, call, answer);
        if matches!(call.op(), Op::Claim | Op::Renew | Op::Snapshot) || answer.is_err() {
            return;
        }
        if is_silent {
            self.tell(link.name(), || "is heard by NOBODY".to_owned());
        } else {
            self.lock().signals.values().for_each(Signal::raise);
        }
        self.check();
    }

    fn tell_change(&self, link: &Link, call: &Call<'_>, answer: &Result<(), String>) {
        let mut story = self.story();
        let Some(story) = &mut *story else {
            return;
        };
        let new = log_after(&self.memory, story.told_upto);
        if let Some(last) = new.last() {
            story.told_upto = last.position;
        }
        let upto = match call {
            Call::Ack(ack) => {
                let before = Position::new(ack.upto.get().saturating_sub(1));
                log_after(&self.memory, before).into_iter().next()
            }
            _ => None,
        };
        let at = self.executor.now();
        story.changed(at, link.name(), call, answer, &new, upto.as_ref());
    }

    /// Looks whether what always has to hold does.
    pub(in super::super) fn check(&self) {
        self.look(&self.setup.always);
    }

    pub(super) fn look(&self, invariants: &[Invariant]) {
        if invariants.is_empty() || self.lock().broken.is_some() {
            return;
        }
        let mut world = self.world();
        let Some(world) = &mut *world else {
            return;
        };
        world.refresh();
        for (name, holds) in invariants {
            if catch_unwind(AssertUnwindSafe(|| holds(world))).is_err() {
                return self.breaks(name, panics::last());
            }
        }
    }
}
