use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        _ = tx;
        Ok(())
    }
}

fn main() {}
