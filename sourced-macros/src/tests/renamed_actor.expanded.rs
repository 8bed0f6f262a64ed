impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn open(&self) -> Opened {
        Opened
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn opened(&mut self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn closed(&mut self) {}
}
/// The command of `Cart::open`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Open;
#[automatically_derived]
impl ::sourced::__private::MessageType for Open {
    const NAME: &'static str = "shop.cart.open";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    const ALIASES: &'static [&'static str] = &["basket.cart.open", "cart.open"];
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Open {}
/// The event of `Cart::opened`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Opened;
#[automatically_derived]
impl ::sourced::__private::MessageType for Opened {
    const NAME: &'static str = "shop.cart.opened";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    const ALIASES: &'static [&'static str] = &[
        "cart.was_opened",
        "basket.cart.opened",
        "cart.opened",
    ];
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for Opened {}
::sourced::__private::returned_by_commands!(Opened);
/// The event of `Cart::closed`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Closed;
#[automatically_derived]
impl ::sourced::__private::MessageType for Closed {
    const NAME: &'static str = "shop.cart_closed";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for Closed {}
::sourced::__private::returned_by_commands!(Closed);
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { Opened(Opened) =
    " See `Cart::opened`.", Closed(Closed) = " See `Cart::closed`.", }
}
#[automatically_derived]
impl ::sourced::__private::Actor for Cart {
    const NAME: &'static str = "shop.cart";
    const GROUP: &'static str = "cart";
    type Event = CartEvent;
    type Ref = CartRef;
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        <Self as ::core::default::Default>::default()
    }
    fn handlers(table: &mut ::sourced::__private::Handlers<Self>) {
        table.command::<Open>();
        table.event::<Opened>();
        table.event::<Closed>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Open> for Cart {
    type Decision = Opened;
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Open>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Opened>::may_refuse();
            ::core::result::Result::Ok(Self::open(self))
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Opened> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Opened>) {
        Self::opened(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Closed> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Closed>) {
        Self::closed(self);
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `Open` |  | `Opened` |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    /// Decides `Open` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn open(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Open>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Open>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Open>,
    {
        self.0.decide_now(Open).await
    }
}
