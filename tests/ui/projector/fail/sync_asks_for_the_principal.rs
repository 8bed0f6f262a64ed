use sourced::prelude::*;

#[derive(Debug, Default)]
struct Listing;

#[projector]
impl Listing {
    #[sync]
    async fn save(&self, tx: &mut Tx<'_>, who: Principal) -> Result<(), Failure> {
        tx.put("listings", "all", &who).await
    }
}

fn main() {}
