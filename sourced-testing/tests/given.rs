//! Given, when, then: what it says yes to, and how it says no.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the types are of these tests alone"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{Metadata, Principal, Rejected, Timestamp};
use sourced_testing::{MessagesExt as _, given, given_state};

use support::{failure, failure_at};

#[derive(Debug, Default, Clone)]
pub struct Order {
    items: Vec<String>,
    is_placed: bool,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum OrderError {
    #[error("the order is already placed")]
    AlreadyPlaced,
    #[error("too many items")]
    TooMany { at_most: usize },
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the mail server is away")]
pub struct Away;

/// Stands for a mail server.
#[derive(Debug, Default)]
pub struct Mailer {
    is_away: bool,
    sent: Mutex<Vec<String>>,
}

impl Mailer {
    async fn send(&self, text: &str) -> Result<(), Away> {
        tokio::task::yield_now().await;
        if self.is_away {
            return Err(Away);
        }
        self.sent.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

#[actor]
impl Order {
    #[command]
    pub fn add_item(&self, product: String, price: u64) -> Result<ItemAdded, OrderError> {
        if self.is_placed {
            return Err(OrderError::AlreadyPlaced);
        }
        if self.items.len() == 3 {
            return Err(OrderError::TooMany { at_most: 3 });
        }
        Ok(ItemAdded { product, price })
    }

    #[event]
    pub fn item_added(&mut self, product: String, _price: u64) {
        self.items.push(product);
    }

    #[command]
    pub fn place(&self, who: Principal, now: Now) -> (Placed, Option<Gifted>) {
        let by = who.user_id().unwrap_or("nobody").to_owned();
        let at = now.as_micros();
        (Placed { by, at }, (self.items.len() > 2).then_some(Gifted))
    }

    #[event]
    pub fn placed(&mut self, _by: String, _at: i64) {
        self.is_placed = true;
    }

    #[event]
    pub fn gifted(&mut self) {}

    #[reaction]
    fn go_on(&self, placed: &Placed) -> (Thank, Outgoing<Remind>, Outgoing<Pack>) {
        let n_items = self.items.len();
        let thank = Thank {
            name: placed.by.clone(),
        };
        let remind = Remind.after(Duration::from_hours(48));
        (thank, remind, Pack { n_items }.to_new::<Parcel>())
    }

    #[command]
    async fn thank(&self, name: String, mailer: Res<Mailer>) -> Result<(), Rejected<OrderError>> {
        if !self.is_placed {
            return Err(OrderError::TooMany { at_most: 0 }.into());
        }
        mailer.send(&name).await.map_err(Failure::from)?;
        Ok(())
    }

    #[command]
    fn remind(&self) {}

    #[command]
    #[expect(clippy::disallowed_methods, reason = "a handler that needs tokio")]
    async fn wait(&self) -> Gifted {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Gifted
    }

    #[command]
    fn step(&self, emit: &mut Emitter<Self>) {
        if emit.state().items.len() == 1 {
            emit.event(Gifted);
        }
    }

    #[command]
    fn stumble(&self) -> Gifted {
        panic!("over a stone")
    }
}

#[derive(Debug, Default)]
pub struct Account {
    balance: i64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("there is not enough")]
pub struct NotEnough;

#[actor]
impl Account {
    #[command]
    pub fn transfer(
        &self,
        amount: i64,
        to: Other<Account>,
    ) -> Result<(Paid, Elsewhere<Paid>), NotEnough> {
        if self.balance < amount {
            return Err(NotEnough);
        }
        Ok((Paid { amount: -amount }, to.emit(Paid { amount })))
    }

    #[event]
    pub fn paid(&mut self, amount: i64) {
        self.balance += amount;
    }
}

#[derive(Debug, Default)]
pub struct Parcel;

#[actor]
impl Parcel {
    #[command]
    pub fn pack(&self, n_items: usize) -> Packed {
        Packed { n_items }
    }
    #[event]
    pub fn packed(&mut self, _n_items: usize) {}
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    order: String,
    n_items: u32,
    total: u64,
}

#[projector]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        listing(id.as_str(), 0, 0)
    }

    #[event]
    fn added(&mut self, event: &ItemAdded) {
        self.n_items += 1;
        self.total += event.price;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.order, self).await
    }
}

/// Wants a table.
#[derive(Debug, Default)]
pub struct Row;

#[projector]
impl Row {
    #[event]
    fn added(&mut self, _: &ItemAdded) {}

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        if tx.connection::<String>().is_none() {
            return Err(Failure::msg("this is no database"));
        }
        tx.delete("rows", "row-1").await
    }
}

