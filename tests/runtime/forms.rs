//! Forms of handlers beyond the plain ones: emitting step by step, histories, reactions of projectors, handlers.

use std::sync::{Arc, Mutex};

use sourced::prelude::*;
use sourced::{Kind, Outcome};

use crate::backends::On;
use crate::shop::{log, types};

/// A list that counts what happens to it.
#[derive(Debug, Default)]
pub struct List {
    items: Vec<String>,
    /// Of all events that the list evolves by, by `#[before_evolve]`.
    seen: Vec<String>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a list has three items at most")]
pub struct Full;

#[actor]
impl List {
    #[before_evolve]
    fn see(&mut self, event: &StoredMessage) {
        self.seen.push(event.type_name.to_string());
    }

    #[command]
    fn add_all(&self, items: Vec<String>, emit: &mut Emitter<Self>) -> Result<(), Full> {
        let n_before = self.items.len();
        for item in items {
            if emit.state().items.contains(&item) {
                continue;
            }
            if emit.state().items.len() == 3 {
                return Err(Full);
            }
            emit.event(ItemAdded { item });
        }
        assert_eq!(self.items.len(), n_before, "`self` stays the state before");
        if n_before < 3 && emit.state().items.len() == 3 {
            emit.event(Filled);
        }
        Ok(())
    }

    #[command]
    fn toggle(&self, item: String) -> Vec<ListEvent> {
        if self.items.contains(&item) {
            vec![ItemRemoved { item }.into()]
        } else {
            vec![ItemAdded { item }.into(), Touched.into()]
        }
    }

    #[command]
    fn recall(&self, history: &History) -> Recalled {
        let n_added = history.of::<ItemAdded>().map_or(0, |added| added.len());
        Recalled {
            n_events: history.len(),
            n_added,
        }
    }

    #[event]
    fn item_added(&mut self, item: String) {
        self.items.push(item);
    }

    #[event]
    fn item_removed(&mut self, item: String) {
        self.items.retain(|other| *other != item);
    }

    #[event]
    fn filled(&mut self) {}

    #[event]
    fn touched(&mut self) {}

    #[event]
    fn recalled(&mut self, _n_events: usize, _n_added: usize) {}

    #[reaction(Filled, Touched)]
    fn recall_then(&self, event: &ListEvent, history: &History) -> Option<Recall> {
        let last = history
            .last()
            .map(|last| last.type_name.as_str().to_owned());
        assert!(last.is_some_and(|last| last == "list.filled" || last == "list.touched"));
        matches!(event, ListEvent::Filled(_)).then_some(Recall)
    }
}

/// A read model that asks for something.
#[derive(Debug, Default)]
struct Sizes {
    n_items: usize,
    n_seen: usize,
}

#[projector]
impl Sizes {
    #[before_evolve]
    fn see(&mut self) {
        self.n_seen += 1;
    }

    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }

    #[event]
    fn filled(&mut self, _: &Filled) {}

    #[reaction]
    fn empty_it(&self, event: &Message<Filled>) -> Outgoing<Toggle> {
        assert_eq!(self.n_seen, self.n_items + 1);
        let item = format!("item of {}, {} in all", event.stream_id, self.n_items);
        Toggle { item }.to("reactions")
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("sizes", "list", &self.n_items).await
    }
}

/// What handlers were told.
type Diary = Arc<Mutex<Vec<String>>>;

#[derive(Debug, Default)]
struct Telemetry;

#[handler("list_telemetry")]
impl Telemetry {
    #[on]
    async fn added(
        &self,
        event: &Message<ItemAdded>,
        diary: Res<Diary>,
        history: &History,
    ) -> Result<(), Failure> {
        let line = format!("{} after {}", event.payload.item, history.len());
        tokio::task::yield_now().await;
        diary
            .lock()
            .map_err(|_| Failure::msg("poisoned"))?
            .push(line);
        Ok(())
    }

    #[on(Filled, ItemRemoved)]
    fn report(&self, id: &StreamId) -> Outgoing<Toggle> {
        let item = format!("report of {id}");
        Toggle { item }.to("reports")
    }
}

async fn app(on: &On, diary: &Diary) -> App {
    let builder = on
        .builder()
        .register::<List>()
        .register::<Sizes>()
        .register::<Telemetry>();
    builder.resource(Arc::clone(diary)).build().await.unwrap()
}

