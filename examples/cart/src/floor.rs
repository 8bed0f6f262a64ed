//! The floor: the same job by hand, without the framework, to see what the framework costs.
//!
//! The least SQL a careful engineer would write, in one loop in one process: load the cart's messages, decide, insert
//! command and event, or command and refusal, upsert the listing. The follow-up of an order is stored in the same
//! transaction. Durability is that of the backends: a commit waits for the disk. How many commands share a commit is
//! the caller's choice; the backends' group commit is more than one, so both ends are worth measuring.
//!
//! What it leaves out: workers, other processes, leases and fencing, recognising a command that is stored already,
//! causes and conversations, the trail, consumer groups, projections that can be rebuilt, retries.

use serde::{Deserialize, Serialize};
use sourced::{Event, MessageType, StreamId};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

use crate::cart::{
    AddItem, Cart, CartError, ItemAdded, ItemRemoved, PaymentRequested, Placed, RemoveItem,
    RequestPayment,
};
use crate::listings::CartListings;

/// A line of input, unchecked.
#[derive(Debug, Deserialize)]
pub struct Line {
    id: Uuid,
    cart: String,
    #[serde(flatten)]
    command: Command,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
enum Command {
    AddItem(AddItem),
    RemoveItem(RemoveItem),
    Place,
}

// Each works on both databases as it is.
const TABLES: [&str; 3] = [
    "CREATE TABLE floor_messages (stream TEXT NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL UNIQUE,
     type TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (stream, seq))",
    "CREATE TABLE floor_refusals (id TEXT PRIMARY KEY, reason TEXT NOT NULL)",
    "CREATE TABLE floor_listings (cart TEXT PRIMARY KEY, listing TEXT NOT NULL)",
];
const LOAD: &str = "SELECT seq, type, payload FROM floor_messages WHERE stream = $1 ORDER BY seq";
const INSERT: &str =
    "INSERT INTO floor_messages (stream, seq, id, type, payload) VALUES ($1, $2, $3, $4, $5)";
const REFUSE: &str = "INSERT INTO floor_refusals (id, reason) VALUES ($1, $2)";
const LIST: &str = "INSERT INTO floor_listings (cart, listing) VALUES ($1, $2)
     ON CONFLICT (cart) DO UPDATE SET listing = excluded.listing";
const LISTINGS: &str = "SELECT listing FROM floor_listings";

macro_rules! floor {
    ($name:ident, $connection:ty, $begin:literal) => {
        /// Does the job on an empty database, so many commands in one transaction. Returns the listings.
        ///
        /// # Errors
        /// When the database does not answer.
        pub async fn $name(
            connection: &mut $connection,
            lines: &[Line],
            at_once: usize,
        ) -> anyhow::Result<Vec<CartListings>> {
            for table in TABLES {
                sqlx::query(table).execute(&mut *connection).await?;
            }
            for lines in lines.chunks(at_once) {
                let mut tx = connection.begin_with($begin).await?;
                for line in lines {
                    let mut shop = Shop::new(&line.cart)?;
                    for row in sqlx::query(LOAD)
                        .bind(&line.cart)
                        .fetch_all(&mut *tx)
                        .await?
                    {
                        shop.evolve(row.get(0), row.get(1), row.get(2))?;
                    }
                    let first_new = shop.last_seq + 1;
                    let decided = shop.handle(line)?;
                    for (seq, message) in (first_new..).zip(&shop.stored) {
                        let insert = sqlx::query(INSERT).bind(&line.cart).bind(seq);
                        let insert = insert.bind(message.id.to_string()).bind(message.type_name);
                        insert.bind(&message.payload).execute(&mut *tx).await?;
                    }
                    match decided {
                        Ok(()) => {
                            let listing = serde_json::to_string(&shop.listing)?;
                            let list = sqlx::query(LIST).bind(&line.cart).bind(listing);
                            list.execute(&mut *tx).await?;
                        }
                        Err(refusal) => {
                            let refuse = sqlx::query(REFUSE).bind(line.id.to_string());
                            refuse.bind(refusal.to_string()).execute(&mut *tx).await?;
                        }
                    }
                }
                tx.commit().await?;
            }
            let rows = sqlx::query(LISTINGS).fetch_all(&mut *connection).await?;
            let listings = rows
                .iter()
                .map(|row| serde_json::from_str(row.get::<&str, _>(0)));
            let mut listings: Vec<CartListings> = listings.collect::<Result<_, _>>()?;
            listings.sort_by(|a, b| a.cart.cmp(&b.cart));
            Ok(listings)
        }
    };
}
floor!(on_sqlite, sqlx::SqliteConnection, "BEGIN IMMEDIATE");
floor!(on_postgres, sqlx::PgConnection, "BEGIN");