#[derive(Default)]
struct Herald;

#[handler]
impl Herald {
    #[on]
    async fn placed(&self, event: &Placed, mailer: Res<Mailer>) -> Result<(), Failure> {
        Ok(mailer.send(&event.by).await?)
    }
}

fn added(product: &str, price: u64) -> ItemAdded {
    ItemAdded {
        product: product.into(),
        price,
    }
}

fn listing(order: &str, n_items: u32, total: u64) -> Listing {
    Listing {
        order: order.into(),
        n_items,
        total,
    }
}

fn add(product: &str, price: u64) -> AddItem {
    AddItem {
        product: product.into(),
        price,
    }
}

fn noon() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

fn placed(by: &str) -> Placed {
    Placed {
        by: by.into(),
        at: noon().as_micros(),
    }
}

#[test]
fn events_follow_from_history_and_a_command_in_any_shape() {
    given::<Order>(())
        .when(add("tea", 450))
        .then(added("tea", 450));
    given::<Order>([added("tea", 450)])
        .and(vec![added("cup", 900)])
        .when(add("pot", 9))
        .then([added("pot", 9)]);
    given::<Order>([
        OrderEvent::from(added("tea", 450)),
        added("cup", 9).into(),
        added("pot", 9).into(),
    ])
    .when(Place)
    .then((placed("nobody"), Gifted));
    given::<Order>(())
        .when((add("tea", 450), add("cup", 900)))
        .then((added("tea", 450), Some(added("cup", 900))));
}

#[test]
fn a_decision_reads_other_streams_and_has_events_there() {
    let to = StreamId::new("account-2").unwrap();
    let transfer = || Transfer {
        amount: 3,
        to: to.clone(),
    };
    let paid = |amount: i64| {
        (
            Paid { amount: -amount },
            Paid { amount }.in_stream("account-2"),
        )
    };
    given::<Account>((
        Paid { amount: 5 },
        Paid { amount: 2 }.in_stream("account-2"),
    ))
    .when(transfer())
    .then(paid(3));
    // The second is decided on what the first has left.
    given::<Account>(Paid { amount: 5 })
        .when((transfer(), transfer()))
        .then_refused(NotEnough)
        .then(paid(3));
}

#[test]
fn a_refusal_is_compared_as_a_value() {
    given::<Order>(placed("u-7"))
        .when(add("tea", 450))
        .then_refused(OrderError::AlreadyPlaced)
        .then_nothing();
    given::<Order>(placed("u-7"))
        .when(add("tea", 450))
        .then_refused_saying("the order is already placed");
    let error = failure(|| {
        let three = [added("tea", 1), added("cup", 2), added("pot", 3)];
        let then = given::<Order>(three).when(add("can", 4));
        then.then_refused(OrderError::TooMany { at_most: 4 });
    });
    assert_eq!(
        error,
        "`order.add_item` was refused with another error (- expected, + came)\n\n  \
         - TooMany { at_most: 4 }, which says: too many items\n  \
         + TooMany { at_most: 3 }, which says: too many items\n"
    );
}

#[test]
fn a_command_that_was_not_refused_tells_what_came() {
    let error = failure(|| {
        given::<Order>(())
            .when(add("tea", 450))
            .then_refused(OrderError::AlreadyPlaced);
    });
    assert_eq!(
        error,
        "`order.add_item` was not refused: there came\n\n\
         in `order-1`:\n    order.item_added { price: 450, product: \"tea\" }\n\n\
         expected was: AlreadyPlaced, which says: the order is already placed"
    );
}

#[test]
fn a_refusal_that_was_not_expected_is_told() {
    let error = failure(|| {
        given::<Order>(placed("u-7"))
            .when(add("tea", 450))
            .then(added("tea", 450));
    });
    assert_eq!(
        error,
        "`order.add_item` was refused: the order is already placed\n\n\
         expected was\nin `order-1`:\n    order.item_added { price: 450, product: \"tea\" }\n"
    );
}

#[test]
fn the_difference_is_told_field_by_field_at_the_line_of_the_test() {
    let line = line!() + 6;
    let (error, place) = failure_at(|| {
        let three = [added("tea", 1), added("cup", 2), added("pot", 3)];
        given::<Order>(three)
            .by(Principal::user("u-7"))
            .when(Place)
            .then((added("tea", 450), placed("u-8")));
    });
    assert_eq!(
        error,
        "what came of `order.place` is not what was expected (- expected, + came)\n\n\
         in `order-1`:\n  \
         - order.item_added { price: 450, product: \"tea\" }\n    \
         order.placed {\n      \
         at: 1700000000000000\n  \
         -   by: \"u-8\"\n  \
         +   by: \"u-7\"\n    \
         }\n  \
         + order.gifted\n"
    );
    assert_eq!(place, (file!().to_owned(), line));
}

