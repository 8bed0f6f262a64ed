//! *bytes-in-bytes-out*, of random payloads: each is stored and read back equal, or refused. `SOURCED_PAYLOADS=1000000` tries
//! so many on each backend.

#![allow(
    unreachable_pub,
    reason = "modules of one test program share their types"
)]
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(clippy::print_stdout, reason = "the figures of a long run")]

#[path = "../backends.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod backends;
#[path = "../shop.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod shop;

mod draw;
mod kinds;
mod outside;
mod program;
mod tally;

macro_rules! on_every_backend {
    ($($backend:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $backend() {
            let on = backends::On::$backend().await;
            let app = program::app(&on).await;
            let mut tally = tally::Tally::of(stringify!($backend));
            program::events_of_durable_calls(&app, &mut tally).await;
            program::commands_that_are_dispatched(&app, &mut tally).await;
            outside::json_and_forms_through_a_gateway(&app, &mut tally).await;
            tally.tell();
        }
    )*};
}

/// *bytes-in-bytes-out*
mod stored_and_read_back_or_refused {
    use super::*;

    on_every_backend!(memory sqlite postgres);
}
