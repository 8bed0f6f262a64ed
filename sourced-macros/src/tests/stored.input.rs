impl Total {
    #[state]
    async fn load(id: &StreamId, tx: &mut Tx<'_>, pool: Res<Pool>) -> Result<Option<Self>, Failure> {
        tx.get("totals", id).await
    }

    #[event]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.cents += event.price;
    }

    #[event(cart::ItemRemoved, Emptied)]
    fn changed(&mut self) {
        self.n_changes += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("totals", id, self).await
    }

    #[after_sync]
    async fn announce(&self, bell: Res<Bell>) -> Result<(), Failure> {
        bell.ring(self.cents).await
    }

    #[after_sync]
    fn count(&self, replaying: Replaying) {
        println!("{replaying:?}");
    }
}
