use sourced::prelude::*;

pub struct Mailer;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn send(&self, mailer: Mailer) {
        drop(mailer);
    }
}

fn main() {}
