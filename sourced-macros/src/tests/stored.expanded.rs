impl Total {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn load(
        id: &StreamId,
        tx: &mut Tx<'_>,
        pool: Res<Pool>,
    ) -> Result<Option<Self>, Failure> {
        tx.get("totals", id).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.cents += event.price;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn changed(&mut self) {
        self.n_changes += 1;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("totals", id, self).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn announce(&self, bell: Res<Bell>) -> Result<(), Failure> {
        bell.ring(self.cents).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn count(&self, replaying: Replaying) {
        println!("{replaying:?}");
    }
}
#[automatically_derived]
impl ::sourced::__private::Projector for Total {
    const NAME: &'static str = "total";
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        <Self as ::core::default::Default>::default()
    }
    fn handlers(table: &mut ::sourced::__private::Projection<Self>) {
        table.event::<cart::ItemAdded>();
        table.event::<cart::ItemRemoved>();
        table.event::<Emptied>();
        table.needs::<Res<Bell>>();
        table.needs::<Replaying>();
        table.needs::<Res<Pool>>();
        table.loads_in_tx();
        table.saves();
        table.after_sync();
    }
    async fn sync(
        &self,
        tx: &mut ::sourced::__private::Tx<'_>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<(), ::sourced::__private::Failure> {
        Self::save(self, cx.stream_id(), tx).await?;
        ::core::result::Result::Ok(())
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Total {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ProjectorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<cart::ItemAdded> for Total {
    fn evolve(&mut self, message: ::sourced::__private::Message<cart::ItemAdded>) {
        Self::added(self, &message.payload);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<cart::ItemRemoved> for Total {
    fn evolve(&mut self, _message: ::sourced::__private::Message<cart::ItemRemoved>) {
        Self::changed(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Emptied> for Total {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Emptied>) {
        Self::changed(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::LoadsInTx for Total {
    async fn load(
        tx: &mut ::sourced::__private::Tx<'_>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Failure,
    > {
        let loaded = Self::load(cx.stream_id(), tx, cx.get()?).await?;
        ::core::result::Result::Ok(loaded)
    }
}
#[automatically_derived]
impl ::sourced::__private::AfterSync for Total {
    async fn after_sync(
        &self,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<(), ::sourced::__private::Failure> {
        if !cx.is_replaying() {
            Self::announce(self, cx.get()?).await?;
        }
        {
            Self::count(self, cx.get()?);
        }
        ::core::result::Result::Ok(())
    }
}
