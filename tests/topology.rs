//! The topology of an app, its pictures, and what is wrong with apps whose parts do not fit together.
//!
//! `UPDATE_TOPOLOGY=1 cargo test -p sourced-tests --test topology` writes the pictures anew.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![allow(
    dead_code,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "only the types of these handlers matter"
)]

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use sourced::prelude::*;
use sourced::topology::{Node, NodeKind, Warning};
use sourced::{BuildError, Topology};

mod shop {
    //! Every shape that a handler may return, in one shop.

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Cart {
        lines: Vec<String>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no")]
    pub(crate) struct No;

    #[actor]
    impl Cart {
        #[command]
        pub(crate) fn add_item(&self, product: String) -> Result<ItemAdded, No> {
            Ok(ItemAdded { product })
        }

        #[command]
        pub(crate) fn place(
            &self,
            code: Option<String>,
        ) -> Result<(Placed, Option<Discounted>), No> {
            Ok((Placed, code.map(|code| Discounted { code })))
        }

        #[command]
        pub(crate) fn clear(&self) -> Vec<ItemRemoved> {
            let removed = |product: &String| ItemRemoved {
                product: product.clone(),
            };
            self.lines.iter().map(removed).collect()
        }

        #[event]
        pub(crate) fn item_added(&mut self, product: String) {
            self.lines.push(product);
        }

        #[event]
        pub(crate) fn item_removed(&mut self, product: String) {
            self.lines.retain(|line| *line != product);
        }

        #[event]
        pub(crate) fn discounted(&mut self, _code: String) {}

        #[event]
        pub(crate) fn placed(&mut self) {}

        #[reaction]
        fn watch(&self) -> Option<Note> {
            None
        }

        #[reaction]
        fn pay(&self, _: &Placed) -> Result<Vec<(Note, Outgoing<super::Charge>)>, Failure> {
            Ok(vec![(Note, super::Charge.to("payment-1"))])
        }

        #[command]
        pub(crate) fn note(&self) {}
    }
}

use shop::{Cart, ItemAdded, ItemRemoved, Placed};

#[command("payments.charge")]
pub(crate) struct Charge;

#[event("payments.charged")]
pub(crate) struct Charged;

#[derive(Debug, Default)]
struct Payment;

#[actor]
impl Payment {
    #[command]
    fn charge(&self, _: &Charge) -> [Charged; 1] {
        [Charged]
    }

    #[event]
    fn charged(&mut self, _: &Charged) {}

