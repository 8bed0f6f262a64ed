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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for Opened {}
::sourced::__private::returned_by_commands!(Opened);
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { Opened(Opened) =
    " See `Cart::opened`.", }
}
#[automatically_derived]
impl ::sourced::__private::Actor for Cart {
    const NAME: &'static str = "cart";
    type Event = CartEvent;
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
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {}
