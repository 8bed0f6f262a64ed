//! Every law is broken on purpose, found out, and told as a short story; an actor that keeps them passes.

use std::panic::catch_unwind;

use sourced_testing::laws::Laws;

/// What a law says of an actor that breaks it.
fn said(law: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(law).expect_err("nothing was found");
    *panic.downcast::<String>().expect("it says why")
}

macro_rules! says {
    ($said:expr, $($part:expr),+ $(,)?) => {{
        let said = $said;
        $(assert!(said.contains($part), "`{}` is not in:\n{said}", $part);)+
    }};
}

mod a_right_actor {
    use std::collections::{BTreeMap, HashMap};

    use serde::{Deserialize, Serialize};
    use sourced::prelude::*;
    use sourced::{MessageId, Timestamp};

    /// Text of one form only.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "String")]
    struct Sku(String);

    impl TryFrom<String> for Sku {
        type Error = &'static str;
        fn try_from(text: String) -> Result<Self, &'static str> {
            let digits = text.strip_prefix("sku-").ok_or("not a SKU")?;
            match digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Ok(Self(text)),
                false => Err("not a SKU"),
            }
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Means {
        Cash,
        Card { digits: u16, holder: Option<String> },
        Split(Vec<Means>),
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(try_from = "u8")]
    struct Percent(u8);

    impl TryFrom<u8> for Percent {
        type Error = &'static str;
        fn try_from(percent: u8) -> Result<Self, &'static str> {
            (1..=100)
                .contains(&percent)
                .then_some(Self(percent))
                .ok_or("no percentage")
        }
    }

    #[event("right.put")]
    struct Put {
        sku: Sku,
    }

    impl From<Put> for Added {
        fn from(old: Put) -> Self {
            Self {
                sku: old.sku,
                pieces: 1,
                off: None,
                cause: None,
                at: Timestamp::from_micros(0),
                notes: HashMap::new(),
            }
        }
    }

    #[event("right.added", alias = "right.included", was = Put)]
    #[derive(Debug, Clone, PartialEq)]
    struct Added {
        sku: Sku,
        #[serde(alias = "quantity")]
        pieces: u32,
        off: Option<Percent>,
        cause: Option<MessageId>,
        at: Timestamp,
        #[serde(default)]
        notes: HashMap<String, f64>,
    }

    #[derive(Debug, Default, Serialize, Deserialize)]
    struct Right {
        lines: BTreeMap<String, u32>,
        paid: Option<Means>,
    }

    #[derive(Debug)]
    struct Full;
    impl std::fmt::Display for Full {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it is full")
        }
    }
    impl std::error::Error for Full {}

    #[actor(snapshot_every = 2)]
    impl Right {
        #[command]
        fn add(&self, sku: Sku, pieces: u32, off: Option<Percent>) -> Result<Added, Full> {
            let there = self.lines.get(&sku.0).copied().unwrap_or_default();
            there.checked_add(pieces).ok_or(Full)?;
            let notes = HashMap::from([("a".to_owned(), -0.0), ("b".to_owned(), 1.5)]);
            let at = Timestamp::from_micros(0);
            Ok(Added {
                sku,
                pieces,
                off,
                cause: None,
                at,
                notes,
            })
        }

        #[event]
        fn added(&mut self, added: &Added) {
            let line = self.lines.entry(added.sku.0.clone()).or_default();
            *line = line.saturating_add(added.pieces);
        }

        #[command]
        fn pay(&self, means: Means) -> Paid {
            Paid { means }
        }

        #[event]
        fn paid(&mut self, means: Means) {
            self.paid = Some(means);
        }
    }

    sourced_testing::laws!(
        Right,
        with: { Sku => "sku-[0-9]{4}" },
        stored: { "right.included" => r#"{"sku":"sku-0001","quantity":2,"off":null,"cause":null,"at":1}"# },
    );

    #[test]
    fn a_value_that_cannot_be_made_is_told_with_its_field_and_what_to_write() {
        says!(
            super::said(|| super::Laws::<Right>::new().every_message_survives_a_round_trip()),
            "`Right` cannot be checked for the law: every message survives a round trip",
            "no value could be made for the field `sku` of `laws::a_right_actor::Add`, of type `laws::a_right_actor::Sku`: not a SKU",
            "with: { Sku => \"[a-z]{1,8}\" }",
        );
    }

    #[test]
    fn a_stored_message_that_nobody_reads_is_told() {
        let laws = || super::Laws::<Right>::new().with::<Sku>(["sku-0001"]);
        says!(
            super::said(|| laws().stored("right.lost", "{}").upcasting_is_total()),
            "no command or event of the actor is stored as `right.lost`",
        );
        says!(
            super::said(|| laws().stored("right.put", "{}").upcasting_is_total()),
            "`right.put` as it was stored: {}",
            "missing field `sku`",
        );
    }
}

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
            super::said(|| super::Laws::<Account>::new().every_message_survives_a_round_trip()),
            "`Account` breaks the law: every message survives a round trip",
            "Paid { by: \"a\" }",
            "missing field `cents`",
            "PROPTEST_RNG_SEED=",
        );
        says!(
            super::said(|| super::Laws::<Account>::new().what_decide_emits_evolve_accepts()),
            "1. Pay { cents: 0, by: \"a\" }\n     -> Paid { by: \"a\" }\n\n`account.paid` at seq 2 of the history",
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
            super::said(|| super::Laws::<Counter>::new().evolve_never_panics()),
            "`Counter` breaks the law: evolve never panics",
            "2. Counted { pieces: ",
            "attempt to add with overflow\n  at sourced-testing/tests/laws.rs:",
            "help: what is stored has happened",
        );
    }

    #[test]
    fn is_found_in_what_commands_lead_to() {
        says!(
            super::said(|| super::Laws::<Counter>::new().what_decide_emits_evolve_accepts()),
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
            super::said(|| super::Laws::<Shelf>::new().decide_never_panics()),
            "`Shelf` breaks the law: decide never panics",
            "1. Take { nth: 0 }\n\nindex out of bounds",
        );
    }
}

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
            super::said(|| super::Laws::<Door>::new().a_snapshot_and_its_tail_equal_the_full_fold()),
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
            super::said(|| super::Laws::<Price>::new().upcasting_is_total()),
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
            super::said(|| super::Laws::<Lottery>::new().replay_gives_the_same_state()),
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
            super::said(|| super::Laws::<Order>::new().decide_never_panics()),
            "the command `laws::a_command_that_asks_for_a_resource::Confirm` asks for the resource",
            "help: give one: `resources: [..]`; or leave the command out: `skip: [Confirm]`",
        );
    }
}
