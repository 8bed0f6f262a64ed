use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn count(&self) -> Result<(), String> {
        Err("no".to_owned())
    }
}

fn main() {}
