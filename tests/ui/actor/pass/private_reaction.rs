//! A public actor may dispatch a command that only its module knows.

#![deny(warnings)]

use sourced::prelude::*;

pub mod shop {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart;

    #[actor]
    impl Cart {
        #[command]
        pub fn open(&self) -> Opened {
            Opened
        }

        #[event]
        pub fn opened(&mut self) {}

        #[reaction]
        fn greet(&self, _: &Opened) -> (Greet, Option<Outgoing<Greet>>) {
            (Greet, None)
        }

        #[command]
        fn greet_them(&self, _: &Greet) {}
    }

    #[command("cart.greet")]
    struct Greet;
}

fn main() {
    drop(App::builder().register::<shop::Cart>());
}
