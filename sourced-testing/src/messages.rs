//! Messages as tests write them.

use sourced::actor::{Actor, IntoSketches, Sketch, Target};
use sourced::{Failure, IntoStreamId, InvalidName, Metadata, Principal};

/// Says more of messages in a test than what they say: `Started { .. }.in_stream("order-1")`.
///
/// A command has `.to("order-1")` too, and all else that a reaction may say of it.
///
/// ```
/// use sourced::prelude::*;
/// use sourced_testing::{MessagesExt as _, given};
/// # #[derive(Debug, Default)] struct Cart { n_items: u32 }
/// # #[actor] impl Cart {
/// #     #[command] fn empty(&self) -> Emptied { Emptied { n_items: self.n_items } }
/// #     #[event] fn item_added(&mut self, _product: String) { self.n_items += 1; }
/// #     #[event] fn emptied(&mut self, _n_items: u32) {}
/// # }
///
/// let added = ItemAdded { product: "tea".into() };
/// given::<Cart>(added.in_stream("cart-7"))
///     .when(Empty.to("cart-7"))
///     .then(Emptied { n_items: 1 }.in_stream("cart-7"));
/// ```
pub trait MessagesExt: IntoSketches + Sized {
    /// Says which stream they are in.
    fn in_stream(self, stream: impl IntoStreamId) -> Told<Self> {
        Told::new(self).in_stream(stream)
    }

    /// Expects them in a stream that is new, as [`to_new`](sourced::CommandExt::to_new) makes one.
    fn in_new_stream<A: Actor>(self) -> Told<Self> {
        Told::new(self).in_new_stream::<A>()
    }

    /// Says on whose behalf they are.
    fn on_behalf_of(self, principal: Principal) -> Told<Self> {
        Told::new(self).on_behalf_of(principal)
    }

    /// Says what metadata they carry. As an expectation, they may carry more.
    fn carrying(self, metadata: Metadata) -> Told<Self> {
        Told::new(self).carrying(metadata)
    }
}

impl<M: IntoSketches> MessagesExt for M {}

/// Messages of which more is said. Made by [`MessagesExt`].
#[derive(Debug, Clone)]
pub struct Told<M> {
    messages: M,
    target: Option<Result<Target, InvalidName>>,
    principal: Option<Principal>,
    metadata: Metadata,
}

impl<M> Told<M> {
    fn new(messages: M) -> Self {
        Self {
            messages,
            target: None,
            principal: None,
            metadata: Metadata::new(),
        }
    }

    /// Says which stream they are in.
    #[must_use]
    pub fn in_stream(mut self, stream: impl IntoStreamId) -> Self {
        self.target = Some(stream.into_stream_id().map(Target::Stream));
        self
    }

    /// Expects them in a stream that is new.
    #[must_use]
    pub fn in_new_stream<A: Actor>(mut self) -> Self {
        self.target = Some(Ok(Target::NewStream(A::NAME)));
        self
    }

    /// Says on whose behalf they are.
    #[must_use]
    pub fn on_behalf_of(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Says what metadata they carry. As an expectation, they may carry more.
    #[must_use]
    pub fn carrying(mut self, metadata: Metadata) -> Self {
        self.metadata = self.metadata.merged(metadata);
        self
    }
}

impl<M: IntoSketches> IntoSketches for Told<M> {
    fn into_sketches(self, out: &mut Vec<Sketch>) -> Result<(), Failure> {
        let first = out.len();
        self.messages.into_sketches(out)?;
        let target = self.target.transpose()?;
        for sketch in &mut out[first..] {
            if let Some(target) = &target {
                sketch.target = target.clone();
            }
            if let Some(principal) = &self.principal {
                sketch.principal = Some(principal.clone());
            }
            sketch.metadata = sketch.metadata.merged(self.metadata.clone());
        }
        Ok(())
    }
}

/// Writes messages of a test down.
///
/// # Panics
/// When one of them cannot be told.
#[track_caller]
pub(crate) fn sketches(messages: impl IntoSketches) -> Vec<Sketch> {
    let mut sketches = Vec::new();
    if let Err(failure) = messages.into_sketches(&mut sketches) {
        panic!("a message of this test cannot be sent: {}", failure.chain());
    }
    sketches
}