#[test]
fn a_reaction_dispatches_now_later_and_to_new_streams() {
    given::<Order>([added("tea", 450)])
        .when(placed("u-7"))
        .then((
            Thank { name: "u-7".into() },
            Pack { n_items: 1 }.to_new::<Parcel>(),
            Remind.after(Duration::from_hours(48)),
        ));
    let error = failure(|| {
        given::<Order>(())
            .stream("order-7")
            .when(placed("u-7"))
            .then((
                Thank { name: "u-7".into() }.to("order-7"),
                Remind.after(Duration::from_hours(24)),
                Pack { n_items: 1 }.to("parcel-1"),
            ));
    });
    let (here, parcels) = error.split_once("in `parcel-1`:\n").unwrap();
    assert_eq!(
        here,
        "what came of `order.placed` is not what was expected (- expected, + came)\n\n\
         in `order-7`:\n    \
         order.thank { name: \"u-7\" }\n    \
         order.remind {\n  \
         -   (at): 2023-11-15T22:13:20.000000Z\n  \
         +   (at): 2023-11-16T22:13:20.000000Z\n    \
         }\n"
    );
    assert!(
        parcels.starts_with("  - parcel.pack { n_items: 1 }\nin `parcel-0"),
        "{parcels}"
    );
    assert!(
        parcels.ends_with("`:\n  + parcel.pack { n_items: 0 }\n"),
        "{parcels}"
    );
}

#[test]
fn the_principal_the_time_and_metadata_are_those_of_the_test() {
    let now = Timestamp::from_micros(7);
    let by = || Placed {
        by: "u-7".into(),
        at: 7,
    };
    given::<Order>(())
        .now(now)
        .by(Principal::user("u-7"))
        .when(Place)
        .then(by());
    let request = || Metadata::new().with("request", 12);
    given::<Order>(())
        .now(now)
        .when(
            Place
                .on_behalf_of(Principal::user("u-7"))
                .carrying(request()),
        )
        .then(
            by().carrying(request())
                .on_behalf_of(Principal::user("u-7")),
        );
    let error = failure(|| {
        given::<Order>(())
            .now(now)
            .when(Place.on_behalf_of(Principal::user("u-7")))
            .then(by().carrying(request()));
    });
    assert!(error.contains("  -   (metadata).request: 12\n"), "{error}");
}

#[test]
fn a_handler_that_waits_is_run_without_a_runtime_and_leaves_its_resource() {
    given::<Order>(placed("u-7"))
        .with(Mailer::default())
        .when(Thank { name: "u-7".into() })
        .then_nothing()
        .then_resource(|mailer: &Mailer| assert_eq!(*mailer.sent.lock().unwrap(), ["u-7"]));
    given::<Herald>(())
        .with(Mailer::default())
        .when(placed("u-8"))
        .then_nothing()
        .then_resource(|mailer: &Mailer| assert_eq!(*mailer.sent.lock().unwrap(), ["u-8"]));
}

#[tokio::test]
async fn a_handler_that_needs_the_runtime_gets_it() {
    given::<Order>(()).when_async(Wait).await.then(Gifted);
}

#[test]
fn a_failure_is_compared_as_a_value_or_by_its_text() {
    let away = || Mailer {
        is_away: true,
        ..Mailer::default()
    };
    let thank = || Thank { name: "u-7".into() };
    let case = || given::<Order>(placed("u-7"));
    case()
        .with(away())
        .when(thank())
        .then_failed(Away)
        .then_nothing();
    case()
        .with(away())
        .when(thank())
        .then_failed_saying("the mail server is away");
    case()
        .when(Stumble)
        .then_failed_saying("the handler panicked: over a stone");
    given::<Order>(())
        .with(away())
        .when(thank())
        .then_refused(OrderError::TooMany { at_most: 0 });
    let error = failure(|| {
        case().with(away()).when(thank()).then_nothing();
    });
    assert_eq!(
        error,
        "`order.thank` failed: the mail server is away\n\nnothing was expected\n"
    );
    let error = failure(|| {
        case()
            .with(Mailer::default())
            .when(thank())
            .then_failed(Away);
    });
    assert_eq!(
        error,
        "`order.thank` did not fail: nothing came of it\n\nexpected was: Away, which says: the mail server is away"
    );
    let error = failure(|| {
        case()
            .with(away())
            .when(thank())
            .then_failed(OrderError::AlreadyPlaced);
    });
    assert_eq!(
        error,
        "`order.thank` failed with another error (- expected, + came)\n\n  \
         - AlreadyPlaced, which says: the order is already placed\n  \
         + Away, which says: the mail server is away\n"
    );
}

