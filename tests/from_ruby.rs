//! The examples of the original's README, written here: `docs/from-ruby.md` sets the two beside each other.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sourced::backend::{BackendError, Delivery};
use sourced::message::TypeName;
use sourced::prelude::*;
use sourced::reactor::{Batch, Handled, Needs, Reactor, Register};
use sourced::topology::{Flow, Produces};
use sourced::{GroupId, Selection};

/// The types in the log, without their prefix.
async fn types(app: &App) -> Vec<String> {
    let log = app.log(Selection::all()).page(1000).await.unwrap().messages;
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    log.iter()
        .map(|message| last(message.type_name.as_str()))
        .collect()
}

/// Runs workers until nothing is left to do.
async fn settle(app: &App) {
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
}

mod one_stream {
    //! "Single-stream sequential execution"

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct HolidayBooking;

    #[actor]
    impl HolidayBooking {
        #[command]
        pub(crate) fn start_booking(&self) -> BookingStarted {
            BookingStarted
        }

        #[reaction]
        fn first_the_flight(&self, _: &BookingStarted) -> BookFlight {
            BookFlight
        }

        #[command]
        pub(crate) fn book_flight(&self) -> FlightBooked {
            FlightBooked
        }

        #[reaction]
        fn then_the_hotel(&self, _: &FlightBooked) -> BookHotel {
            BookHotel
        }

        #[command]
        pub(crate) fn book_hotel(&self) -> HotelBooked {
            HotelBooked
        }

        #[event]
        pub(crate) fn booking_started(&mut self) {}

        #[event]
        pub(crate) fn flight_booked(&mut self) {}

        #[event]
        pub(crate) fn hotel_booked(&mut self) {}
    }
}

#[tokio::test]
async fn steps_of_one_stream_run_one_after_another() {
    use one_stream::{HolidayBooking, StartBooking};
    let app = App::builder().register::<HolidayBooking>().build();
    let app = app.await.unwrap();
    app.dispatch(StartBooking.to("holiday-1")).await.unwrap();
    settle(&app).await;
    assert_eq!(
        types(&app).await,
        [
            "start_booking",
            "booking_started",
            "book_flight",
            "flight_booked",
            "book_hotel",
            "hotel_booked"
        ]
    );
}

mod several_streams {
    //! "Multi-stream concurrent execution", orchestrated by the holiday.

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Holiday {
        flight: bool,
        hotel: bool,
        confirmed: bool,
    }

    #[actor]
    impl Holiday {
        #[command]
        pub(crate) fn start(&self) -> Started {
            Started
        }

        #[event]
        pub(crate) fn started(&mut self) {}

        #[reaction]
        fn book(&self, started: &Message<Started>) -> (Outgoing<BookFlight>, Outgoing<BookHotel>) {
            let holiday = started.stream_id.to_string();
            let flight = format!("{holiday}-flight");
            let hotel = format!("{holiday}-hotel");
            (
                BookFlight {
                    holiday: holiday.clone(),
                }
                .to(flight),
                BookHotel { holiday }.to(hotel),
            )
        }

        #[command]
        pub(crate) fn confirm_flight(&self) -> (FlightConfirmed, Option<Confirmed>) {
            (FlightConfirmed, self.hotel.then_some(Confirmed))
        }

        #[command]
        pub(crate) fn confirm_hotel(&self) -> (HotelConfirmed, Option<Confirmed>) {
            (HotelConfirmed, self.flight.then_some(Confirmed))
        }

        #[event]
        pub(crate) fn flight_confirmed(&mut self) {
            self.flight = true;
        }

        #[event]
        pub(crate) fn hotel_confirmed(&mut self) {
            self.hotel = true;
        }

        #[event]
        pub(crate) fn confirmed(&mut self) {
            self.confirmed = true;
        }

