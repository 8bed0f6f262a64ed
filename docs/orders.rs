//! Orders, their payment, and who is told of them: what `testing.md` tests.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

/// What somebody wants to have.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The products that are in it.
    pub products: Vec<u32>,
    /// Whether it is on its way.
    pub is_placed: bool,
}

/// Why an order says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Nothing can be changed any more.
    #[error("the order is already placed")]
    AlreadyPlaced,
}

#[actor]
impl Order {
    /// Begins an order.
    #[command]
    pub fn start(&self, name: String) -> Started {
        Started { name }
    }

    /// Somebody began to order.
    #[event]
    pub fn started(&mut self, _name: String) {}

    /// Adds a product, unless it is in the order already.
    ///
    /// # Errors
    /// [`OrderError::AlreadyPlaced`].
    #[command]
    pub fn add_product(
        &self,
        product_id: u32,
        price: u64,
        units: u64,
    ) -> Result<Option<ProductAdded>, OrderError> {
        if self.is_placed {
            return Err(OrderError::AlreadyPlaced);
        }
        let is_new = !self.products.contains(&product_id);
        Ok(is_new.then_some(ProductAdded {
            product_id,
            price,
            units,
        }))
    }

    /// A product is in the order.
    #[event]
    pub fn product_added(&mut self, product_id: u32, _price: u64, _units: u64) {
        self.products.push(product_id);
    }

    /// The order is on its way.
    #[event]
    pub fn placed(&mut self) {
        self.is_placed = true;
    }

    /// Who pays late is reminded.
    #[reaction]
    fn await_payment(&self, _: &Placed) -> Outgoing<Remind> {
        Remind.after(Duration::from_hours(20 * 24))
    }

    /// Reminds the customer.
    #[command]
    pub fn remind(&self) -> Reminded {
        Reminded
    }

    /// The customer was reminded.
    #[event]
    pub fn reminded(&mut self) {}

    /// Lets the customer pay.
    #[command]
    pub fn start_payment(&self) -> PaymentStarted {
        PaymentStarted
    }

    /// The customer is about to pay.
    #[event]
    pub fn payment_started(&mut self) {}

    #[reaction]
    fn pay(&self, _: &PaymentStarted, id: &StreamId) -> Outgoing<Process> {
        Process.to(format!("{id}-payment"))
    }
}

/// A payment, in a stream of its own.
#[derive(Debug, Default)]
pub struct Payment;

#[actor]
impl Payment {
    /// Takes the money.
    #[command]
    pub fn process(&self) -> Processed {
        Processed
    }

    /// The money is there.
    #[event]
    pub fn processed(&mut self) {}
}

/// Keeps account of payments, all in one stream.
#[derive(Debug, Default)]
pub struct Telemetry;

#[actor]
impl Telemetry {
    /// Notes that something happened in a stream.
    #[command]
    pub fn log(&self, source_stream: String) -> Logged {
        Logged { source_stream }
    }

    /// It is noted.
    #[event]
    pub fn logged(&mut self, _source_stream: String) {}

    #[reaction(PaymentStarted, Processed)]
    fn watch(&self, id: &StreamId) -> Outgoing<Log> {
        let source_stream = id.to_string();
        Log { source_stream }.to("telemetry")
    }
}

/// What an order costs, once it is placed.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlacedOrder {
    /// The order.
    pub order: String,
    /// What it costs.
    pub total: u64,
    /// Whether it is placed.
    pub is_placed: bool,
}

#[projector]
impl PlacedOrder {
    #[state]
    fn new(id: &StreamId) -> Self {
        let order = id.to_string();
        Self {
            order,
            ..Self::default()
        }
    }

    #[event]
    fn product_added(&mut self, event: &ProductAdded) {
        self.total += event.price * event.units;
    }

    #[event]
    fn placed(&mut self, _: &Placed) {
        self.is_placed = true;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        if self.is_placed {
            tx.put("placed_orders", &self.order, self).await?;
        }
        Ok(())
    }
}

/// Calls somebody else's server.
#[derive(Debug, Default)]
pub struct Webhook;

/// Stands for that server.
#[derive(Debug, Default)]
pub struct Server {
    /// Whether it does not answer.
    pub is_away: bool,
    /// Whom it was told of.
    pub requests: Mutex<Vec<String>>,
}

/// Nobody knows whether it did it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server does not answer")]
pub struct NoAnswer;

impl Server {
    /// Tells it, and gives what it calls the request.
    ///
    /// # Errors
    /// [`NoAnswer`].
    #[expect(clippy::unused_async, reason = "a real one waits for the network")]
    pub async fn tell(&self, name: &str) -> Result<String, NoAnswer> {
        if self.is_away {
            return Err(NoAnswer);
        }
        let requests = self.requests.lock();
        let mut requests = requests.unwrap_or_else(std::sync::PoisonError::into_inner);
        requests.push(name.to_owned());
        Ok(format!("webhook-{}", requests.len()))
    }
}

#[actor]
impl Webhook {
    /// Tells the server. When it is away, it is told again later.
    ///
    /// # Errors
    /// [`NoAnswer`], as a failure.
    #[command]
    pub async fn dispatch(&self, name: String, server: Res<Server>) -> Result<Dispatched, Failure> {
        let reference = server.tell(&name).await?;
        Ok(Dispatched { reference })
    }

    /// The server knows.
    #[event]
    pub fn dispatched(&mut self, _reference: String) {}
}
