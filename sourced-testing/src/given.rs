//! Given, when: one reactor and what it is told.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sourced::actor::{IntoSketches, Sketch};
use sourced::env::Clock as _;
use sourced::reactor::{Origin, Reactor, Register, Resources};
use sourced::{IntoStreamId, Principal, StreamId, Timestamp};

use crate::ManualClock;
use crate::case::Case;
use crate::messages::sketches;
use crate::then::Then;

/// Tests one reactor (an actor, a projector, a handler) that has this history: [`when`](Given::when) something comes,
/// [`then`](Then::then) something follows.
///
/// It runs the reactor as a worker does, without a worker, a runtime or a database: history is folded, the message is
/// handled, and what came of it is compared instead of stored.
///
/// The history is that of one stream, which is called after the reactor (`cart-1`) unless the test names it. Messages
/// are written in any shape: `()` for nothing, one, an array or a `Vec` of one type, a tuple of several.
///
/// ```
/// use sourced::prelude::*;
/// use sourced_testing::given;
///
/// #[derive(Debug, Default)]
/// struct Cart {
///     is_placed: bool,
/// }
///
/// #[derive(Debug, PartialEq, thiserror::Error)]
/// #[error("the order is already placed")]
/// struct AlreadyPlaced;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     fn add_item(&self, product: String) -> Result<ItemAdded, AlreadyPlaced> {
///         if self.is_placed { Err(AlreadyPlaced) } else { Ok(ItemAdded { product }) }
///     }
///
///     #[event]
///     fn item_added(&mut self, _product: String) {}
///
///     #[event]
///     fn placed(&mut self) {
///         self.is_placed = true;
///     }
///
///     #[reaction]
///     fn thank(&self, _: &Placed) -> SendThanks {
///         SendThanks
///     }
///
///     #[command]
///     fn send_thanks(&self) {}
/// }
///
/// let tea = || "tea".to_owned();
/// given::<Cart>(()).when(AddItem { product: tea() }).then([ItemAdded { product: tea() }]);
/// given::<Cart>((ItemAdded { product: tea() }, Placed))
///     .when(AddItem { product: tea() })
///     .then_refused(AlreadyPlaced);
/// given::<Cart>(ItemAdded { product: tea() }).when(Placed).then(SendThanks);
/// ```
///
/// # Panics
/// When a message cannot be written down.
#[track_caller]
pub fn given<R: Register>(history: impl IntoSketches) -> Given<R> {
    Given {
        reactor: R::reactor(),
        history: sketches(history),
        origin: None,
        stream: None,
        resources: Resources::default(),
        principal: None,
        now: ManualClock::new().now(),
        of: PhantomData,
    }
}

/// As [`given`], with a state instead of the events that lead to it.
///
/// ```
/// use sourced::prelude::*;
/// use sourced_testing::given_state;
/// # #[derive(Debug, Default, Clone)] struct Account { balance: i64 }
/// # #[actor] impl Account {
/// #     #[command] fn close(&self) -> Closed { Closed { paid_out: self.balance } }
/// #     #[event] fn deposited(&mut self, amount: i64) { self.balance += amount; }
/// #     #[event] fn closed(&mut self, _paid_out: i64) {}
/// # }
///
/// given_state(Account { balance: 20 })
///     .and(Deposited { amount: 5 })
///     .when(Close)
///     .then(Closed { paid_out: 25 });
/// ```
pub fn given_state<R: Register + Clone + Send + Sync + 'static>(state: R) -> Given<R> {
    Given {
        origin: Some(Origin::of(state)),
        ..given(())
    }
}

/// A reactor and what it starts from. Made by [`given`] and [`given_state`].
#[must_use = "nothing is tested before `.when(..)`"]
pub struct Given<R> {
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) history: Vec<Sketch>,
    pub(crate) origin: Option<Origin>,
    pub(crate) stream: Option<StreamId>,
    pub(crate) resources: Resources,
    pub(crate) principal: Option<Principal>,
    pub(crate) now: Timestamp,
    of: PhantomData<fn() -> R>,
}

impl<R> Given<R> {
    /// More of the history.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn and(mut self, history: impl IntoSketches) -> Self {
        self.history.extend(sketches(history));
        self
    }

    /// Names the stream.
    ///
    /// # Panics
    /// When no stream can have that name.
    #[track_caller]
    pub fn stream(mut self, stream: impl IntoStreamId) -> Self {
        match stream.into_stream_id() {
            Ok(stream) => self.stream = Some(stream),
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// Adds what handlers may ask for as [`Res<T>`](sourced::Res). [`Then::then_resource`] looks at it afterwards.
    pub fn with<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        self.resources.insert(resource);
        self
    }

    /// On whose behalf the message comes, where it does not say so itself: what a handler gets as a
    /// [`Principal`].
    pub fn by(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// What time it is, for handlers that ask for [`Now`](sourced::Now) and for what they schedule. Some moment of the
    /// year 2023 when nothing is said.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Lets the reactor handle a command or an event, or several in one batch.
    ///
    /// An asynchronous handler is waited for without a runtime. One that needs tokio is for
    /// [`when_async`](Self::when_async).
    ///
    /// # Panics
    /// When the message is none that the reactor handles, the history has events that it does not know, or the handler
    /// waits for something that does not come.
    #[track_caller]
    #[must_use = "nothing is asserted before `.then(..)`"]
    pub fn when(self, messages: impl IntoSketches) -> Then<R> {
        Case::of(self, sketches(messages)).run_here()
    }

    /// As [`when`](Self::when), for handlers that need the runtime of an asynchronous test:
    /// `given::<Cart>(..).when_async(..).await.then(..)`.
    ///
    /// # Panics
    /// As [`when`](Self::when).
    #[track_caller]
    pub fn when_async(self, messages: impl IntoSketches) -> impl Future<Output = Then<R>> {
        Case::of(self, sketches(messages)).run()
    }

    /// Lets a projector handle all of the history, as if it had just happened. Its `#[sync]` methods run when the test
    /// looks at what they have written: [`Then::then_document`].
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use sourced::prelude::*;
    /// use sourced_testing::given;
    ///
    /// #[event("carts.item_added")]
    /// struct ItemAdded {
    ///     price: u64,
    /// }
    ///
    /// #[derive(Debug, Default, Serialize, Deserialize)]
    /// struct Listing {
    ///     cart: String,
    ///     total: u64,
    /// }
    ///
    /// #[projector]
    /// impl Listing {
    ///     #[state]
    ///     fn new(id: &StreamId) -> Self {
    ///         Self { cart: id.to_string(), total: 0 }
    ///     }
    ///
    ///     #[event]
    ///     fn added(&mut self, event: &ItemAdded) {
    ///         self.total += event.price;
    ///     }
    ///
    ///     #[sync]
    ///     async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
    ///         tx.put("listings", &self.cart, self).await
    ///     }
    /// }
    ///
    /// given::<Listing>([ItemAdded { price: 450 }, ItemAdded { price: 50 }])
    ///     .stream("cart-1")
    ///     .projected()
    ///     .then_document("listings", "cart-1", &Listing { cart: "cart-1".into(), total: 500 });
    /// ```
    ///
    /// # Panics
    /// As [`when`](Self::when).
    #[track_caller]
    #[must_use = "nothing is asserted before `.then(..)`"]
    pub fn projected(mut self) -> Then<R> {
        let history = std::mem::take(&mut self.history);
        Case::of(self, history).run_here()
    }
}

impl<R> fmt::Debug for Given<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("reactor", &self.reactor)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
