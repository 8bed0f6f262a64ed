//! Laws that are broken by what messages and states are made of.

mod a_state_that_a_snapshot_does_not_keep {
    use serde::{Deserialize, Serialize};
    use sourced::prelude::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Door {
        n_opened: u32,
        #[serde(skip)]
        is_open: bool,
    }

    #[actor(snapshot_every = 10)]
    impl Door {
        #[command]
        fn open(&self) -> Opened {
            Opened
        }
        #[event]
        fn opened(&mut self) {
            self.n_opened = self.n_opened.saturating_add(1);
            self.is_open = true;
        }
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Door>::new()
                .a_snapshot_and_its_tail_equal_the_full_fold()),
            "`Door` breaks the law: a snapshot and its tail equal the full fold",
            "1. Open",
            "- all events\n+ a snapshot after 1 of the events, and the rest\n  -     is_open: true,\n  +     is_open: false,",
        );
    }
}

#[allow(clippy::option_option, reason = "that is what it is about")]
mod an_option_of_an_option {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Profile;

    #[actor]
    impl Profile {
        #[command]
        fn rename(&self, name: Option<Option<u8>>) -> Renamed {
            Renamed { name }
        }
        #[event]
        fn renamed(&mut self, _name: Option<Option<u8>>) {}
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Profile>::new()
                .every_message_survives_a_round_trip()),
            "`Profile` breaks the law: every message survives a round trip",
            "`profile.rename` is not stored: it would come back as something else",
        );
    }
}

mod a_field_that_is_not_stored {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Till;

    #[actor]
    impl Till {
        #[command]
        fn pay(&self, coins: u8) -> Paid {
            Paid { coins }
        }
        #[event]
        fn paid(&mut self, #[serde(skip)] _coins: u8) {}
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Till>::new().what_decide_emits_evolve_accepts()
            ),
            "`Till` breaks the law: what decide emits, evolve accepts",
            "1. Pay { coins: ",
            "`till.paid` is stored as {}, which is read back as another event",
        );
    }
}

mod variants_that_are_written_alike {
    use serde::{Deserialize, Serialize};
    use sourced::prelude::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Cents(u8),
        Euros(u8),
    }

    #[derive(Debug, Default)]
    struct Till;

    #[actor]
    impl Till {
        #[command]
        fn pay(&self, euros: u8) -> Paid {
            let amount = Amount::Euros(euros);
            Paid { amount }
        }
        #[event]
        fn paid(&mut self, _amount: Amount) {}
    }

    #[test]
    fn are_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Till>::new().what_decide_emits_evolve_accepts()
            ),
            "`till.paid` is stored as {\"amount\":0}, which is read back as another event",
        );
    }
}

mod a_number_that_no_store_takes {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Sensor {
        sum: f64,
    }

    #[actor]
    impl Sensor {
        #[command]
        fn add(&self, number: f64) -> Summed {
            let sum = self.sum + number;
            Summed { sum }
        }
        #[event]
        fn summed(&mut self, sum: f64) {
            self.sum = sum;
        }
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Sensor>::new().what_decide_emits_evolve_accepts()
            ),
            "`Sensor` breaks the law: what decide emits, evolve accepts",
            "`sensor.summed` is not stored: `sum` is infinite",
        );
    }
}

mod a_date_of_which_no_other_can_be_made {
    use chrono::{DateTime, Datelike as _, Utc};
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Lease {
        ends: i32,
    }

    #[actor]
    impl Lease {
        #[command]
        fn sign(&self, at: DateTime<Utc>) -> Signed {
            Signed { at }
        }
        #[event]
        fn signed(&mut self, at: DateTime<Utc>) {
            self.ends = at.with_year(at.year() + 1).expect("a year later").year();
        }
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Lease>::new().what_decide_emits_evolve_accepts()
            ),
            "262142-12-31T23:59:59.999999999Z",
            "a year later",
        );
    }
}

mod an_older_shape_that_cannot_be_read {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Price;

    #[event("price.set")]
    struct SetInEuro {
        euro: u32,
    }

    #[event("price.set.v2", was = SetInEuro)]
    #[derive(Debug, Clone, PartialEq)]
    struct SetInCents {
        cents: u32,
    }

    impl From<SetInEuro> for SetInCents {
        fn from(old: SetInEuro) -> Self {
            Self {
                cents: old.euro.checked_mul(100).expect("no price is so high"),
            }
        }
    }

    #[actor]
    impl Price {
        #[command]
        fn set(&self, cents: u32) -> SetInCents {
            SetInCents { cents }
        }
        #[event]
        fn was_set(&mut self, _: &SetInCents) {}
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Price>::new().upcasting_is_total()),
            "`Price` breaks the law: upcasting is total",
            "SetInEuro { euro: ",
            "stored as `price.set`",
            "no price is so high",
        );
    }
}

mod a_state_that_is_another_each_time {
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher as _;

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Lottery {
        last: u64,
    }

    #[actor]
    impl Lottery {
        #[command]
        fn draw(&self) -> Drawn {
            Drawn
        }
        #[event]
        fn drawn(&mut self) {
            self.last = RandomState::new().hash_one(1);
        }
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Lottery>::new().replay_gives_the_same_state()
            ),
            "`Lottery` breaks the law: replay gives the same state",
            "- the first time\n+ the second time\n  -     last: ",
        );
    }
}

mod a_command_that_asks_for_a_resource {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Order;

    struct Mailer;

    #[actor]
    impl Order {
        #[command]
        fn confirm(&self, _mailer: Res<Mailer>) -> Confirmed {
            Confirmed
        }
        #[event]
        fn confirmed(&mut self) {}
    }

    mod is_decided_when_one_is_brought {
        use super::*;
        sourced_testing::laws!(Order, resources: [Mailer], histories: valid);
    }

    mod is_left_out_when_that_is_said {
        use super::*;
        sourced_testing::laws!(Order, skip: [Confirm]);
    }

    #[test]
    fn is_not_left_out_silently() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Order>::new().decide_never_panics()),
            "the command `laws::messages_and_states::a_command_that_asks_for_a_resource::Confirm` asks for the resource",
            "help: give one: `resources: [..]`; or leave the command out: `skip: [Confirm]`",
        );
    }
}
