impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn place(&self) -> Result<(Placed, Option<Discounted>), CartError> {
        Err(CartError)
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn clear(&self) -> Result<Vec<Removed>, sourced::Failure> {
        Ok(Vec::new())
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn send(&self, _: &send::Mail) -> Result<(), Failure> {
        Ok(())
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn placed(&mut self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn discounted(&mut self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn removed(&mut self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn rest(&self) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn pay(&self, _: &Placed) -> [(Outgoing<Charge>, note::Write); 1] {
        [(Charge.to("payment-1"), note::Write)]
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn tell(&self, _: &stock::Gone) -> Option<Charge> {
        None
    }
}
/// The command of `Cart::place`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Place;
#[automatically_derived]
impl ::sourced::__private::MessageType for Place {
    const NAME: &'static str = "cart.place";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
}
#[automatically_derived]
impl ::sourced::__private::Command for Place {}
/// The command of `Cart::clear`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Clear;
#[automatically_derived]
impl ::sourced::__private::MessageType for Clear {
    const NAME: &'static str = "cart.clear";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
}
#[automatically_derived]
impl ::sourced::__private::Command for Clear {}
/// The event of `Cart::placed`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Placed;
#[automatically_derived]
impl ::sourced::__private::MessageType for Placed {
    const NAME: &'static str = "cart.placed";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
}
#[automatically_derived]
impl ::sourced::__private::Event for Placed {}
::sourced::__private::returned_by_commands!(Placed);
/// The event of `Cart::discounted`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Discounted;
#[automatically_derived]
impl ::sourced::__private::MessageType for Discounted {
    const NAME: &'static str = "cart.discounted";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
}
#[automatically_derived]
impl ::sourced::__private::Event for Discounted {}
::sourced::__private::returned_by_commands!(Discounted);
/// The event of `Cart::removed`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Removed;
#[automatically_derived]
impl ::sourced::__private::MessageType for Removed {
    const NAME: &'static str = "cart.removed";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
}
#[automatically_derived]
impl ::sourced::__private::Event for Removed {}
::sourced::__private::returned_by_commands!(Removed);
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { Placed(Placed) =
    " See `Cart::placed`.", Discounted(Discounted) = " See `Cart::discounted`.",
    Removed(Removed) = " See `Cart::removed`.", }
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
        table.command::<Place>();
        table.command::<Clear>();
        table.command::<send::Mail>();
        table.event::<Placed>();
        table.event::<Discounted>();
        table.event::<Removed>();
        table.reaction::<Placed>();
        table.reaction::<stock::Gone>();
        table.rest_reaction::<Discounted>();
        table.rest_reaction::<Removed>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Place> for Cart {
    type Decision = Result<(Placed, Option<Discounted>), CartError>;
    async fn decide(
        &self,
        _message: ::sourced::__private::Message<Place>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        ::core::result::Result::Ok(Self::place(self))
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Clear> for Cart {
    type Decision = Result<Vec<Removed>, sourced::Failure>;
    async fn decide(
        &self,
        _message: ::sourced::__private::Message<Clear>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        ::core::result::Result::Ok(Self::clear(self))
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<send::Mail> for Cart {
    type Decision = Result<(), Failure>;
    async fn decide(
        &self,
        message: ::sourced::__private::Message<send::Mail>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        ::core::result::Result::Ok(Self::send(self, &message.payload).await)
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Placed> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Placed>) {
        Self::placed(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Discounted> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Discounted>) {
        Self::discounted(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Removed> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<Removed>) {
        Self::removed(self);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Placed> for Cart {
    async fn react(
        &self,
        message: ::sourced::__private::Message<Placed>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<
        ::sourced::__private::Dispatched,
        ::sourced::__private::Failure,
    > {
        let returned = Self::pay(self, &message.payload);
        let mut dispatched = ::sourced::__private::Dispatched::new();
        <[(
            Outgoing<Charge>,
            note::Write,
        ); 1] as ::sourced::__private::IntoDispatch>::into_dispatch(
            returned,
            &mut dispatched,
        )?;
        ::core::result::Result::Ok(dispatched)
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <[(
            Outgoing<Charge>,
            note::Write,
        ); 1] as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<stock::Gone> for Cart {
    async fn react(
        &self,
        message: ::sourced::__private::Message<stock::Gone>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<
        ::sourced::__private::Dispatched,
        ::sourced::__private::Failure,
    > {
        let returned = Self::tell(self, &message.payload);
        let mut dispatched = ::sourced::__private::Dispatched::new();
        <Option<
            Charge,
        > as ::sourced::__private::IntoDispatch>::into_dispatch(
            returned,
            &mut dispatched,
        )?;
        ::core::result::Result::Ok(dispatched)
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <Option<Charge> as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Discounted> for Cart {
    async fn react(
        &self,
        _message: ::sourced::__private::Message<Discounted>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<
        ::sourced::__private::Dispatched,
        ::sourced::__private::Failure,
    > {
        let returned = Self::rest(self);
        let mut dispatched = ::sourced::__private::Dispatched::new();
        <() as ::sourced::__private::IntoDispatch>::into_dispatch(
            returned,
            &mut dispatched,
        )?;
        ::core::result::Result::Ok(dispatched)
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <() as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Removed> for Cart {
    async fn react(
        &self,
        _message: ::sourced::__private::Message<Removed>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<
        ::sourced::__private::Dispatched,
        ::sourced::__private::Failure,
    > {
        let returned = Self::rest(self);
        let mut dispatched = ::sourced::__private::Dispatched::new();
        <() as ::sourced::__private::IntoDispatch>::into_dispatch(
            returned,
            &mut dispatched,
        )?;
        ::core::result::Result::Ok(dispatched)
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <() as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `Place` | `CartError` | `Placed`, `Discounted` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Discounted`: `rest` |
/// | `Clear` |  | `Removed` | `rest` |
/// | `send::Mail` |  |  |  |
/// | | | `stock::Gone` | `tell` → `Charge` |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl CartRef<Cart> {
    /// Decides `Place` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn place(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<Cart, Place>,
        ::sourced::__private::CommandError<::sourced::__private::RefusalOf<Cart, Place>>,
    > {
        self.0.execute(Place).await
    }
    /// Decides `Clear` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn clear(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<Cart, Clear>,
        ::sourced::__private::CommandError<::sourced::__private::RefusalOf<Cart, Clear>>,
    > {
        self.0.execute(Clear).await
    }
    /// Decides `send::Mail` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn send(
        &self,
        command: send::Mail,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<Cart, send::Mail>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<Cart, send::Mail>,
        >,
    > {
        self.0.execute(command).await
    }
}
