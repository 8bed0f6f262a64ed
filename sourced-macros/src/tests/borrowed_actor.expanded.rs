impl<'a> Cart<'a> {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn add_item(&self, product: String) -> ItemAdded {
        ItemAdded { product }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn item_added(&mut self, _product: String) {}
}
::core::compile_error! {
    "`#[actor]` cannot borrow: what it is made of outlives every call\n\nhelp: remove the lifetime, and write owned types in the struct, such as `String` for `&str`"
}
#[allow(dead_code)]
pub struct AddItem {
    /// See `Cart::add_item`.
    pub product: String,
}
::sourced::__private::broken_message!(AddItem);
#[automatically_derived]
impl ::sourced::__private::MessageType for AddItem {
    const NAME: &'static str = "cart.add_item";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
}
#[automatically_derived]
impl ::sourced::__private::Command for AddItem {}
#[allow(dead_code)]
pub struct ItemAdded {
    /// See `Cart::item_added`.
    pub product: String,
}
::sourced::__private::broken_message!(ItemAdded);
#[automatically_derived]
impl ::sourced::__private::MessageType for ItemAdded {
    const NAME: &'static str = "cart.item_added";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
}
#[automatically_derived]
impl ::sourced::__private::Event for ItemAdded {}
::sourced::__private::returned_by_commands!(ItemAdded);
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart < 'static > {
    ItemAdded(ItemAdded) = " See `Cart::item_added`.", }
}
#[automatically_derived]
impl ::sourced::__private::Actor for Cart<'static> {
    const NAME: &'static str = "cart";
    type Event = CartEvent;
    type Ref = CartRef;
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        ::core::unreachable!()
    }
    fn handlers(_table: &mut ::sourced::__private::Handlers<Self>) {}
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart<'static> {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<AddItem> for Cart<'static> {
    type Decision = ();
    fn decide(
        &self,
        _message: ::sourced::__private::Message<AddItem>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || { ::core::unreachable!() })
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<ItemAdded> for Cart<'static> {
    fn evolve(&mut self, _message: ::sourced::__private::Message<ItemAdded>) {
        ::core::unreachable!();
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `AddItem` |  | `ItemAdded` |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart<'static>>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    #[allow(unused_variables)]
    pub async fn add_item(
        &self,
        product: impl ::core::convert::Into<String>,
    ) -> ::core::result::Result<
        ItemAdded,
        ::sourced::__private::CommandError<::sourced::__private::Infallible>,
    > {
        ::core::unreachable!()
    }
}
