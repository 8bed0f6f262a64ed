//! Everything a command may return.
#![deny(warnings)]

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[derive(Debug)]
pub struct No;

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no")
    }
}

impl std::error::Error for No {}

#[command("cart.close")]
pub struct Close {
    pub reason: String,
}

pub struct Mailer;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}

    #[event]
    pub fn closed(&mut self, event: &Message<Shut>) {
        _ = event.seq;
    }

    #[command]
    pub fn nothing(&self) {}

    #[command]
    pub fn unit(&self) -> () {}

    #[command]
    pub fn one(&self) -> Opened {
        Opened
    }

    #[command]
    pub fn perhaps(&self) -> Option<Opened> {
        None
    }

    #[command]
    pub fn many(&self) -> Vec<Opened> {
        vec![]
    }

    #[command]
    pub fn array(&self) -> [Opened; 2] {
        [Opened, Opened]
    }

    #[command]
    pub fn tuple(&self) -> (Opened, Vec<Shut>) {
        (Opened, vec![])
    }

    #[command]
    pub fn refusing(&self) -> Result<Option<Opened>, No> {
        Err(No)
    }

    #[command]
    pub fn failing(&self) -> Result<(Opened, Shut), Failure> {
        Err(Failure::msg("no"))
    }

    #[command]
    pub fn close(&self, command: &Close) -> Shut {
        _ = &command.reason;
        Shut
    }

    #[command]
    pub async fn enveloped(
        &self,
        message: &Message<Reopen>,
        id: &StreamId,
        now: Now,
        replaying: Replaying,
        mailer: Res<Mailer>,
    ) -> Result<Opened, Failure> {
        assert_eq!(&message.stream_id, id);
        _ = (now, replaying.get(), mailer);
        Ok(Opened)
    }

    #[command]
    pub fn surrounded(&self, cx: u32, id: &StreamId, message: String, now: Now) {
        _ = (cx, id, message, now);
    }
}

#[event("cart.shut")]
pub struct Shut;

#[command]
pub struct Reopen;

fn main() {
    assert_eq!(<Reopen as sourced::MessageType>::NAME, "reopen");
}