#[test]
fn a_missing_resource_says_how_to_give_it() {
    let error = failure(|| {
        given::<Order>(placed("u-7"))
            .when(Thank { name: "u-7".into() })
            .then_nothing();
    });
    assert_eq!(
        error,
        "`order.thank` failed: no resource `given::Mailer` is registered\n\n\
         help: `.with(..)` gives it `given::Mailer`\n\n\
         nothing was expected\n"
    );
}

#[test]
fn a_state_stands_for_the_history_of_commands_reactions_and_emitters() {
    let one = || Order {
        items: vec!["tea".into()],
        is_placed: false,
    };
    given_state(Order {
        is_placed: true,
        ..one()
    })
    .when(add("cup", 9))
    .then_refused(OrderError::AlreadyPlaced);
    given_state(one()).when(Step).then(Gifted);
    given_state(one())
        .and(added("cup", 9))
        .when(Step)
        .then_nothing();
    given_state(one()).when(placed("u-7")).then((
        Thank { name: "u-7".into() },
        Pack { n_items: 1 }.to_new::<Parcel>(),
        Remind.after(Duration::from_hours(48)),
    ));
}

#[test]
fn a_projector_saves_what_the_test_looks_at() {
    given::<Listing>([added("tea", 450), added("cup", 50)])
        .stream("order-7")
        .projected()
        .then_document("listings", "order-7", &listing("order-7", 2, 500))
        .then_no_document("listings", "order-8")
        .then_documents("listings", |all: &[(String, Listing)]| {
            assert_eq!(all[0].1.total, 500);
        });
    given::<Listing>(added("tea", 450))
        .when(added("cup", 50))
        .then_document("listings", "listing-1", &listing("listing-1", 2, 500));
    let error = failure(|| {
        given::<Listing>([added("tea", 450)])
            .projected()
            .then_document("listings", "listing-1", &listing("listing-1", 1, 405));
    });
    assert_eq!(
        error,
        "the document `listing-1` of `listings` is not what was expected (- expected, + came)\n\n      \
         n_items: 1\n      order: \"listing-1\"\n  -   total: 405\n  +   total: 450\n"
    );
    let error = failure(|| {
        given::<Listing>([added("tea", 450)])
            .projected()
            .then_document("listings", "order-1", &Listing::default());
    });
    assert_eq!(
        error,
        "there is no document `order-1` of `listings`: `listings` holds `listing-1`"
    );
}

/// Loads its state where it was saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Turnover {
    cents: u64,
    n_others: u32,
}

#[projector(stored)]
impl Turnover {
    #[state]
    async fn load(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
        tx.get("turnover", id).await
    }

    #[event]
    fn item_added(&mut self, event: &ItemAdded) {
        self.cents += event.price;
    }

    #[event(Placed, Gifted)]
    fn others(&mut self) {
        self.n_others += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("turnover", id, self).await
    }
}

#[test]
fn a_projector_that_loads_goes_on_from_what_is_given() {
    let both = Turnover {
        cents: 500,
        n_others: 2,
    };
    given::<Turnover>((added("tea", 450), placed("u-7"), Gifted))
        .when(added("cup", 50))
        .then_document("turnover", "turnover-1", &both);
    let before = Turnover { cents: 450, ..both };
    given_state(before)
        .when(added("cup", 50))
        .then_document("turnover", "turnover-1", &both);
}

#[test]
fn a_projector_that_wants_a_database_says_where_it_gets_one() {
    let error = failure(|| {
        given::<Row>([added("tea", 450)])
            .projected()
            .then_no_document("rows", "row-1");
    });
    assert_eq!(
        error,
        "a sync action failed: this is no database\n\n\
         help: the test keeps documents in memory; SQL is for `scenario!`, which runs on any backend"
    );
}

#[test]
fn the_raw_actions_are_there_to_be_looked_at() {
    given::<Order>(())
        .when(placed("u-7"))
        .then_actions(|handled| {
            assert_eq!(handled.appends.len(), 2);
            assert_eq!(
                handled.schedules[0].at,
                noon().saturating_add(Duration::from_hours(48))
            );
            assert!(handled.failure.is_none());
        });
}

