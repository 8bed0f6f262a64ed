//! The shop under the simulator: what its customers do, and what has to hold.

use std::collections::BTreeMap;

use sourced::prelude::*;
use sourced_testing::simulate;
use sourced_testing::simulation::{Client, Simulation, World};

use crate::decided_on_a_read_model::{self, Opened};
use crate::forgotten_event;
use crate::lost_schedule;
use crate::order_between_streams::{self, Entry, Overviews};
use crate::outside::{Bank, Post};
use crate::shop::{Cancel, Charged, Mistake, Order, Placed, Planted, Reminded, app};

pub(crate) fn simulated(planted: Option<Mistake>) -> Simulation {
    let planted = Planted(planted);
    let simulation = simulate(move |process| app(process, planted))
        .workload(move |client| step(client, planted))
        .always("a name belongs to one account", names_are_unique)
        .always("nobody pays twice", |world| once(world, "charge"))
        .always("nobody gets money back twice", |world| {
            once(world, "refund");
        })
        .finally("who cancels gets the money back", money_comes_back)
        .finally("who orders gets a mail", mails_are_sent)
        .finally("who orders is reminded", reminders_come)
        .finally("the turnover is that of the orders", turnover_is_right)
        .finally("nothing is parked", |world| assert_eq!(world.parked(), []));
    let name = "the overview says what is so";
    match planted.0 {
        Some(Mistake::OrderBetweenStreams) => simulation.finally(
            name,
            overview_is_right::<order_between_streams::wrong::Overview>,
        ),
        Some(Mistake::ForgottenEvent) => {
            simulation.finally(name, overview_is_right::<forgotten_event::wrong::Overview>)
        }
        _ => simulation.finally(
            name,
            overview_is_right::<order_between_streams::right::Overview>,
        ),
    }
}

async fn step(client: Client, planted: Planted) -> Result<(), Failure> {
    let dice = client.dice();
    let order = format!("order-{}", dice.below(4));
    match dice.below(10) {
        0..5 => {
            let cents = dice.between(100..1_000);
            if planted.is(Mistake::LostSchedule) {
                lost_schedule::wrong::place(&client, &order, cents).await
            } else {
                lost_schedule::right::place(&client, &order, cents).await
            }
        }
        5..8 => {
            client.dispatch(|| Cancel.to(&order)).await?;
            Ok(())
        }
        _ => {
            let account = format!("account-{}{}", client.number(), client.step());
            let name = *dice.pick(&["ann", "bob"]);
            if planted.is(Mistake::DecidedOnAReadModel) {
                decided_on_a_read_model::wrong(&client, &account, name).await
            } else {
                decided_on_a_read_model::right(&client, &account, name).await
            }
        }
    }
}

fn names_are_unique(world: &World) {
    let mut owners = BTreeMap::new();
    for Message {
        stream_id, payload, ..
    } in world.messages::<Opened>()
    {
        let Opened { name } = payload;
        if let Some(first) = owners.insert(name.clone(), stream_id.clone()) {
            panic!("{first} and {stream_id} are both called {name}");
        }
    }
}

fn once(world: &World, what: &str) {
    let mut keys = BTreeMap::<_, Vec<_>>::new();
    for paid in world.outside::<Bank>().paid() {
        let key = paid.key.unwrap_or_else(|| "none".to_owned());
        keys.entry(paid.what).or_default().push(key);
    }
    keys.retain(|paid, _| paid.starts_with(what));
    for (paid, keys) in keys {
        let n_times = keys.len();
        assert!(
            n_times == 1,
            "{paid}: {n_times} times, by the keys {keys:?}"
        );
    }
}

fn money_comes_back(world: &World) {
    let paid = world.outside::<Bank>().paid();
    for order in orders(world) {
        let is_done = |what: &str| {
            paid.iter()
                .any(|done| done.what == format!("{what} {order}"))
        };
        let (is_charged, is_refunded) = (is_done("charge"), is_done("refund"));
        let is_cancelled = world.state::<Order>(&*order).is_cancelled;
        assert!(is_charged, "{order} was never charged");
        match (is_cancelled, is_refunded) {
            (true, false) => panic!("{order} is cancelled, and its money did not come back"),
            (false, true) => panic!("{order} is not cancelled, and its money came back"),
            _ => {}
        }
    }
}

fn mails_are_sent(world: &World) {
    let sent = world.outside::<Post>().sent();
    for order in orders(world) {
        let mail = format!("mail about {order}");
        let times = sent.iter().filter(|sent| sent.what == mail).count();
        assert!(times == 1, "{times} mails about {order}");
    }
}

fn reminders_come(world: &World) {
    let reminded = world.messages::<Reminded>();
    for order in orders(world) {
        let of_it = reminded.iter().filter(|it| it.stream_id.as_str() == order);
        let expected = usize::from(!world.state::<Order>(&*order).is_cancelled);
        let times = of_it.count();
        assert!(
            times == expected,
            "{times} reminders of {order}, and not {expected}"
        );
    }
}

fn turnover_is_right(world: &World) {
    let turnover: Option<u64> = world.document("turnover", "all");
    let placed = world.events::<Placed>().into_iter();
    let all: u64 = placed.map(|placed| placed.cents).sum();
    assert_eq!(turnover.unwrap_or(0), all, "turnover, and what was ordered");
}

fn overview_is_right<O: Overviews>(world: &World) {
    let charged = world.events::<Charged>();
    for placed in world.messages::<Placed>() {
        let order = placed.stream_id.to_string();
        let is = Entry {
            cents: placed.payload.cents,
            is_charged: charged.iter().any(|charged| charged.order == order),
            is_cancelled: world.state::<Order>(&*order).is_cancelled,
            order,
        };
        let rows = world.rows::<O>().into_iter().map(Into::<Entry>::into);
        let says = rows
            .filter(|entry| entry.order == is.order)
            .collect::<Vec<_>>();
        assert_eq!(says, [is], "what the overview says, and what is");
    }
}

fn orders(world: &World) -> Vec<String> {
    let placed = world.messages::<Placed>().into_iter();
    placed.map(|placed| placed.stream_id.to_string()).collect()
}
