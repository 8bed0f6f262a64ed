impl Sales {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn sold(row: Option<Self>, event: &Sold) -> Self {
        row.unwrap_or_default().with(event)
    }
}
#[automatically_derived]
impl ::sourced::__private::TableProjector for Sales {
    const NAME: &'static str = "sales";
    const ORDER: ::sourced::__private::GroupOrder = ::sourced::__private::GroupOrder::Global;
    fn handlers(handlers: &mut ::sourced::__private::TableHandlers<Self>) {
        handlers.event::<Sold>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Sales {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::TableReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Projects<Sold> for Sales {
    fn key_of(
        message: &::sourced::__private::Message<Sold>,
    ) -> <Self as ::sourced::__private::Row>::Key {
        ::core::clone::Clone::clone(&message.payload.day)
    }
    fn project(
        row: ::sourced::__private::Option<Self>,
        message: &::sourced::__private::Message<Sold>,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Misfit,
    > {
        ::sourced::__private::either(row, |row| Self::sold(row, &message.payload))
    }
}
