//! Refunds, by way of a payment provider that does what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use sourced::prelude::*;
use sourced_testing::simulate;
use sourced_testing::simulation::{Outside, Simulation, World};

/// Somebody else's server: how often it has paid which order back.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    paid: Mutex<BTreeMap<String, u32>>,
    keys: Mutex<BTreeSet<String>>,
}

impl Provider {
    fn refund(&self, order: &str, key: Option<String>) {
        let is_known = key.is_some_and(|key| !self.keys.lock().unwrap().insert(key));
        if !is_known {
            *self
                .paid
                .lock()
                .unwrap()
                .entry(order.to_owned())
                .or_default() += 1;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Care {
    None,
    /// The provider is told which refund it is.
    Key,
}

struct Payments {
    provider: Outside<Provider>,
    care: Care,
}

#[derive(Debug, Default)]
pub(crate) struct Order {
    is_refund_requested: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("it was requested before")]
pub(crate) struct AlreadyRequested;

#[actor]
impl Order {
    #[command]
    pub(crate) fn request_refund(&self) -> Result<RefundRequested, AlreadyRequested> {
        if self.is_refund_requested {
            return Err(AlreadyRequested);
        }
        Ok(RefundRequested)
    }

    #[event]
    pub(crate) fn refund_requested(&mut self) {
        self.is_refund_requested = true;
    }
}

#[derive(Debug, Default)]
struct Refunds;

#[handler]
impl Refunds {
    #[on]
    async fn requested(
        &self,
        event: &Message<RefundRequested>,
        payments: Res<Payments>,
    ) -> Result<(), Failure> {
        let order = event.stream_id.to_string();
        let key = (payments.care == Care::Key).then(|| event.id.to_string());
        let what = format!("refund {order}");
        let call = payments.provider.call(what, |it| it.refund(&order, key));
        Ok(call.await?)
    }
}

pub(crate) fn simulated(care: Care) -> Simulation {
    simulate(move |process| {
        let provider = process.outside::<Provider>();
        App::builder()
            .register::<Order>()
            .register::<Refunds>()
            .resource(Payments { provider, care })
    })
    .workload(async |client| {
        let order = format!("order-{}", client.dice().below(5));
        client.dispatch(|| RequestRefund.to(&order)).await?;
        Ok(())
    })
    .always("nobody gets money back twice", |world: &World| {
        for (order, times) in &*world.outside::<Provider>().paid.lock().unwrap() {
            assert!(*times == 1, "{order} was refunded {times} times");
        }
    })
    .finally("everybody gets their money back", |world: &World| {
        let requested: BTreeSet<String> = world
            .messages::<RefundRequested>()
            .into_iter()
            .map(|event| event.stream_id.to_string())
            .collect();
        let provider = world.outside::<Provider>();
        let paid = provider.paid.lock().unwrap().keys().cloned().collect();
        assert_eq!(requested, paid);
    })
}

/// Asks for feedback when the money is back.
#[derive(Debug, Default)]
struct Reminder {
    after: Duration,
}

#[derive(Debug, Default)]
struct Survey;

#[actor]
impl Survey {
    #[command]
    fn ask(&self) -> Asked {
        Asked
    }

    #[event]
    fn asked(&mut self) {}
}

#[derive(Debug, Default)]
struct Surveyor;

#[projector]
impl Surveyor {
    #[event]
    fn refund_requested(&mut self, _: &RefundRequested) {}

    #[reaction]
    fn ask_later(&self, event: &Message<RefundRequested>, it: Res<Reminder>) -> Outgoing<Ask> {
        let survey = event.stream_id.as_str().replace("order", "survey");
        Ask.to(survey).after(it.after)
    }
}

pub(crate) fn reminding(after: Duration) -> Simulation {
    simulate(move |_| {
        App::builder()
            .register::<Order>()
            .register::<Survey>()
            .register::<Surveyor>()
            .resource(Reminder { after })
    })
    .workload(async |client| {
        let order = format!("order-{}", client.dice().below(5));
        client.dispatch(|| RequestRefund.to(&order)).await?;
        Ok(())
    })
    .finally("everybody is asked", |world: &World| {
        let n_requested = world.events::<RefundRequested>().len();
        assert_eq!(world.events::<Asked>().len(), n_requested);
    })
}
