impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn opened(&mut self) {}
}
::core::compile_error! {
    "`crate` of `#[actor]` needs a path\n\nhelp: write `crate = path::to::sourced`"
}
/// The event of `Cart::opened`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct Opened;
#[automatically_derived]
impl ::sourced::__private::MessageType for Opened {
    const NAME: &'static str = "cart.opened";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
}
#[automatically_derived]
impl ::sourced::__private::Event for Opened {}
::sourced::__private::returned_by_commands!(Opened);
#[automatically_derived]
impl ::sourced::__private::Actor for Cart {
    const NAME: &'static str = "cart";
    type Ref = CartRef;
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        <Self as ::core::default::Default>::default()
    }
    fn handlers(table: &mut ::sourced::__private::Handlers<Self>) {
        table.event::<Opened>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Opened> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Opened>) {
        Self::opened(self);
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
#[automatically_derived]
impl<__Actor> ::core::convert::From<::sourced::__private::ActorRef<__Actor>>
for CartRef<__Actor> {
    fn from(actor: ::sourced::__private::ActorRef<__Actor>) -> Self {
        Self(actor)
    }
}
#[automatically_derived]
impl<__Actor> ::core::clone::Clone for CartRef<__Actor> {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl<__Actor> ::core::fmt::Debug for CartRef<__Actor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Debug::fmt(&self.0, f)
    }
}
#[automatically_derived]
impl<__Actor> ::core::ops::Deref for CartRef<__Actor> {
    type Target = ::sourced::__private::ActorRef<__Actor>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl CartRef<Cart> {}