fn items(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub async fn an_emitter_shows_the_state_that_each_event_leads_to(on: On) {
    let app = app(&on, &Diary::default()).await;
    let list = app.actor::<List>("list-1");
    let events = list.add_all(items(&["a", "b", "a"])).await.unwrap();
    let added = |item: &str| ListEvent::from(ItemAdded { item: item.into() });
    assert_eq!(events, [added("a"), added("b")]);

    let refused = list.add_all(items(&["c", "d"])).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Full));
    assert_eq!(list.load().await.unwrap().state().items, ["a", "b"]);

    // Two in one batch: the second starts from what the first has decided.
    let commands = [items(&["c"]), items(&["c", "b"])];
    let commands = commands.map(|items| AddAll { items }.to("list-1"));
    let receipts = app.dispatch_all(commands).await.unwrap();
    let running = app.start();
    let Outcome::Applied(first) = receipts[0].outcome().await.unwrap() else {
        panic!("applied")
    };
    let first: Vec<_> = first.iter().map(|event| event.type_name.as_str()).collect();
    assert_eq!(first, ["list.item_added", "list.filled"]);
    assert_eq!(
        receipts[1].outcome().await.unwrap(),
        Outcome::Applied(vec![])
    );
    running.stop().await;
}

pub async fn a_command_returns_the_actor_s_own_enum_and_histories_are_read_by_it(on: On) {
    let app = app(&on, &Diary::default()).await;
    let list = app.actor::<List>("list-1");
    list.toggle("a").await.unwrap();
    let removed = list.toggle("a").await.unwrap();
    assert_eq!(
        removed,
        [ListEvent::ItemRemoved(ItemRemoved { item: "a".into() })]
    );
    let history = list.history().await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|event| match &event.payload {
            ListEvent::ItemAdded(added) => format!("+{}", added.item),
            ListEvent::ItemRemoved(removed) => format!("-{}", removed.item),
            ListEvent::Filled(_) | ListEvent::Touched(_) | ListEvent::Recalled(_) => String::new(),
        })
        .collect();
    assert_eq!(told, ["+a", "", "-a"]);
}

pub async fn before_evolve_runs_before_each_event_that_is_handled(on: On) {
    let app = app(&on, &Diary::default()).await;
    let list = app.actor::<List>("list-1");
    list.toggle("a").await.unwrap();
    let foreign = app.actor::<crate::across::Account>("list-1");
    assert!(foreign.load().await.is_err(), "it is not registered");
    let seen = list.load().await.unwrap().into_state().seen;
    assert_eq!(seen, ["list.item_added", "list.touched"]);
}

pub async fn history_of_a_command_has_the_events_before_it(on: On) {
    let app = app(&on, &Diary::default()).await;
    let list = app.actor::<List>("list-1");
    list.toggle("a").await.unwrap();
    let recalled = list.recall().await.unwrap();
    assert_eq!((recalled.n_events, recalled.n_added), (2, 1));
    // In one batch, the second sees the event of the first, which is not stored yet.
    let receipts = app
        .dispatch_all([Recall.to("list-1"), Recall.to("list-1")])
        .await
        .unwrap();
    let running = app.start();
    for (receipt, n_events) in receipts.iter().zip([3, 4]) {
        let Outcome::Applied(events) = receipt.outcome().await.unwrap() else {
            panic!("applied")
        };
        let recalled: Message<Recalled> = events[0].decode().unwrap();
        assert_eq!(recalled.payload.n_events, n_events);
    }
    running.stop().await;
}