    #[reaction]
    async fn tell_the_shop(&self, _: &Message<Charged>) -> Vec<Outgoing> {
        Vec::new()
    }
}

#[derive(Debug, Default)]
struct Listing;

#[projector("shop.listings")]
impl Listing {
    #[event]
    fn added(&mut self, _: &ItemAdded) {}
    #[event]
    fn removed(&mut self, _: &ItemRemoved) {}
    #[event]
    fn placed(&mut self, _: &Placed) {}
    #[sync]
    async fn save(&self, _: &mut Tx<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

async fn the_shop() -> App {
    App::builder()
        .register::<Cart>()
        .register::<Payment>()
        .register::<Listing>()
        .build()
        .await
        .unwrap()
}

fn node<'t>(topology: &'t Topology, id: &str) -> &'t Node {
    let found = topology.nodes.iter().find(|node| node.id == id);
    found.unwrap_or_else(|| panic!("no node `{id}` in {topology:#?}"))
}

#[tokio::test]
async fn a_command_produces_exactly_what_its_return_type_can_carry() {
    let app = the_shop().await;
    for (command, produces) in [
        ("cart.add_item", &["cart.item_added"][..]),
        ("cart.place", &["cart.placed", "cart.discounted"]),
        ("cart.clear", &["cart.item_removed"]),
        ("cart.note", &[]),
        ("payments.charge", &["payments.charged"]),
    ] {
        let node = node(app.topology(), command);
        assert_eq!(
            (node.kind, &*node.produces),
            (NodeKind::Command, &*owned(produces)),
            "{command}"
        );
        assert!(!node.produces_any, "{command}");
    }
    assert_eq!(node(app.topology(), "payments.charge").name, "Charge");
    assert_eq!(
        node(app.topology(), "payments.charge").group.as_str(),
        "payment"
    );
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_automation_is_a_reaction_to_one_event() {
    let app = the_shop().await;
    let pay = node(app.topology(), "cart.placed-cart-aut");
    assert_eq!(
        (pay.kind, &*pay.name),
        (NodeKind::Automation, "reaction(Placed)")
    );
    assert_eq!(pay.consumes, ["cart.placed"]);
    assert_eq!(pay.produces, ["cart.note", "payments.charge"]);
    assert!(!pay.produces_any);
}

#[tokio::test]
async fn an_automation_is_the_reaction_to_all_other_events() {
    let app = the_shop().await;
    let watch = node(app.topology(), "cart-aut");
    assert_eq!(watch.name, "reaction(Cart)");
    assert_eq!(
        watch.consumes,
        ["cart.item_added", "cart.item_removed", "cart.discounted"]
    );
    assert_eq!(watch.produces, ["cart.note"]);
}

#[tokio::test]
async fn a_reaction_that_hides_its_commands_produces_any() {
    let app = the_shop().await;
    let tell = node(app.topology(), "payments.charged-payment-aut");
    assert!(tell.produces_any && tell.produces.is_empty(), "{tell:?}");
}

#[tokio::test]
async fn a_read_model_consumes_what_its_projector_evolves_by() {
    let app = the_shop().await;
    let listing = node(app.topology(), "shop.listings-rm");
    assert_eq!(
        (listing.kind, &*listing.name),
        (NodeKind::ReadModel, "Listing")
    );
    assert_eq!(
        listing.consumes,
        ["cart.item_added", "cart.item_removed", "cart.placed"]
    );
}

#[tokio::test]
async fn every_message_is_one_node_and_every_edge_is_there_once() {
    let app = the_shop().await;
    let topology = app.topology();
    let mut ids: Vec<&str> = topology.nodes.iter().map(|node| &*node.id).collect();
    let mut edges = topology.edges();
    let (n_ids, n_edges) = (ids.len(), edges.len());
    ids.sort_unstable();
    ids.dedup();
    edges.sort_unstable();
    edges.dedup();
    assert_eq!((ids.len(), edges.len()), (n_ids, n_edges));
    assert!(edges.contains(&("cart.place", "cart.placed")), "{edges:?}");
    assert!(
        edges.contains(&("cart.placed", "shop.listings-rm")),
        "{edges:?}"
    );
}

#[tokio::test]
async fn the_pictures_are_those_that_are_kept() {
    let app = the_shop().await;
    let topology = app.topology();
    same_as_kept("shop.json", &(topology.to_json() + "\n"));
    same_as_kept("shop.mmd", &topology.to_mermaid());
    same_as_kept("shop.svg", &topology.to_svg());
}

fn same_as_kept(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("topology")
        .join(file);
    if env::var_os("UPDATE_TOPOLOGY").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(
        text,
        fs::read_to_string(&path).unwrap_or_default(),
        "`{file}`"
    );
}

mod lonely {
    //! Actors that fit to nobody.

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Sender;

    #[actor]
    impl Sender {
        #[command]
        fn start(&self) -> Started {
            Started
        }
        #[event]
        fn started(&mut self) {}
        #[reaction]
        fn charge(&self, _: &Started) -> Option<super::Charge> {
            None
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Waiting;

    #[actor]
    impl Waiting {
        #[command]
        fn wait(&self) {}
        #[event]
        fn called(&mut self) {}
        #[reaction]
        fn again(&self, _: &Called) -> Wait {
            Wait
        }
    }

    #[event("cart.item_added")]
    pub(crate) struct Added {
        product: String,
    }

    #[derive(Debug, Default)]
    pub(crate) struct Copy(usize);

    #[projector]
    impl Copy {
        #[event]
        fn added(&mut self, event: &Added) {
            self.0 += event.product.len();
        }
    }
}

#[tokio::test]
async fn a_command_that_nobody_decides_is_an_error() {
    let error = App::builder()
        .register::<lonely::Sender>()
        .build()
        .await
        .unwrap_err();
    assert!(
        matches!(&error, BuildError::NobodyDecides { command, dispatched_by }
            if command.as_str() == "payments.charge" && dispatched_by.as_str() == "sender"),
        "{error}"
    );
    let with_payment = App::builder()
        .register::<lonely::Sender>()
        .register::<Payment>();
    assert!(with_payment.build().await.is_ok());
}

#[tokio::test]
async fn two_types_of_one_name_are_an_error() {
    let both = App::builder()
        .register::<Cart>()
        .register::<Payment>()
        .register::<lonely::Copy>();
    let error = both.build().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BuildError::TwoDefinitions { .. }), "{text}");
    for named in ["`cart.item_added`", "shop::ItemAdded", "lonely::Added"] {
        assert!(text.contains(named), "{text}");
    }
}

#[tokio::test]
async fn an_event_that_nobody_emits_is_a_warning() {
    let app = App::builder()
        .register::<lonely::Waiting>()
        .build()
        .await
        .unwrap();
    let [warning @ Warning::NobodyEmits { event, consumed_by }] = app.warnings() else {
        panic!("{:?}", app.warnings());
    };
    assert_eq!(event.as_str(), "waiting.called");
    assert_eq!(consumed_by.len(), 1);
    assert_eq!(
        warning.to_string(),
        "no command emits the event `waiting.called`, which `waiting` waits for: return it from a `#[command]`, or keep \
         it for what is stored already"
    );
    assert!(the_shop().await.warnings().is_empty());
}

mod circling {
    use super::*;

    /// Each tick leads to the next.
    #[derive(Debug, Default)]
    pub(crate) struct Clockwork;

    #[actor]
    impl Clockwork {
        #[command]
        fn tick(&self) -> Ticked {
            Ticked
        }
        #[event]
        fn ticked(&mut self) {}
        #[reaction]
        fn again(&self, _: &Ticked) -> Tick {
            Tick
        }
        #[command]
        fn wind_up(&self) -> Result<WoundUp, std::fmt::Error> {
            Ok(WoundUp)
        }
        #[event]
        fn wound_up(&mut self) {}
        #[reaction]
        fn once_more(&self, _: &WoundUp) -> WindUp {
            WindUp
        }
    }

    /// Nothing comes of it.
    #[derive(Debug, Default)]
    pub(crate) struct Idler;

    #[actor]
    impl Idler {}

    /// Keeps what nobody can see.
    #[derive(Debug, Default)]
    #[allow(dead_code, reason = "that is what it is about")]
    pub(crate) struct Miser {
        n_ticks: u32,
    }

    #[projector]
    impl Miser {
        #[event]
        fn ticked(&mut self, _: &Ticked) {
            self.n_ticks += 1;
        }
    }
}

#[tokio::test]
async fn what_leads_to_itself_always_is_a_warning() {
    let app = App::builder().register::<circling::Clockwork>();
    let app = app.build().await.unwrap();
    let [warning @ Warning::Loop { of }] = app.warnings() else {
        panic!("{:?}", app.warnings());
    };
    assert_eq!(of.len(), 2);
    assert!(
        warning
            .to_string()
            .starts_with("`clockwork.tick` → `clockwork.ticked` → `clockwork.tick` never ends:"),
        "{warning}"
    );
}

#[tokio::test]
async fn a_reactor_that_nothing_comes_of_is_a_warning() {
    let app = App::builder()
        .register::<circling::Idler>()
        .register::<circling::Miser>();
    let app = app.build().await.unwrap();
    let idle = |warning: &Warning| match warning {
        Warning::DoesNothing { group } => Some(group.to_string()),
        _ => None,
    };
    let idle: Vec<_> = app.warnings().iter().filter_map(idle).collect();
    assert_eq!(idle, ["idler", "miser"]);
}

mod lamp {
    //! A circle: what it does leads back to what it did.

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Lamp;

    #[actor]
    impl Lamp {
        #[command]
        fn switch_on(&self) -> On {
            On
        }
        #[command]
        fn switch_off(&self) -> Off {
            Off
        }
        #[event]
        fn on(&mut self) {}
        #[event]
        fn off(&mut self) {}
        #[reaction]
        fn after_on(&self, _: &On) -> SwitchOff {
            SwitchOff
        }
        #[reaction]
        fn after_off(&self, _: &Off) -> SwitchOn {
            SwitchOn
        }
    }
}

#[tokio::test]
async fn a_circle_is_drawn_back_to_where_it_began() {
    let app = App::builder()
        .register::<lamp::Lamp>()
        .build()
        .await
        .unwrap();
    let svg = app.topology().to_svg();
    same_as_kept("lamp.svg", &svg);
    assert_eq!(svg.matches(r#"class="edge back""#).count(), 1);
}

mod bank {
    //! A decision with events in two streams, and one made step by step.

    use std::sync::Arc;

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Account;

    pub(crate) struct Printer;

    #[actor]
    impl Account {
        #[command]
        fn transfer(&self, to: Other<Account>) -> (Withdrawn, Option<Elsewhere<[Deposited; 1]>>) {
            (Withdrawn, Some(to.emit([Deposited])))
        }
        #[command]
        fn settle(&self, emit: &mut Emitter<Self, (Deposited, Closed)>) {
            emit.event(Deposited).event(Closed);
        }
        #[command]
        fn close(&self, emit: &mut Emitter<Self, Closed>) {
            emit.event(Closed);
        }
        #[command]
        fn anything(&self, emit: &mut Emitter<Self>) {
            emit.event(Withdrawn);
        }
        #[event]
        fn withdrawn(&mut self) {}
        #[event]
        fn deposited(&mut self) {}
        #[event]
        fn closed(&mut self) {}
    }

    #[derive(Debug, Default)]
    pub(crate) struct Printing;

    #[handler]
    impl Printing {
        #[on]
        fn closed(&self, _: &Closed, _printer: Res<Printer>) {}
    }

    #[derive(Debug, Default)]
    pub(crate) struct Sharing;

    #[handler]
    impl Sharing {
        #[on]
        fn closed(&self, _: &Closed, _printer: Res<Arc<Printer>>) {}
    }
}

#[tokio::test]
async fn events_for_another_stream_are_told_apart() {
    let app = App::builder()
        .register::<bank::Account>()
        .build()
        .await
        .unwrap();
    let transfer = node(app.topology(), "account.transfer");
    assert_eq!(
        transfer.produces,
        ["account.withdrawn", "account.deposited"]
    );
    assert_eq!(transfer.produces_elsewhere, ["account.deposited"]);
    assert!(!transfer.produces_any);
    let json = app.topology().to_json();
    assert!(json.contains(r#""produces_elsewhere": ["#), "{json}");
    assert!(!json.contains("schema"), "{json}");
}

#[tokio::test]
async fn a_command_with_an_emitter_produces_what_its_emitter_takes() {
    let app = App::builder()
        .register::<bank::Account>()
        .build()
        .await
        .unwrap();
    for (command, produces) in [
        (
            "account.settle",
            &["account.deposited", "account.closed"][..],
        ),
        ("account.close", &["account.closed"]),
        (
            "account.anything",
            &["account.withdrawn", "account.deposited", "account.closed"],
        ),
    ] {
        assert_eq!(
            node(app.topology(), command).produces,
            owned(produces),
            "{command}"
        );
    }
}

#[tokio::test]
async fn a_resource_in_an_arc_too_many_is_named() {
    let registered = App::builder().resource(Arc::new(bank::Printer));
    let error = registered.register::<bank::Printing>().build().await;
    let printer = "topology::bank::Printer";
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "resources are missing: `{printer}` (asked for by `printing`; `Arc<{printer}>` is registered: register \
             `{printer}` itself, `Res` shares it); add `.resource(..)` for each"
        )
    );
    let registered = App::builder().resource(bank::Printer);
    let error = registered.register::<bank::Sharing>().build().await;
    let text = error.unwrap_err().to_string();
    let meant = format!("`{printer}` is registered: ask for `Res<{printer}>`, which shares it");
    assert!(text.contains(&meant), "{text}");
}

#[tokio::test]
async fn the_reading_half_of_an_app_misses_nothing() {
    let app = App::builder().register::<Listing>().build().await.unwrap();
    assert!(app.warnings().is_empty());
}