/// One cart while one command is handled.
struct Shop {
    cart: Cart,
    listing: CartListings,
    last_seq: i64,
    stored: Vec<Stored>,
}

struct Stored {
    id: Uuid,
    type_name: &'static str,
    payload: String,
}

impl Shop {
    fn new(cart: &str) -> anyhow::Result<Self> {
        Ok(Self {
            cart: Cart::default(),
            listing: CartListings::new(&StreamId::new(cart)?),
            last_seq: 0,
            stored: Vec::new(),
        })
    }

    fn evolve(&mut self, seq: i64, type_name: &str, payload: &str) -> serde_json::Result<()> {
        self.last_seq = seq;
        match type_name {
            ItemAdded::NAME => self.added(&serde_json::from_str(payload)?),
            ItemRemoved::NAME => self.removed(&serde_json::from_str(payload)?),
            Placed::NAME => self.placed(&serde_json::from_str(payload)?),
            PaymentRequested::NAME => self.billed(&serde_json::from_str(payload)?),
            _ => {}
        }
        Ok(())
    }

    fn handle(&mut self, line: &Line) -> serde_json::Result<Result<(), CartError>> {
        Ok(match &line.command {
            Command::AddItem(add) => {
                self.store(line.id, AddItem::NAME, add)?;
                let AddItem {
                    product_id,
                    name,
                    price,
                    quantity,
                } = add;
                let decided =
                    self.cart
                        .add_item(product_id.clone(), name.clone(), *price, *quantity);
                self.apply(decided, Self::added)?
            }
            Command::RemoveItem(remove) => {
                self.store(line.id, RemoveItem::NAME, remove)?;
                let decided = self.cart.remove_item(remove.product_id.clone());
                self.apply(decided, Self::removed)?
            }
            Command::Place => {
                self.store(line.id, "cart.place", &())?;
                let decided = self.cart.place();
                let placed = decided.clone();
                let applied = self.apply(decided, Self::placed)?;
                if let Ok(placed) = placed {
                    let follow_up = self.cart.bill(&placed);
                    self.store(
                        Uuid::from_u128(!line.id.as_u128()),
                        RequestPayment::NAME,
                        &follow_up,
                    )?;
                    let requested = self.cart.request_payment(follow_up.amount);
                    self.apply(Ok(requested), Self::billed)?.ok();
                }
                applied
            }
        })
    }

    fn apply<E: Event>(
        &mut self,
        decided: Result<E, CartError>,
        evolve: fn(&mut Self, &E),
    ) -> serde_json::Result<Result<(), CartError>> {
        match decided {
            Ok(event) => {
                evolve(self, &event);
                // Any unique id will do here.
                let cause = self.stored.last().map_or(0, |cause| cause.id.as_u128());
                self.store(Uuid::from_u128(cause ^ 1 << 70), E::NAME, &event)?;
                Ok(Ok(()))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn store(
        &mut self,
        id: Uuid,
        type_name: &'static str,
        payload: &impl Serialize,
    ) -> serde_json::Result<()> {
        let payload = serde_json::to_string(payload)?;
        self.stored.push(Stored {
            id,
            type_name,
            payload,
        });
        Ok(())
    }

    fn added(&mut self, event: &ItemAdded) {
        self.cart.item_added(event);
        self.listing.added(event);
    }

    fn removed(&mut self, event: &ItemRemoved) {
        self.cart.item_removed(event.product_id.clone());
        self.listing.removed(event);
    }

    fn placed(&mut self, event: &Placed) {
        self.cart.placed(event.total);
        self.listing.placed(event);
    }

    fn billed(&mut self, event: &PaymentRequested) {
        self.cart.payment_requested(event.amount);
        self.listing.billed(event);
    }
}
