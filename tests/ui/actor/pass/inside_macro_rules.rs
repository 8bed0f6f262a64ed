//! Handlers may come out of a `macro_rules` macro, in whole or in part.
#![deny(warnings)]

use sourced::prelude::*;

pub struct Mailer;

macro_rules! counter {
    ($name:ident, $field:ident: $type:ty) => {
        #[derive(Debug, Default)]
        pub struct $name($type);

        #[actor("counter")]
        impl $name {
            #[command]
            pub async fn count(&self, $field: $type, message: u8, mailer: Res<Mailer>, id: &StreamId) -> Counted {
                _ = (mailer, id, message);
                Counted { $field }
            }

            #[event]
            pub fn counted(&mut self, $field: $type) {
                self.0 += $field;
            }

            #[reaction]
            fn again(&self, counted: &Counted, now: Now) -> Option<Count> {
                _ = now;
                (self.0 < 3).then_some(Count { $field: counted.$field, message: 0 })
            }
        }
    };
}

counter!(Counter, by: u32);

fn main() {
    _ = Count { by: 1, message: 1 };
    _ = |counter: CounterRef| async move { counter.count(1, 1).await };
}
