//! Everything a handler may take and return.
#![deny(warnings, missing_docs, missing_debug_implementations)]
#![deny(clippy::pedantic)]

use sourced::prelude::*;

/// A door.
pub mod door {
    /// It opened.
    #[sourced::event("door.opened")]
    pub struct Opened;

    /// It closed.
    #[sourced::event("door.closed")]
    pub struct Closed;

    /// It was painted.
    #[sourced::event("door.painted")]
    pub struct Painted;

    /// Closes it.
    #[sourced::command("door.close")]
    pub struct Close;
}

/// What is told to somebody.
#[derive(Debug)]
pub struct Mailer;

/// Tells.
#[derive(Debug)]
pub struct Told {
    id: String,
}

/// What happens to colours.
#[derive(Debug)]
pub enum Coat {
    /// A new one.
    Painted,
    /// One that is not seen any more.
    Hidden,
}

impl From<door::Painted> for Coat {
    fn from(_: door::Painted) -> Self {
        Self::Painted
    }
}

impl From<door::Closed> for Coat {
    fn from(_: door::Closed) -> Self {
        Self::Hidden
    }
}

#[handler("telling")]
impl Told {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self { id: id.to_string() }
    }

    #[on]
    async fn opened(
        &self,
        event: &Message<door::Opened>,
        mailer: Res<Mailer>,
        now: Now,
        replaying: Replaying,
        history: &History,
        id: &StreamId,
    ) -> Result<Option<door::Close>, Failure> {
        _ = (mailer, now, replaying, &self.id);
        (&event.stream_id == id && history.len() > 1).then_some(door::Close);
        Ok(None)
    }

    #[on(door::Closed, door::Painted)]
    fn others(&self, id: &StreamId) -> (Outgoing<door::Close>, Vec<door::Close>) {
        (door::Close.to(id), vec![])
    }
}

/// Sees which of several events it is called for.
#[derive(Debug, Default)]
pub struct Watched;

#[handler]
impl Watched {
    #[on(door::Closed, door::Painted)]
    fn seen(&self, coat: &Message<Coat>) -> Option<door::Close> {
        matches!(coat.payload, Coat::Painted).then_some(door::Close)
    }
}

fn main() {
    _ = sourced::App::builder().register::<Watched>();
    _ = sourced::App::builder().register::<Told>();
}
