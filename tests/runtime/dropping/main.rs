//! *safe-to-drop*: any public future may be dropped at any await. Here all of them are, on every backend.

#![allow(unreachable_pub, reason = "modules of one test program share a world")]
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(clippy::print_stdout, reason = "the figures of a long run")]

#[path = "../backends.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod backends;
#[path = "../own.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod own;
#[path = "../shop.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod shop;

mod apart;
mod calls;
mod cut;
mod dice;
mod domain;
mod fuzz;
mod joined;
mod listed;
mod quiet;
mod tally;
mod transaction;
mod verify;
mod world;

macro_rules! on_every_backend {
    ($($module:ident::$test:ident,)*) => {
        on_every_backend!(@on memory, $($module::$test,)*);
        on_every_backend!(@on sqlite, $($module::$test,)*);
        on_every_backend!(@on postgres, $($module::$test,)*);
    };
    (@on $name:ident, $($module:ident::$test:ident,)*) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::$module::$test(crate::backends::On::$name().await).await;
            })*
        }
    };
}

on_every_backend! {
    fuzz::safe_to_drop_every_public_future_at_any_poll,
    joined::safe_to_drop_a_unit_at_every_poll_in_the_caller_s_transaction,
    joined::safe_to_drop_a_unit_at_any_time_in_the_caller_s_transaction,
}
