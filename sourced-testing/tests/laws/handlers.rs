//! Laws that are broken by handlers, or by what they emit.

mod a_message_that_is_not_read_as_it_was_written {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Account;

    #[event("account.paid")]
    #[derive(Debug, Clone, PartialEq)]
    struct Paid {
        #[serde(skip_serializing_if = "is_zero")]
        cents: u32,
        by: String,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_zero(cents: &u32) -> bool {
        *cents == 0
    }

    #[actor]
    impl Account {
        #[command]
        fn pay(&self, cents: u32, by: String) -> Paid {
            Paid { cents, by }
        }
        #[event]
        fn paid(&mut self, _: &Paid) {}
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Account>::new()
                .every_message_survives_a_round_trip()),
            "`Account` breaks the law: every message survives a round trip",
            "Paid { by: \"a\" }",
            "missing field `cents`",
            "PROPTEST_RNG_SEED=",
        );
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Account>::new().what_decide_emits_evolve_accepts()
            ),
            "1. Pay { cents: 0, by: \"a\" }\n     -> (cannot be stored)\n\n`account.paid` is not stored: it could not be read back: missing field `cents`",
        );
    }
}

mod an_event_that_evolve_does_not_take {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Counter {
        total: u8,
    }

    #[actor]
    impl Counter {
        #[command]
        fn count(&self, pieces: u8) -> Counted {
            Counted {
                pieces: pieces.min(100),
            }
        }
        #[event]
        fn counted(&mut self, pieces: u8) {
            self.total += pieces;
        }
    }

    #[test]
    fn is_found_in_any_history() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Counter>::new().evolve_never_panics()),
            "`Counter` breaks the law: evolve never panics",
            "2. Counted { pieces: ",
            "attempt to add with overflow\n  at sourced-testing/tests/laws/",
            "help: what is stored has happened",
        );
    }

    #[test]
    fn is_found_in_what_commands_lead_to() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Counter>::new().what_decide_emits_evolve_accepts()
            ),
            "3. Count { pieces: ",
            "attempt to add with overflow",
        );
    }
}

mod a_command_that_panics {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Shelf {
        items: Vec<String>,
    }

    #[actor]
    impl Shelf {
        #[command]
        fn put(&self, item: String) -> ItemPut {
            ItemPut { item }
        }
        #[command]
        fn take(&self, nth: u8) -> Taken {
            let item = self.items[usize::from(nth)].clone();
            Taken { item }
        }
        #[event]
        fn item_put(&mut self, item: String) {
            self.items.push(item);
        }
        #[event]
        fn taken(&mut self, item: String) {
            self.items.retain(|other| *other != item);
        }
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(|| sourced_testing::laws::Laws::<Shelf>::new().decide_never_panics()),
            "`Shelf` breaks the law: decide never panics",
            "1. Take { nth: 0 }\n\nindex out of bounds",
        );
    }
}
