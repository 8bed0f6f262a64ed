//! Everything a reaction may take and return.
#![deny(warnings)]

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

pub struct Mailer;

pub mod other {
    #[sourced::event("other.happened")]
    pub struct Happened;
}

#[actor]
impl Cart {
    #[reaction]
    fn all_others(&self) -> Open {
        Open
    }

    #[command]
    pub fn open(&self) -> Opened {
        Opened
    }

    #[event]
    pub fn opened(&mut self) {}

    #[event]
    pub fn a(&mut self) {}

    #[event]
    pub fn b(&mut self) {}

    #[event]
    pub fn c(&mut self) {}

    #[event]
    pub fn d(&mut self) {}

    #[event]
    pub fn e(&mut self) {}

    #[reaction]
    fn elsewhere(&self, event: &Message<A>) -> Outgoing<Open> {
        Open.to(&event.stream_id)
    }

    #[reaction(B, other::Happened)]
    async fn two(&self, id: &StreamId, mailer: Res<Mailer>, now: Now) -> Result<(Open, Vec<Open>), Failure> {
        _ = (id, mailer, now);
        Ok((Open, vec![]))
    }

    #[reaction]
    fn nothing(&self, _: &C) {}

    #[reaction]
    fn anew(&self, _: &D) -> Option<Outgoing<Open>> {
        Some(Open.to_new::<Cart>())
    }
}

fn main() {
    let cart = Cart;
    assert_eq!(cart.all_others(), Open);
}
