impl CartListing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            total: 0,
        }
    }

    #[event]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.total += event.price;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }

    #[sync]
    async fn count(&self, tx: &mut Tx<'_>, replaying: Replaying) -> Result<(), Failure> {
        tx.put("counts", &self.id, &replaying.get()).await
    }
}
