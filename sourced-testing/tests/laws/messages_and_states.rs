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
