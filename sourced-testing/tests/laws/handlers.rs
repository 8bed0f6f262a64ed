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

mod a_reaction_that_panics {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Order;

    #[actor]
    impl Order {
        #[command]
        fn place(&self, n_items: u8) -> Placed {
            Placed { n_items }
        }
        #[event]
        fn placed(&mut self, _n_items: u8) {}
        #[reaction]
        fn pack(&self, placed: &Placed) -> Pack {
            Pack {
                per_box: 100 / placed.n_items,
            }
        }
        #[command]
        fn pack_it(&self, _: &Pack) {}
    }

    #[command("order.pack")]
    struct Pack {
        #[allow(dead_code)]
        per_box: u8,
    }

    #[test]
    fn is_found() {
        says!(
            crate::said(
                || sourced_testing::laws::Laws::<Order>::new().what_decide_emits_readers_take()
            ),
            "`Order` breaks the law: what decide emits, its readers take",
            "1. Place { n_items: 0 }\n     -> Placed { n_items: 0 }\n\n`Order` cannot take `order.placed`: ",
            "attempt to divide by zero",
        );
    }

    #[test]
    fn is_left_out_where_its_event_is() {
        sourced_testing::laws::Laws::<Order>::new()
            .skip::<Placed>()
            .what_decide_emits_readers_take();
    }
}

mod readers_that_do_not_take_what_is_decided {
    use std::sync::atomic::{AtomicU32, Ordering};

    use sourced::prelude::*;
    use sourced_testing::laws::Laws;

    #[derive(Debug, Default)]
    struct Visit;

    #[actor]
    impl Visit {
        #[command]
        fn book(&self, year: u32) -> Booked {
            Booked { year }
        }
        #[event]
        fn booked(&mut self, _year: u32) {}
    }

    #[derive(Debug, Default)]
    struct Years {
        year: u32,
    }

    #[projector]
    impl Years {
        #[event]
        fn booked(&mut self, event: &Booked) {
            self.year = event.year;
        }

        #[sync]
        async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
            if self.year > 9_999 {
                return Err(Failure::msg("a year has four digits"));
            }
            tx.put("years", "last", &self.year).await
        }
    }

    #[derive(Debug, PartialEq, Projection)]
    struct Day {
        #[key]
        year: u32,
        short: i16,
    }

    #[projector]
    impl Day {
        #[event]
        fn booked(_row: Option<Self>, event: &Booked) -> Self {
            let year = event.year;
            let short = i16::try_from(year).expect("no year is so late");
            Self { year, short }
        }
    }

    #[derive(Debug, Default)]
    struct Mailing;

    #[derive(Default)]
    struct Mailer(AtomicU32);

    #[handler]
    impl Mailing {
        #[on]
        fn mail(&self, _: &Booked, mailer: Res<Mailer>) {
            mailer.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn are_found() {
        says!(
            crate::said(|| Laws::<Visit>::new()
                .reader::<Years>()
                .what_decide_emits_readers_take()),
            "1. Book { year: ",
            "`Years` cannot take `visit.booked`: a sync action failed: a year has four digits",
        );
        says!(
            crate::said(|| Laws::<Visit>::new()
                .reader::<Day>()
                .what_decide_emits_readers_take()),
            "`Day` cannot take `visit.booked`: ",
            "no year is so late",
        );
    }

    #[test]
    fn ask_for_what_nobody_brings() {
        says!(
            crate::said(|| Laws::<Visit>::new()
                .reader::<Mailing>()
                .what_decide_emits_readers_take()),
            "`Visit` cannot be checked for the law",
            "`Mailing` asks for the resource `",
            "Mailer`, and nobody brings one",
        );
        Laws::<Visit>::new()
            .reader::<Mailing>()
            .resources(|resources| resources.insert(Mailer::default()))
            .what_decide_emits_readers_take();
    }
}
