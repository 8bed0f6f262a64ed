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
    fn give(
        &self,
        to: Other<Cart>,
    ) -> Result<(Removed, Elsewhere<Placed>), Rejected<Full>> {
        Ok((Removed, to.emit(Placed)))
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn lend(&self, n: u8, to: Other<Cart>) -> Elsewhere<Removed> {
        to.emit(Removed)
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn fill(
        &self,
        emit: &mut Emitter<Self, (Placed, Removed)>,
    ) -> Result<(), Infallible> {
        Ok(())
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn empty(&self, emit: &mut Emitter<Self>) -> Result<(), PaymentFailure> {
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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Clear {}
/// The command of `Cart::give`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Give {
    /// See `Cart::give`.
    to: ::sourced::__private::StreamId,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for Give {
    const NAME: &'static str = "cart.give";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Give {}
/// The command of `Cart::lend`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Lend {
    /// See `Cart::lend`.
    n: u8,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for Lend {
    const NAME: &'static str = "cart.lend";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Lend {}
/// The command of `Cart::fill`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Fill;
#[automatically_derived]
impl ::sourced::__private::MessageType for Fill {
    const NAME: &'static str = "cart.fill";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Fill {}
/// The command of `Cart::empty`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct Empty;
#[automatically_derived]
impl ::sourced::__private::MessageType for Empty {
    const NAME: &'static str = "cart.empty";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Empty {}
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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
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
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
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
        table.command::<Give>();
        table.command::<Lend>();
        table.command::<Fill>();
        table.command::<Empty>();
        table.event::<Placed>();
        table.event::<Discounted>();
        table.event::<Removed>();
        table.reaction::<Placed>();
        table.reaction::<stock::Gone>();
        table.rest_reaction::<Discounted>();
        table.rest_reaction::<Removed>();
        table.emits::<Fill>();
        table.emits::<Empty>();
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
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Place>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<
                Result<(Placed, Option<Discounted>), CartError>,
            >::may_refuse();
            ::core::result::Result::Ok(Self::place(self))
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Clear> for Cart {
    type Decision = Result<Vec<Removed>, sourced::Failure>;
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Clear>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<
                Result<Vec<Removed>, sourced::Failure>,
            >::may_refuse();
            ::core::result::Result::Ok(Self::clear(self))
        })
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
        use ::sourced::__private::MayRefuse as _;
        ::sourced::__private::Returned::<Result<(), Failure>>::may_refuse();
        ::core::result::Result::Ok(Self::send(self, &message.payload).await)
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Give> for Cart {
    type Decision = Result<(Removed, Elsewhere<Placed>), Rejected<Full>>;
    async fn decide(
        &self,
        message: ::sourced::__private::Message<Give>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        use ::sourced::__private::MayRefuse as _;
        ::sourced::__private::Returned::<
            Result<(Removed, Elsewhere<Placed>), Rejected<Full>>,
        >::may_refuse();
        ::core::result::Result::Ok(
            Self::give(
                self,
                ::sourced::__private::Other::load(
                        ::core::result::Result::Ok(
                            ::core::clone::Clone::clone(&message.payload.to),
                        ),
                        &message.stream_id,
                        cx,
                    )
                    .await?,
            ),
        )
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Lend> for Cart {
    type Decision = Elsewhere<Removed>;
    async fn decide(
        &self,
        message: ::sourced::__private::Message<Lend>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        use ::sourced::__private::MayRefuse as _;
        ::sourced::__private::Returned::<Elsewhere<Removed>>::may_refuse();
        ::core::result::Result::Ok({
            let stream_of_to = {
                #[allow(unused_variables)]
                let n = &message.payload.n;
                ::sourced::__private::IntoStreamId::into_stream_id(format!("friend-{n}"))
            };
            Self::lend(
                self,
                message.payload.n,
                ::sourced::__private::Other::load(stream_of_to, &message.stream_id, cx)
                    .await?,
            )
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Fill> for Cart {
    type Decision = ::sourced::__private::Stepwise<
        Self,
        Result<(), Infallible>,
        (Placed, Removed),
    >;
    fn decide(
        &self,
        message: ::sourced::__private::Message<Fill>,
        cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Result<(), Infallible>>::may_refuse();
            let mut emit = ::sourced::__private::Emitter::working(&message, cx)?;
            let returned = Self::fill(self, &mut emit);
            ::core::result::Result::Ok(emit.after(returned))
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Empty> for Cart {
    type Decision = ::sourced::__private::Stepwise<Self, Result<(), PaymentFailure>>;
    fn decide(
        &self,
        message: ::sourced::__private::Message<Empty>,
        cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Result<(), PaymentFailure>>::may_refuse();
            let mut emit = ::sourced::__private::Emitter::working(&message, cx)?;
            let returned = Self::empty(self, &mut emit);
            ::core::result::Result::Ok(emit.after(returned))
        })
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
    fn react(
        &self,
        message: ::sourced::__private::Message<Placed>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
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
        })
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
    fn react(
        &self,
        message: ::sourced::__private::Message<stock::Gone>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            let returned = Self::tell(self, &message.payload);
            let mut dispatched = ::sourced::__private::Dispatched::new();
            <Option<
                Charge,
            > as ::sourced::__private::IntoDispatch>::into_dispatch(
                returned,
                &mut dispatched,
            )?;
            ::core::result::Result::Ok(dispatched)
        })
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <Option<Charge> as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Discounted> for Cart {
    fn react(
        &self,
        _message: ::sourced::__private::Message<Discounted>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            let returned = Self::rest(self);
            let mut dispatched = ::sourced::__private::Dispatched::new();
            <() as ::sourced::__private::IntoDispatch>::into_dispatch(
                returned,
                &mut dispatched,
            )?;
            ::core::result::Result::Ok(dispatched)
        })
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <() as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Removed> for Cart {
    fn react(
        &self,
        _message: ::sourced::__private::Message<Removed>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            let returned = Self::rest(self);
            let mut dispatched = ::sourced::__private::Dispatched::new();
            <() as ::sourced::__private::IntoDispatch>::into_dispatch(
                returned,
                &mut dispatched,
            )?;
            ::core::result::Result::Ok(dispatched)
        })
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
/// | `Give` | `Full` | `Removed`, `Placed` elsewhere | `Removed`: `rest`<br>`Placed`: `pay` → `Charge`, `note::Write` |
/// | `Lend` |  | `Removed` elsewhere | `rest` |
/// | `Fill` |  | `Placed`, `Removed` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Removed`: `rest` |
/// | `Empty` | `PaymentFailure` | `CartEvent` |  |
/// | | | `stock::Gone` | `tell` → `Charge` |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    /// Decides `Place` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn place(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Place>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Place>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Place>,
    {
        self.0.decide_now(Place).await
    }
    /// Decides `Clear` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn clear(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Clear>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Clear>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Clear>,
    {
        self.0.decide_now(Clear).await
    }
    /// Decides `send::Mail` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn send(
        &self,
        command: send::Mail,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, send::Mail>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, send::Mail>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<send::Mail>,
    {
        self.0.decide_now(command).await
    }
    /// Decides `Give` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn give(
        &self,
        to: impl ::sourced::__private::IntoStreamId,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Give>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Give>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Give>,
    {
        self.0
            .decide_now(Give {
                to: ::sourced::__private::IntoStreamId::into_stream_id(to)?,
            })
            .await
    }
    /// Decides `Lend` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn lend(
        &self,
        n: u8,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Lend>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Lend>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Lend>,
    {
        self.0.decide_now(Lend { n }).await
    }
    /// Decides `Fill` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn fill(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Fill>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Fill>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Fill>,
    {
        self.0.decide_now(Fill).await
    }
    /// Decides `Empty` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn empty(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Empty>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Empty>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Empty>,
    {
        self.0.decide_now(Empty).await
    }
}
