#!/usr/bin/env bash
# How long `cargo check` takes after a command was added to an actor: with the macros, and written by hand.
#
# Two crates have the same domain, commands with an event each: one says it with `#[actor]`, the other against the traits.
# The 2nd, the 25th (a domain of 50 messages) and the 50th command and its event are taken out and put back, and each check
# is timed. The median with the macros has to be within 1.5 times that by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
n_rounds=${1:-9}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

crate() { # name
    mkdir -p "$work/$1/src"
    cp Cargo.lock "$work/$1/"
    cat >"$work/$1/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.0.0"
edition = "2024"
[dependencies]
sourced = { path = "$root/sourced" }
serde = { version = "1", features = ["derive"] }
[workspace]
TOML
}

with_macros() { # how many commands
    echo 'use sourced::prelude::*;
#[derive(Debug, Default)] pub struct Cart { n: u64 }
#[actor] impl Cart {'
    for n in $(seq "$1"); do
        echo "#[command] pub fn do_it_$n(&self, product: String, price: u64) -> Result<Done$n, std::fmt::Error> {
    if self.n > price { return Err(std::fmt::Error); }
    Ok(Done$n { product, price })
}
#[event] pub fn done_$n(&mut self, product: String, price: u64) { self.n += price + product.len() as u64; }"
    done
    echo '}'
}

by_hand() { # how many commands
    echo 'use serde::{Deserialize, Serialize};
use sourced::actor::{Actor, ActorReactor, ActorRef, Decides, Handlers};
use sourced::evolve::Evolves;
use sourced::reactor::{Context, Reactor, Register};
use sourced::__private::{AnyEvent, Carries, Emit, Emitted, PayloadError, Produces, read_event};
use sourced::{Command, Event, Failure, Kind, Message, MessageType, StoredMessage, StreamId};
#[derive(Debug, Default)] pub struct Cart { n: u64 }
impl Actor for Cart {
    const NAME: &str = "cart";
    type Event = CartEvent;
    type Ref = ActorRef<Self>;
    fn initial(_: &StreamId) -> Self { Self::default() }
    fn handlers(table: &mut Handlers<Self>) {'
    for n in $(seq "$1"); do echo "table.command::<DoIt$n>(); table.event::<Done$n>();"; done
    echo '}}
impl Register for Cart { fn reactor() -> std::sync::Arc<dyn Reactor> { ActorReactor::<Self>::shared() } }
#[derive(Debug, Clone, PartialEq)] pub enum CartEvent {'
    for n in $(seq "$1"); do echo "Done$n(Done$n),"; done
    echo '}
impl AnyEvent for CartEvent { fn read(event: &StoredMessage) -> Result<Option<Self>, PayloadError> {'
    for n in $(seq "$1"); do echo "if let Some(event) = read_event::<Done$n>(event)? { return Ok(Some(Self::Done$n(event))); }"; done
    echo 'Ok(None) } }
impl Carries for CartEvent { fn produces(out: &mut Produces) {'
    for n in $(seq "$1"); do echo "out.add::<Done$n>();"; done
    echo '} }
impl Emit<Cart> for CartEvent { fn emit(&self, out: &mut Vec<Emitted>) -> Result<(), PayloadError> { match self {'
    for n in $(seq "$1"); do echo "Self::Done$n(event) => out.push(Emitted::encode(event)?),"; done
    echo '} Ok(()) } }'
    for n in $(seq "$1"); do
        for kind in "Command DoIt$n do_it_$n" "Event Done$n done_$n"; do
            read -r role name stored <<<"$kind"
            echo "#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct $name { pub product: String, pub price: u64 }
impl MessageType for $name { const NAME: &str = \"cart.$stored\"; const KIND: Kind = Kind::$role; }
impl $role for $name {}"
        done
        echo "sourced::__returned_by_commands!(Done$n);
impl Decides<DoIt$n> for Cart {
    type Decision = Result<Done$n, std::fmt::Error>;
    async fn decide(&self, message: Message<DoIt$n>, _: &Context) -> Result<Self::Decision, Failure> {
        let DoIt$n { product, price } = message.payload;
        if self.n > price { return Ok(Err(std::fmt::Error)); }
        Ok(Ok(Done$n { product, price }))
    }
}
impl Evolves<Done$n> for Cart {
    fn evolve(&mut self, message: Message<Done$n>) { self.n += message.payload.price + message.payload.product.len() as u64; }
}
impl Cart {
    pub async fn do_it_$n(cart: &ActorRef<Self>, product: impl Into<String>, price: u64) -> Result<(), Failure> {
        cart.execute(DoIt$n { product: product.into(), price }).await.map(drop).map_err(|error| Failure::msg(error.to_string()))
    }
}"
    done
}

check() { # name
    (cd "$work/$1" && CARGO_TARGET_DIR="$root/target/check-time" cargo check --quiet --offline)
}

timed() { # name: milliseconds of one check
    local start
    start=$(date +%s%N)
    check "$1"
    echo $((($(date +%s%N) - start) / 1000000))
}

median() { # name, how many commands
    for how_many in "$2" $(($2 - 1)); do
        "$1" $how_many >"$work/$1/src/lib.rs"
        check "$1"
    done
    for _ in $(seq "$n_rounds"); do
        "$1" "$2" >"$work/$1/src/lib.rs"
        timed "$1"
        "$1" $(($2 - 1)) >"$work/$1/src/lib.rs"
        check "$1"
    done | sort -n | sed -n "$((n_rounds / 2 + 1))p"
}

crate with_macros
crate by_hand
for nth in 2 25 50; do
    macros=$(median with_macros $nth)
    hand=$(median by_hand $nth)
    echo "after adding command $nth with its event, cargo check takes $macros ms with the macros, $hand ms by hand"
    ((macros * 2 <= hand * 3)) || { echo "that is more than 1.5 times" >&2; exit 1; }
done
