impl CartListing {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn new(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            total: 0,
        }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.total += event.price;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn count(&self, tx: &mut Tx<'_>, replaying: Replaying) -> Result<(), Failure> {
        tx.put("counts", &self.id, &replaying.get()).await
    }
}
#[automatically_derived]
impl ::sourced::__private::Projector for CartListing {
    const NAME: &'static str = "cart_listing";
    fn initial(id: &::sourced::__private::StreamId) -> Self {
        Self::new(id)
    }
    fn handlers(table: &mut ::sourced::__private::Projection<Self>) {
        table.event::<cart::ItemAdded>();
        table.needs::<Replaying>();
        table.saves();
    }
    async fn sync(
        &self,
        tx: &mut ::sourced::__private::Tx<'_>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<(), ::sourced::__private::Failure> {
        Self::save(self, tx).await?;
        Self::count(self, tx, cx.get()?).await?;
        ::core::result::Result::Ok(())
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for CartListing {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ProjectorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<cart::ItemAdded> for CartListing {
    fn evolve(&mut self, message: ::sourced::__private::Message<cart::ItemAdded>) {
        Self::added(self, &message.payload);
    }
}
