//! Units in as many transactions as the pool has connections: none needs another one.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{DocumentReader, Truncate};
use tokio::sync::Barrier;

use crate::backends::On;
use crate::own::Own;

/// Its first events are removed, so it begins with what was kept instead of them.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Guest {
    n_greeted: u32,
}

#[actor(snapshot_every = 2)]
impl Guest {
    /// Reads what a projection has written.
    #[command]
    async fn greet(
        &self,
        id: &StreamId,
        documents: Res<DocumentReader>,
    ) -> Result<Greeted, Failure> {
        let written: Option<Book> = documents.get("guests", id).await?;
        Ok(Greeted {
            guest: id.to_string(),
            n_written: written.map_or(0, |book| book.n),
        })
    }

    #[event]
    fn greeted(&mut self, _guest: String, _n_written: u32) {
        self.n_greeted += 1;
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    n: u32,
}

#[projector(stored)]
impl Book {
    #[state]
    async fn load(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
        tx.get("guests", id).await
    }

    #[event]
    fn greeted(&mut self, _: &Greeted) {
        self.n += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("guests", id, self).await
    }
}

/// Asks which of its versions is live before it handles anything.
#[derive(Debug, PartialEq, Projection)]
#[projection(table = "guests")]
pub struct Seen {
    #[key]
    guest: String,
}

#[projector]
impl Seen {
    #[event]
    fn greeted(_row: Option<Self>, event: &Greeted) -> Self {
        Self {
            guest: event.guest.clone(),
        }
    }

    #[after_sync]
    fn tell(&self, heard: Res<Mutex<Vec<String>>>) {
        heard.lock().unwrap().push(self.guest.clone());
    }
}

pub async fn no_other_connection_is_needed_however_many_units_join_at_once(on: On) {
    let Some(own) = Own::of(&on).await else {
        return;
    };
    let app = on
        .builder()
        .register::<Guest>()
        .register::<Book>()
        .known_states(0);
    let app = app
        .register::<Seen>()
        .resource(Mutex::new(Vec::<String>::new()));
    let app = app.build().await.unwrap();
    let n_guests = own.most_at_once();
    let guests: Vec<String> = (0..n_guests).map(|n| format!("guest-{n}")).collect();
    for guest in &guests {
        for _ in 0..2 {
            app.actor::<Guest>(guest.as_str()).greet().await.unwrap();
        }
    }
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    for guest in &guests {
        let end = app.load::<Guest>(guest.as_str()).await.unwrap().seq();
        let truncate = Truncate::upto(end.unwrap());
        assert!(app.truncate(guest.as_str(), truncate).await.unwrap() > 0);
    }

    let all_have_begun = Arc::new(Barrier::new(n_guests));
    let greeted = guests.iter().map(async |guest| {
        let mut tx = own.begin().await;
        all_have_begun.wait().await;
        let greeted = tx.handle(&app.unit(), Greet.to(guest.as_str())).await;
        tx.commit().await;
        let greeted = greeted.unwrap();
        let event = greeted.of::<Guest>()[0].decode::<Greeted>();
        event.unwrap().payload.n_written
    });
    assert_eq!(join_all(greeted).await, vec![2; n_guests]);
    for guest in &guests {
        let loaded = app.load::<Guest>(guest.as_str()).await.unwrap();
        assert_eq!(loaded.state().n_greeted, 3);
        assert_eq!(
            app.document("guests", guest).await.unwrap(),
            Some(Book { n: 3 })
        );
    }
    assert_eq!(app.rows::<Seen>().all().await.unwrap().len(), n_guests);
}
