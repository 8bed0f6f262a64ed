//! What a scenario says of the world.

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sourced::actor::{Actor, IntoSketches, Sketch};
use sourced::table::{Row, table_of, values_of};
use sourced::{App, IntoStreamId, Position, Seq, StoredMessage};

use super::world::{World, text};
use super::{Act, Scenario, chain};
use crate::diff::{self, LEGEND};
use crate::messages::sketches;
use crate::rows::Rows;
use crate::telling::Telling;

pub(super) type Check =
    Box<dyn for<'w> FnOnce(&'w World) -> BoxFuture<'w, Result<(), String>> + Send>;

impl Scenario {
    /// These are all the messages: what was given, what came, and all that followed, in the order of each stream.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn then_messages(self, expected: impl IntoSketches) -> Self {
        let expected = sketches(expected);
        self.check(|world| Box::pin(compare(world, expected, |_, _| true)))
    }

    /// These messages followed from the last step, and no others; what came by [`when`](Scenario::when) itself is not
    /// one of them.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn then_new_messages(self, expected: impl IntoSketches) -> Self {
        let expected = sketches(expected);
        self.check(|world| Box::pin(compare(world, expected, World::is_new)))
    }

    /// These messages wait for their time, and no others. Times count from now: `Remind.to("order-1").after(2.days())`.
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn then_scheduled(self, expected: impl IntoSketches) -> Self {
        let expected = sketches(expected);
        self.check(|world| Box::pin(compare_scheduled(world, expected)))
    }

    /// Each of these messages was caused by the one before it. Where one names no stream, it may be in any.
    ///
    /// ```
    /// # use sourced::prelude::*;
    /// # use sourced_testing::scenario;
    /// # #[derive(Debug, Default)] struct Order;
    /// # #[actor] impl Order {
    /// #     #[command] fn place(&self) -> Placed { Placed }
    /// #     #[event] fn placed(&mut self) {}
    /// #     #[reaction] fn let_it_be_paid(&self, _: &Placed) -> Pay { Pay }
    /// #     #[command] fn pay(&self) {}
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// scenario![Order].when(Place.to("order-1")).then_chain((Place, Placed, Pay)).await;
    /// # }
    /// ```
    ///
    /// # Panics
    /// When a message cannot be written down.
    #[track_caller]
    pub fn then_chain(self, links: impl IntoSketches) -> Self {
        let links = sketches(links);
        self.check(|world| {
            Box::pin(async move {
                let trail = world.trail().await?;
                let found = chain::find(&trail, &links, world.now());
                found.map_err(|no| format!("{no}\n\nwhat led to what:\n{trail}"))
            })
        })
    }

    /// A command of the last step was refused, with this text: that of the error and its causes.
    #[track_caller]
    pub fn then_refused_saying(self, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        self.check(|world| {
            Box::pin(async move {
                let refusals = world.refusals().await?;
                let reasons: Vec<_> = refusals.iter().map(|refusal| &*refusal.reason).collect();
                if reasons.contains(&&*expected) {
                    return Ok(());
                }
                let came = match reasons.join("\n  + ") {
                    none if none.is_empty() => "nothing was refused".to_owned(),
                    came => format!("the refusal is not what was expected {LEGEND}\n\n  - {expected}\n  + {came}"),
                };
                Err(format!("{came}\n\nwhat led to what:\n{}", world.trail().await?))
            })
        })
    }

    /// A projection has written this document.
    ///
    /// # Panics
    /// When the document cannot be told in JSON.
    #[track_caller]
    pub fn then_document(
        self,
        collection: impl Into<String>,
        key: impl Into<String>,
        expected: &impl Serialize,
    ) -> Self {
        let expected = match serde_json::to_value(expected) {
            Ok(expected) => expected,
            Err(error) => panic!("the expected document cannot be told: {error}"),
        };
        let (collection, key) = (collection.into(), key.into());
        self.check(|world| {
            Box::pin(async move {
                let found: Option<Value> = world.app.document(&collection, &key).await.map_err(text)?;
                let Some(came) = found else {
                    return Err(format!("there is no document `{key}` of `{collection}`"));
                };
                match diff::values(&expected, &came) {
                    None => Ok(()),
                    Some(differences) => Err(format!(
                        "the document `{key}` of `{collection}` is not what was expected {LEGEND}\n\n{differences}"
                    )),
                }
            })
        })
    }

    /// No projection has written such a document, or it was removed.
    #[track_caller]
    pub fn then_no_document(self, collection: impl Into<String>, key: impl Into<String>) -> Self {
        let (collection, key) = (collection.into(), key.into());
        self.check(|world| {
            Box::pin(async move {
                let found: Option<Value> =
                    world.app.document(&collection, &key).await.map_err(text)?;
                match found {
                    None => Ok(()),
                    Some(came) => Err(format!(
                        "there is a document `{key}` of `{collection}`: {came}"
                    )),
                }
            })
        })
    }

    /// The table of a projector has these rows, and no others: `then_rows::<Listing>([])` for none.
    ///
    /// # Panics
    /// When no table can have a row that is expected, or two of them have the same key.
    #[track_caller]
    pub fn then_rows<R: Row>(self, expected: impl IntoIterator<Item = R>) -> Self {
        let table = table_of::<R>();
        let expected = match Rows::expected(table.clone(), expected) {
            Ok(expected) => expected,
            Err(text) => panic!("{text}"),
        };
        self.check(|world| {
            Box::pin(async move {
                let came = world.app.rows::<R>().all().await.map_err(text)?;
                let came: Result<Vec<_>, _> =
                    came.iter().map(|row| values_of(&table, row)).collect();
                expected.compare(&came.map_err(text)?)
            })
        })
    }

    /// Looks at the state of an actor.
    #[track_caller]
    pub fn then_state<A: Actor>(
        self,
        stream: impl IntoStreamId,
        look: impl FnOnce(&A) + Send + 'static,
    ) -> Self {
        let stream = stream.into_stream_id();
        self.check(|world| {
            Box::pin(async move {
                let stream = stream.map_err(text)?;
                let loaded = world.app.load::<A>(stream).await.map_err(text)?;
                look(loaded.state());
                Ok(())
            })
        })
    }

    /// Looks at whatever else there is, such as the tables of a projection: the app has everything.
    #[track_caller]
    pub fn then_app<F>(self, look: impl FnOnce(App) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.check(|world| {
            let looked = look(world.app.clone());
            Box::pin(async move {
                looked.await;
                Ok(())
            })
        })
    }

    #[track_caller]
    fn check(
        self,
        check: impl for<'w> FnOnce(&'w World) -> BoxFuture<'w, Result<(), String>> + Send + 'static,
    ) -> Self {
        self.step(Act::Check(Box::new(check)))
    }
}

