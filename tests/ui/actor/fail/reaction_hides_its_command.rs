use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {
        self.n_items = 0;
    }

    #[command]
    pub fn pack(&self) {}

    #[reaction]
    fn send_off(&self, _: &Opened) -> Outgoing {
        Pack.to("warehouse-1")
    }
}

fn main() {}
