//! Emitting step by step, over several streams, and as the actor's own enum.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::pedantic)]
#![allow(unexpected_cfgs)]

use sourced::prelude::*;

/// Others.
pub mod door {
    /// It opened.
    #[sourced::event("door.opened")]
    pub struct Opened;
}

/// What is told to somebody.
#[derive(Debug)]
pub struct Mailer;

/// No.
#[derive(Debug, thiserror::Error)]
#[error("no")]
pub struct No;

/// Moves something.
#[command("cart.move")]
pub struct Move {
    /// Where to.
    pub to: StreamId,
}

/// A type of the user's own, called like one of ours.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct History;

/// A cart.
#[derive(Debug, Default)]
pub struct Cart;

#[actor(events = CartHappened)]
impl Cart {
    #[before_evolve]
    fn count(&mut self, event: &StoredMessage) {
        _ = event;
    }

    #[command]
    fn open(&self, name: String, emit: &mut Emitter<Self>) -> Result<(), No> {
        emit.event(Opened).event(door::Opened);
        if name.is_empty() { Err(No) } else { Ok(()) }
    }

    #[command]
    async fn tidy(
        &self,
        emit: &mut sourced::Emitter<Cart>,
        mailer: Res<Mailer>,
        before: &sourced::History,
        other: Other<Cart>,
    ) -> Result<(), Failure> {
        _ = (mailer, before.len(), other.stream_id());
        emit.event(Opened);
        std::future::ready(()).await;
        Ok(())
    }

    #[command]
    fn note(&self, history: History) -> Option<CartHappened> {
        _ = history;
        Some(Opened.into())
    }

    #[command]
    fn shift(&self, command: &Move, to: Other<Self>) -> Elsewhere<Vec<CartHappened>> {
        to.emit(if command.to.as_str() == "x" { vec![] } else { vec![Opened.into()] })
    }

    /// Opens another.
    #[command]
    pub fn open_other(&self, #[serde(alias = "cart")] other: Other<Cart>) -> (Opened, Elsewhere<Opened>) {
        (Opened, other.emit(Opened))
    }

    /// It opened.
    #[event]
    pub fn opened(&mut self) {}

    #[event]
    fn door_opened(&mut self, _: &door::Opened) {}

    #[event]
    fn renamed(&mut self) {}

    #[cfg(feature = "no-such-feature")]
    #[event]
    fn never(&mut self, what: NoSuchType) {}

    #[reaction(Opened, Renamed)]
    fn both(&self, event: &Message<CartHappened>, id: &StreamId) {
        _ = (event, id);
    }

    #[reaction]
    async fn others(&self, event: &CartHappened) -> Result<Option<Open>, Failure> {
        std::future::ready(()).await;
        match event {
            CartHappened::DoorOpened(door::Opened) => Ok(Some(Open { name: String::new() })),
            CartHappened::Opened(_) | CartHappened::Renamed(_) => Ok(None),
        }
    }
}

/// Nothing happens to it.
#[derive(Debug, Default)]
pub struct Stone;

#[actor]
impl Stone {}

mod private {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Till;

    #[actor]
    impl Till {
        #[command]
        fn sell(&self) -> TillEvent {
            Sold.into()
        }

        #[event]
        fn sold(&mut self) {}
    }

    pub(crate) fn register(builder: sourced::AppBuilder) -> sourced::AppBuilder {
        builder.register::<Till>()
    }
}

fn main() -> Result<(), No> {
    let builder = sourced::App::builder().register::<Cart>().register::<Stone>();
    _ = private::register(builder);
    let mut emit = Emitter::new(Cart);
    Cart.open("cart".to_owned(), &mut emit)?;
    assert_eq!(emit.events(), [Opened.into(), CartHappened::DoorOpened(door::Opened)]);
    Ok(())
}
