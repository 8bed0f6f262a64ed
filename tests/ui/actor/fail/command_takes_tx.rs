use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub async fn open(&self, tx: &mut Tx<'_>) {
        _ = tx;
    }
}

fn main() {}