async fn compare(
    world: &World,
    expected: Vec<Sketch>,
    is_meant: fn(&World, &StoredMessage) -> bool,
) -> Result<(), String> {
    let expected = tellings(world, &expected)?;
    let trail = world.trail().await?;
    let came = trail.tellings(|message| is_meant(world, message));
    match diff::messages(&expected, &came) {
        None => Ok(()),
        Some(differences) => Err(format!(
            "the messages are not those expected {LEGEND}\n\n{differences}\nwhat led to what:\n{trail}"
        )),
    }
}

async fn compare_scheduled(world: &World, expected: Vec<Sketch>) -> Result<(), String> {
    let expected = tellings(world, &expected)?;
    let scheduled = world.app.scheduled(None, 10_000).await.map_err(text)?;
    let came = scheduled.into_iter().map(|later| {
        let message =
            StoredMessage::stored(later.message, later.stream, Seq::FIRST, Position::START);
        Telling::came(&message, Some(later.at))
    });
    match diff::messages(&expected, &came.collect::<Vec<_>>()) {
        None => Ok(()),
        Some(differences) => Err(format!(
            "what waits for its time is not what was expected {LEGEND}\n\n{differences}"
        )),
    }
}

fn tellings(world: &World, sketches: &[Sketch]) -> Result<Vec<Telling>, String> {
    let telling = |sketch: &Sketch| {
        let here = match &sketch.target {
            sourced::actor::Target::NewStream(_) => world.here.clone(),
            _ => Some(world.place_of(sketch)?),
        };
        let here = here.unwrap_or_else(|| sourced::StreamId::new("new").expect("a name"));
        Ok(Telling::expected(sketch, &here, world.now()))
    };
    sketches.iter().map(telling).collect()
}
