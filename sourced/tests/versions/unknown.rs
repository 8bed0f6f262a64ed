//! Types that nobody knows any more.

use sourced::prelude::*;
use sourced::{Memory, Outcome};

use crate::programs::*;
use crate::{log, names};

#[tokio::test]
async fn types_that_nobody_knows_break_no_reader() {
    let backend = Memory::new();
    let old = app_of_yesterday(&backend).await;
    let product = "tea".to_owned();
    let put = old
        .dispatch(yesterday::Put { product }.to("cart-1"))
        .await
        .unwrap();
    let running = old.start();
    old.idle().await.unwrap();
    running.stop().await;

    // A program that has never heard of carts writes into the same stream.
    let builder = App::builder().backend(backend.clone());
    let app = builder
        .register::<Stranger>()
        .register::<Sightings>()
        .build()
        .await
        .unwrap();
    app.actor::<Stranger>("cart-1").look().await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;

    let stranger = app.load::<Stranger>("cart-1").await.unwrap();
    assert_eq!(stranger.state().n_looks, 1);
    let seen = app.backend().document("sightings", "cart-1").await.unwrap();
    assert_eq!(seen.unwrap().as_str(), "1");
    let log = log(&app).await;
    assert_eq!(
        names(&log),
        [
            "cart.put",
            "cart.item_put",
            "stranger.look",
            "stranger.looked"
        ]
    );
    assert_eq!(log[1].payload.as_str(), r#"{"product":"tea"}"#);
    // Nobody here decides the command, so nobody here can tell; but asking breaks nothing.
    assert_eq!(app.outcome(put.id).await.unwrap(), Outcome::Pending);
    assert!(matches!(
        old.outcome(put.id).await.unwrap(),
        Outcome::Applied(events) if names(&events) == ["cart.item_put"]
    ));
}

/// An actor that shares streams with carts and knows none of their messages.
#[derive(Debug, Default)]
struct Stranger {
    n_looks: u32,
}

#[actor]
impl Stranger {
    #[command]
    fn look(&self) -> Looked {
        Looked
    }

    #[event]
    fn looked(&mut self) {
        self.n_looks += 1;
    }
}

#[derive(Debug)]
struct Sightings {
    id: String,
    n: u32,
}

#[projector]
impl Sightings {
    #[state]
    fn new(id: &StreamId) -> Self {
        let id = id.to_string();
        Self { id, n: 0 }
    }

    #[event]
    fn looked(&mut self, _: &Looked) {
        self.n += 1;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("sightings", &self.id, &self.n).await
    }
}
