impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn open(&self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn broken(&self) {}
}
::core::compile_error! {
    "`#[reaction]` lists types of events\n\nhelp: write `#[reaction(ItemAdded, ItemRemoved)]`"
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
pub struct Open;
#[automatically_derived]
impl ::sourced::__private::MessageType for Open {
    const NAME: &'static str = "cart.open";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Open {}
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart {}
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
        table.command::<Open>();
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
    type Decision = ();
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Open>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            ::core::result::Result::Ok(Self::open(self))
        })
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `Open` |  |  |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    /// Decides `Open` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    pub async fn open(
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
