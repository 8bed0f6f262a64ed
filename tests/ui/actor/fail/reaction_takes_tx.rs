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

    #[reaction]
    async fn greet(&self, _: &Opened, tx: &mut Tx<'_>) {
        _ = tx;
    }
}

fn main() {}
