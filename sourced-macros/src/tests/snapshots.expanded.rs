impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn new() -> Self {
        Self { total: 0 }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn add(&self, price: u64) -> Added {
        Added { price }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn count(&self, history: &History) -> Counted {
        Counted { n: history.len() }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn added(&mut self, price: u64) {
        self.total += price;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn counted(&mut self, _n: usize) {}
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn look_back(&self, _: &Added, history: &History) -> Option<Count> {
        (history.len() == 3).then_some(Count)
    }
}
/// The command of `Cart::add`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct Add {
    /// See `Cart::add`.
    pub price: u64,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for Add {
    const NAME: &'static str = "cart.add";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Add {}
/// The command of `Cart::count`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct Count;
#[automatically_derived]
impl ::sourced::__private::MessageType for Count {
    const NAME: &'static str = "cart.count";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for Count {}
/// The event of `Cart::added`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct Added {
    /// See `Cart::added`.
    pub price: u64,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for Added {
    const NAME: &'static str = "cart.added";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for Added {}
::sourced::__private::returned_by_commands!(Added);
/// The event of `Cart::counted`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct Counted {
    /// See `Cart::counted`.
    pub n: usize,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for Counted {
    const NAME: &'static str = "cart.counted";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for Counted {}
::sourced::__private::returned_by_commands!(Counted);
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { Added(Added) =
    " See `Cart::added`.", Counted(Counted) = " See `Cart::counted`.", }
}
#[automatically_derived]
impl ::sourced::__private::Actor for Cart {
    const NAME: &'static str = "cart";
    type Event = CartEvent;
    type Ref = CartRef;
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        Self::new()
    }
    fn handlers(table: &mut ::sourced::__private::Handlers<Self>) {
        table.command::<Add>();
        table.command::<Count>();
        table.event::<Added>();
        table.event::<Counted>();
        table.reaction::<Added>();
        {
            static FINGERPRINT: ::sourced::__private::Fingerprint = ::sourced::__private::Fingerprint::of_code(
                9751882286706019444u64,
                2,
            );
            table.snapshots_every(100, &FINGERPRINT);
        }
        table.reads_history::<Count>();
        table.reads_history::<Added>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Add> for Cart {
    type Decision = Added;
    fn decide(
        &self,
        message: ::sourced::__private::Message<Add>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Added>::may_refuse();
            ::core::result::Result::Ok(Self::add(self, message.payload.price))
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Count> for Cart {
    type Decision = Counted;
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Count>,
        cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Counted>::may_refuse();
            ::core::result::Result::Ok(Self::count(self, cx.history()))
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Added> for Cart {
    fn evolve(&mut self, message: ::sourced::__private::Message<Added>) {
        Self::added(self, message.payload.price);
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<Counted> for Cart {
    fn evolve(&mut self, message: ::sourced::__private::Message<Counted>) {
        Self::counted(self, message.payload.n);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<Added> for Cart {
    fn react(
        &self,
        message: ::sourced::__private::Message<Added>,
        cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            let returned = Self::look_back(self, &message.payload, cx.history());
            let mut dispatched = ::sourced::__private::Dispatched::new();
            <Option<
                Count,
            > as ::sourced::__private::IntoDispatch>::into_dispatch(
                returned,
                &mut dispatched,
            )?;
            ::core::result::Result::Ok(dispatched)
        })
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <Option<Count> as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `Add` |  | `Added` | `look_back` → `Count` |
/// | `Count` |  | `Counted` |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    /// Decides `Add` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    pub async fn add(
        &self,
        price: u64,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Add>,
        ::sourced::__private::CommandError<::sourced::__private::RefusalOf<__Actor, Add>>,
    >
    where
        __Actor: ::sourced::__private::Decides<Add>,
    {
        self.0.decide_now(Add { price }).await
    }
    /// Decides `Count` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    pub async fn count(
        &self,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, Count>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, Count>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<Count>,
    {
        self.0.decide_now(Count).await
    }
}