pub async fn a_projector_reacts_once_and_stays_silent_in_a_replay(on: On) {
    let app = app(&on, &Diary::default()).await;
    let running = app.start();
    let list = app.actor::<List>("list-1");
    list.add_all(items(&["a", "b", "c"])).await.unwrap();
    app.idle().await.unwrap();
    running.stop().await;
    let log = log(&app).await;
    let filled = log
        .iter()
        .find(|message| message.type_name.as_str() == "list.filled")
        .unwrap();
    let reactions: Vec<_> = log
        .iter()
        .filter(|message| message.stream_id.as_str() == "reactions")
        .filter(|message| message.kind == Kind::Command)
        .collect();
    let [reaction] = &reactions[..] else {
        panic!("one reaction, not {reactions:?}")
    };
    assert_eq!(reaction.causation_id, filled.id);
    let toggled: Message<Toggle> = reaction.decode().unwrap();
    assert_eq!(toggled.payload.item, "item of list-1, 3 in all");
    let saved = app.backend().document("sizes", "list").await.unwrap();
    assert!(saved.is_some(), "the batch that reacted was saved");

    // Delivered again as what it is: handled before.
    let sizes = <Sizes as sourced::reactor::Register>::reactor();
    let telemetry = <Telemetry as sourced::reactor::Register>::reactor();
    let deliveries = [sourced::backend::Delivery {
        message: filled.clone(),
        replaying: true,
    }];
    let services = sourced::reactor::Services::new(
        Arc::clone(app.backend()),
        app.env().clone(),
        Arc::default(),
        sourced::reactor::States::new(0),
    );
    for reactor in [sizes, telemetry] {
        let batch = sourced::reactor::Batch {
            stream: &filled.stream_id,
            deliveries: &deliveries,
            streams: services.streams(),
            services: &services,
            progress: &sourced::reactor::Progress::default(),
        };
        let handled = reactor.handle(&batch).await.unwrap();
        assert_eq!(handled.upto, Some(filled.position));
        assert!(handled.appends.is_empty(), "{:?}", handled.appends);
    }
}

pub async fn a_handler_is_told_once_and_its_commands_are_dispatched(on: On) {
    let diary = Diary::default();
    let app = app(&on, &diary).await;
    let running = app.start();
    let list = app.actor::<List>("list-1");
    list.add_all(items(&["a", "b", "c"])).await.unwrap();
    app.idle().await.unwrap();
    running.stop().await;
    let told = diary.lock().unwrap().clone();
    let of_list = |line: &&String| line.len() == "a after 1".len();
    let of_list: Vec<_> = told.iter().filter(of_list).collect();
    assert_eq!(of_list, ["a after 1", "b after 2", "c after 3"]);
    let reported = log(&app)
        .await
        .iter()
        .filter(|message| message.stream_id.as_str() == "reports")
        .map(|message| message.type_name.to_string())
        .collect::<Vec<_>>();
    assert_eq!(reported, ["list.toggle", "list.item_added", "list.touched"]);
}

pub async fn a_dry_run_says_what_would_happen_and_stores_nothing(on: On) {
    let app = app(&on, &Diary::default()).await;
    app.actor::<List>("list-1")
        .add_all(items(&["a", "b"]))
        .await
        .unwrap();
    let before = types(&app).await;
    let add_all = |names: &[&str]| {
        AddAll {
            items: items(names),
        }
        .to("list-1")
    };

    let Outcome::Applied(events) = app.decide(add_all(&["c"])).await.unwrap() else {
        panic!("it would be applied")
    };
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.type_name.as_str(),
                event.stream_id.as_str(),
                event.seq.get(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("list.item_added", "list-1", 5),
            ("list.filled", "list-1", 6)
        ]
    );
    let refused = app.decide(add_all(&["c", "d"])).await.unwrap();
    assert_eq!(refused, Outcome::Refused(Full.to_string()));
    assert!(app.decide(Recall).await.is_err(), "it has no stream");
    assert_eq!(types(&app).await, before);
}

pub async fn a_twin_in_memory_decides_and_leaves_no_trace(on: On) {
    let app = app(&on, &Diary::default()).await;
    let list = app.actor::<List>("list-1");
    list.toggle("a").await.unwrap();
    let before = log(&app).await;
    let twin = list.in_memory().await.unwrap();
    assert_eq!(
        twin.toggle("a").await.unwrap(),
        [ItemRemoved { item: "a".into() }.into()]
    );
    twin.add_all(items(&["x", "y"])).await.unwrap();
    let loaded = twin.load().await.unwrap();
    assert_eq!(loaded.state().items, ["x", "y"]);
    assert_eq!(loaded.stream_id().as_str(), "list-1");
    assert_eq!(list.load().await.unwrap().state().items, ["a"]);
    assert_eq!(log(&app).await, before);
}

pub async fn every_missing_resource_of_a_handler_is_named(on: On) {
    let error = on
        .builder()
        .register::<Telemetry>()
        .build()
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("Mutex") && text.contains("list_telemetry"),
        "{text}"
    );
}