#[test]
fn a_test_that_makes_no_sense_is_told_so() {
    let error = failure(|| {
        _ = given::<Order>(()).when(Pack { n_items: 1 });
    });
    assert!(
        error.starts_with(
            "`Order` does not handle `parcel.pack`\n\nhelp: it handles `order.add_item`, "
        ),
        "{error}"
    );
    let error = failure(|| {
        _ = given::<Order>(Packed { n_items: 1 }).when(Place);
    });
    assert_eq!(
        error,
        "`Order` has no `#[event]` method for `parcel.packed`, so it makes no difference to be given it\n\n\
         help: add the method, or say `.in_stream(..)` if it happened in another stream"
    );
    let error = failure(|| {
        _ = given::<Order>(()).when(());
    });
    assert_eq!(
        error,
        "nothing comes for `Order` to handle\n\nhelp: give it a command or an event"
    );
    let error = failure(|| {
        _ = given::<Order>(()).when(Place.after(Duration::from_secs(1)));
    });
    assert!(
        error.starts_with("`order.place` comes now, and says that it comes later"),
        "{error}"
    );
    let error = failure(|| {
        _ = given::<Order>(()).when((Place.to("order-1"), Place.to("order-2")));
    });
    assert!(
        error.starts_with("the test is of `order-1`, and has a message for `order-2`"),
        "{error}"
    );
    let error = failure(|| {
        _ = given::<Order>(added("tea", 1).in_stream("order-7")).when(Place);
    });
    assert_eq!(
        error,
        "all of the history is in other streams than `order-1`, which the test is of\n\n\
         help: name the stream of the test with `.stream(\"…\")`"
    );
    let error = failure(|| {
        _ = given::<Order>(()).stream("");
    });
    assert_eq!(error, "a stream id cannot be empty");
    let error = failure(|| {
        given::<Order>(())
            .when(Place)
            .then_resource(|_: &Mailer| {});
    });
    assert_eq!(
        error,
        "no resource `given::Mailer` is registered\n\nhelp: `.with(..)` before `.when(..)` gives one"
    );
}

/// Whose name is in a stream that follows from it.
#[derive(Debug, Default)]
pub struct Member;

#[derive(Debug, Default)]
pub struct Name {
    is_claimed: bool,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the name is taken")]
pub struct Taken;

#[actor]
impl Member {
    #[command]
    fn join(
        &self,
        name: String,
        #[stream(format!("name-{name}"))] claimed: Other<Name>,
    ) -> Result<(Joined, Elsewhere<Claimed>), Taken> {
        if claimed.is_claimed {
            return Err(Taken);
        }
        Ok((Joined { name }, claimed.emit(Claimed)))
    }
    #[event]
    fn joined(&mut self, _name: String) {}
}

#[actor]
impl Name {
    #[event]
    fn claimed(&mut self) {
        self.is_claimed = true;
    }
}

#[test]
fn all_that_is_given_may_be_in_other_streams() {
    let join = || Join { name: "ann".into() };
    given::<Member>(Claimed.in_stream("name-ann"))
        .when(join())
        .then_refused(Taken);
    given::<Member>(Claimed.in_stream("name-bob"))
        .when(join())
        .then((Joined { name: "ann".into() }, Claimed.in_stream("name-ann")));
}

/// Its event says less when it is stored.
#[derive(Debug, Default)]
struct Forgetful;

#[actor]
impl Forgetful {
    #[command]
    fn tip(&self, coins: u8, #[serde(skip)] _by: String) -> Tipped {
        Tipped { coins, twice: 5 }
    }
    #[event]
    fn tipped(&mut self, _coins: u8, #[serde(skip)] _twice: u8) {}
}

#[test]
fn what_is_stored_of_a_message_is_what_is_told_of_it() {
    let tip = |by: &str| Tip {
        coins: 1,
        by: by.into(),
    };
    given::<Forgetful>(())
        .when(tip(""))
        .then(Tipped { coins: 1, twice: 0 });
    let says = "is read back as another one than it is";
    for error in [
        failure(|| {
            let then = given::<Forgetful>(()).when(tip(""));
            then.then(Tipped { coins: 1, twice: 5 });
        }),
        failure(|| {
            let then = given::<Forgetful>(()).when(tip(""));
            then.then(ForgetfulEvent::from(Tipped { coins: 1, twice: 5 }));
        }),
        failure(|| _ = given::<Forgetful>(()).when(tip("me"))),
        failure(|| _ = given::<Forgetful>(()).when(tip("me").to("forgetful-1"))),
        failure(|| _ = given::<Forgetful>(Tipped { coins: 1, twice: 5 }).when(tip(""))),
    ] {
        assert!(error.contains(says), "{error}");
    }
}
