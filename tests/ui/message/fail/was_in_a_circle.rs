use sourced::prelude::*;

#[event("order.placed", was = Second)]
struct First {
    item: String,
}

#[event("order.placed.v2", was = First)]
struct Second {
    item: String,
}

impl From<First> for Second {
    fn from(first: First) -> Self {
        Self { item: first.item }
    }
}

impl From<Second> for First {
    fn from(second: Second) -> Self {
        Self { item: second.item }
    }
}

#[derive(Debug, Default)]
struct Order;

#[actor]
impl Order {
    #[command]
    fn place(&self, item: String) -> Second {
        Second { item }
    }

    #[event]
    fn placed(&mut self, _: &Second) {}
}

fn main() {
    let _ = App::builder().register::<Order>();
}