        pub(crate) fn is_confirmed(&self) -> bool {
            self.confirmed
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Flight;

    #[actor]
    impl Flight {
        #[command]
        pub(crate) fn book_flight(&self, holiday: String) -> FlightBooked {
            FlightBooked { holiday }
        }

        #[event]
        pub(crate) fn flight_booked(&mut self, _holiday: String) {}

        #[reaction]
        fn tell(&self, booked: &FlightBooked) -> Outgoing<ConfirmFlight> {
            ConfirmFlight.to(&booked.holiday)
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Hotel;

    #[actor]
    impl Hotel {
        #[command]
        pub(crate) fn book_hotel(&self, holiday: String) -> HotelBooked {
            HotelBooked { holiday }
        }

        #[event]
        pub(crate) fn hotel_booked(&mut self, _holiday: String) {}

        #[reaction]
        fn tell(&self, booked: &HotelBooked) -> Outgoing<ConfirmHotel> {
            ConfirmHotel.to(&booked.holiday)
        }
    }
}

#[tokio::test]
async fn streams_of_a_workflow_run_beside_each_other_and_meet_again() {
    use several_streams::{Flight, Holiday, Hotel};
    let app = App::builder()
        .register::<Holiday>()
        .register::<Flight>()
        .register::<Hotel>()
        .build()
        .await
        .unwrap();
    app.actor::<Holiday>("holiday-1").start().await.unwrap();
    settle(&app).await;
    let holiday = app.load::<Holiday>("holiday-1").await.unwrap();
    assert!(holiday.state().is_confirmed());
    let confirmed = types(&app)
        .await
        .into_iter()
        .filter(|name| name == "confirmed");
    assert_eq!(confirmed.count(), 1);
}

mod choreography {
    //! "Choreography": an actor that reacts to another's events.

    use sourced::prelude::*;

    use super::one_stream::BookingStarted;

    #[derive(Debug, Default)]
    pub(crate) struct HotelBooking;

    #[actor]
    impl HotelBooking {
        #[reaction]
        fn begin(&self, _: &BookingStarted) -> Outgoing<Start> {
            Start.to_new::<Self>()
        }

        #[command]
        pub(crate) fn start(&self) -> Started {
            Started
        }

        #[event]
        pub(crate) fn started(&mut self) {}
    }
}

#[tokio::test]
async fn an_actor_reacts_to_anothers_events_and_starts_a_stream() {
    use choreography::HotelBooking;
    use one_stream::{HolidayBooking, StartBooking};
    let app = App::builder()
        .register::<HolidayBooking>()
        .register::<HotelBooking>()
        .build()
        .await
        .unwrap();
    app.dispatch(StartBooking.to("holiday-1")).await.unwrap();
    settle(&app).await;
    let log = app.log(Selection::all()).page(100).await.unwrap().messages;
    let of_hotel = |name: &&Message<_>| name.type_name.as_str() == "hotel_booking.started";
    let started = log.iter().find(of_hotel).unwrap();
    assert!(started.stream_id.as_str().starts_with("hotel_booking-"));
    assert_eq!(started.correlation_id, log[0].correlation_id);
}

mod counter {
    //! Reactions with the actor's state, to several events and to all others.

    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Cart {
        n_items: u32,
    }

    #[actor]
    impl Cart {
        #[command]
        pub(crate) fn add(&self) -> ItemAdded {
            ItemAdded
        }

        #[command]
        pub(crate) fn check(&self) -> (InventoryChecked, Closed) {
            (InventoryChecked, Closed)
        }

        #[event]
        pub(crate) fn item_added(&mut self) {
            self.n_items += 1;
        }

        #[event]
        pub(crate) fn inventory_checked(&mut self) {}

        #[event]
        pub(crate) fn closed(&mut self) {}

        #[reaction(ItemAdded, InventoryChecked)]
        fn watch(&self) -> Option<NotifyBigCart> {
            (self.n_items > 2).then_some(NotifyBigCart)
        }

        #[reaction]
        fn everything_else(&self) -> Archive {
            Archive
        }

        #[command]
        pub(crate) fn notify_big_cart(&self) {}

        #[command]
        pub(crate) fn archive(&self) {}
    }
}

#[tokio::test]
async fn reactions_see_the_state_and_serve_several_events() {
    let app = App::builder()
        .register::<counter::Cart>()
        .build()
        .await
        .unwrap();
    let cart = app.actor::<counter::Cart>("cart-1");
    for _ in 0..3 {
        cart.add().await.unwrap();
    }
    cart.check().await.unwrap();
    settle(&app).await;
    let count = |types: &[String], name| types.iter().filter(|one| *one == name).count();
    let types = types(&app).await;
    assert_eq!(count(&types, "notify_big_cart"), 2, "{types:?}");
    assert_eq!(count(&types, "archive"), 1, "{types:?}");
}

/// What the reactor below has seen.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// "The Reactor Interface": a reactor by hand.
#[derive(Debug)]
struct Telemetry {
    group: GroupId,
    needs: Needs,
}

#[async_trait]
impl Reactor for Telemetry {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        vec![TypeName::of::<one_stream::BookingStarted>()]
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    fn flow(&self) -> Flow {
        let mut flow = Flow::new(self.group.clone(), "Telemetry");
        flow.reacts::<one_stream::BookingStarted>(Produces::new());
        flow
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let is_new = |delivery: &&Delivery| !delivery.replaying;
        let new = batch.deliveries.iter().filter(is_new);
        let streams = new.map(|delivery| delivery.message.stream_id.to_string());
        SEEN.lock().unwrap().extend(streams);
        let last = batch.deliveries.last();
        Ok(Handled {
            upto: last.map(|delivery| delivery.message.position),
            ..Handled::default()
        })
    }
}

impl Register for Telemetry {
    fn reactor() -> Arc<dyn Reactor> {
        let group = GroupId::new("telemetry").unwrap();
        let needs = Needs::default();
        Arc::new(Self { group, needs })
    }
}

#[tokio::test]
async fn a_reactor_written_by_hand_runs_and_is_in_the_topology() {
    use one_stream::{HolidayBooking, StartBooking};
    let app = App::builder()
        .register::<HolidayBooking>()
        .register::<Telemetry>()
        .build()
        .await
        .unwrap();
    app.dispatch(StartBooking.to("holiday-9")).await.unwrap();
    settle(&app).await;
    assert_eq!(*SEEN.lock().unwrap(), ["holiday-9"]);
    let nodes = &app.topology().nodes;
    let id = "holiday_booking.booking_started-telemetry-aut";
    assert!(nodes.iter().any(|node| node.id == id), "{nodes:#?}");
}
