use sourced::prelude::*;

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    n_items: u32,
}

#[actor(snapshot_every = "often")]
impl Cart {
    #[event]
    pub fn added(&mut self) {
        self.n_items += 1;
    }
}

fn main() {}
