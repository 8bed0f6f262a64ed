//! Types, paths and names may be passed on by a `macro_rules` macro, whose fragments are groups that nobody sees.
#![deny(warnings)]

use sourced::prelude::*;

pub struct Mailer;

mod fact {
    #[sourced::event("mail.sent")]
    pub struct Sent {
        pub text: String,
    }

    impl From<u32> for Sent {
        fn from(number: u32) -> Self {
            let text = number.to_string();
            Self { text }
        }
    }
}

macro_rules! counter {
    ($vis:vis, $name:literal, $this:ty, $event:path, $resource:ty, $field:ident: $of:ty) => {
        #[actor($name)]
        impl $this {
            #[command]
            $vis fn count(&self, $field: $of, mailer: $resource, label: Option<$of>) -> Option<$event> {
                _ = (mailer, label);
                Some($field.into())
            }

            #[event]
            $vis fn sent(&mut self, event: &$event) {
                self.0 += event.text.len();
            }

            #[event]
            $vis fn emptied(&mut self, _event: &Message<Emptied>) {
                self.0 = 0;
            }

            #[reaction($event)]
            fn again(&self) -> Option<Count> {
                None
            }
        }

        #[handler]
        impl Greeter {
            #[on($event, Emptied)]
            fn both(&self) {}
        }

        #[projector]
        impl Listing {
            #[event]
            fn sent(&mut self, _: &Message<$event>) {}

            #[sync]
            async fn save(&self, tx: &mut Tx<'_>, mailer: $resource) -> Result<(), Failure> {
                _ = mailer;
                tx.put("listings", "all", &1).await
            }
        }

        #[projector]
        impl Row {
            #[event]
            fn sent(row: Option<Self>, event: &$event) -> Self {
                _ = row;
                Self { text: event.text.clone() }
            }
        }
    };
}

#[event("mail.emptied")]
pub struct Emptied;

#[derive(Debug, Default)]
pub struct Counter(usize);

#[derive(Debug, Default)]
pub struct Greeter;

#[derive(Debug, Default)]
pub struct Listing;

#[derive(Debug, Projection)]
pub struct Row {
    #[key]
    text: String,
}

counter!(pub, "counter", Counter, fact::Sent, Res<Mailer>, by: u32);

macro_rules! whole {
    ($block:item) => {
        #[actor]
        $block
    };
}

#[derive(Debug, Default)]
pub struct Lamp;

whole! {
    impl Lamp {
        #[command]
        pub fn switch(&self, on: bool) -> Switched {
            Switched { on }
        }

        #[event]
        pub fn switched(&mut self, _on: bool) {}
    }
}

fn main() {
    _ = |counter: CounterRef| async move { counter.count(1, None).await };
    _ = |lamp: LampRef| async move { lamp.switch(true).await };
}
