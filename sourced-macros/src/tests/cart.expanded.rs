impl Cart {
    /// Adds a product to an open cart.
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn add_item(
        &self,
        product_id: String,
        quantity: u32,
    ) -> Result<ItemAdded, CartError> {
        if self.n_items >= 10 {
            return Err(CartError::Full);
        }
        Ok(ItemAdded { product_id, quantity })
    }
    /// A product was added.
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn item_added(&mut self, _product_id: String, quantity: u32) {
        self.n_items += quantity;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn tell_admin(&self, added: &ItemAdded) -> SendMail {
        let text = format!("{} is in the cart", added.product_id);
        SendMail { text }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn send_mail(&self, text: String, mailer: Res<Mailer>) -> Result<(), Failure> {
        mailer.send(text).await
    }
}
/// Adds a product to an open cart.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct AddItem {
    /// See `Cart::add_item`.
    pub product_id: String,
    /// See `Cart::add_item`.
    #[serde(default = "one")]
    pub quantity: u32,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for AddItem {
    const NAME: &'static str = "cart.add_item";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for AddItem {}
/// A product was added.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
pub struct ItemAdded {
    /// See `Cart::item_added`.
    pub product_id: String,
    /// See `Cart::item_added`.
    pub quantity: u32,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for ItemAdded {
    const NAME: &'static str = "cart.item_added";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for ItemAdded {}
::sourced::__private::returned_by_commands!(ItemAdded);
/// The command of `Cart::send_mail`.
#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize,
)]
#[serde(crate = "::sourced::__private::serde")]
struct SendMail {
    /// See `Cart::send_mail`.
    text: String,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for SendMail {
    const NAME: &'static str = "cart.send_mail";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Command for SendMail {}
::sourced::__private::any_event! {
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { ItemAdded(ItemAdded) =
    " See `Cart::item_added`.", }
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
        table.command::<AddItem>();
        table.event::<ItemAdded>();
        table.command::<SendMail>().needs::<Res<Mailer>>();
        table.reaction::<ItemAdded>();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<AddItem> for Cart {
    type Decision = Result<ItemAdded, CartError>;
    fn decide(
        &self,
        message: ::sourced::__private::Message<AddItem>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            use ::sourced::__private::MayRefuse as _;
            ::sourced::__private::Returned::<Result<ItemAdded, CartError>>::may_refuse();
            ::core::result::Result::Ok(
                Self::add_item(
                    self,
                    message.payload.product_id,
                    message.payload.quantity,
                ),
            )
        })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<SendMail> for Cart {
    type Decision = Result<(), Failure>;
    async fn decide(
        &self,
        message: ::sourced::__private::Message<SendMail>,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        use ::sourced::__private::MayRefuse as _;
        ::sourced::__private::Returned::<Result<(), Failure>>::may_refuse();
        ::core::result::Result::Ok(
            Self::send_mail(self, message.payload.text, cx.get()?).await,
        )
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<ItemAdded> for Cart {
    fn evolve(&mut self, message: ::sourced::__private::Message<ItemAdded>) {
        Self::item_added(self, message.payload.product_id, message.payload.quantity);
    }
}
#[automatically_derived]
impl ::sourced::__private::Reacts<ItemAdded> for Cart {
    fn react(
        &self,
        message: ::sourced::__private::Message<ItemAdded>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<
            ::sourced::__private::Dispatched,
            ::sourced::__private::Failure,
        >,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || {
            let returned = Self::tell_admin(self, &message.payload);
            let mut dispatched = ::sourced::__private::Dispatched::new();
            <SendMail as ::sourced::__private::IntoDispatch>::into_dispatch(
                returned,
                &mut dispatched,
            )?;
            ::core::result::Result::Ok(dispatched)
        })
    }
    fn produces(out: &mut ::sourced::__private::Produces) {
        <SendMail as ::sourced::__private::IntoDispatch>::produces(out);
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `AddItem` | `CartError` | `ItemAdded` | `tell_admin` → `SendMail` |
/// | `SendMail` |  |  |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    /// Adds a product to an open cart.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    pub async fn add_item(
        &self,
        product_id: impl ::core::convert::Into<String>,
        quantity: u32,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, AddItem>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, AddItem>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<AddItem>,
    {
        self.0
            .decide_now(AddItem {
                product_id: ::core::convert::Into::into(product_id),
                quantity,
            })
            .await
    }
    /// Decides `SendMail` here and now.
    ///
    /// # Errors
    /// When the command is refused, or cannot be decided or stored.
    async fn send_mail(
        &self,
        text: impl ::core::convert::Into<String>,
    ) -> ::core::result::Result<
        ::sourced::__private::EventsOf<__Actor, SendMail>,
        ::sourced::__private::CommandError<
            ::sourced::__private::RefusalOf<__Actor, SendMail>,
        >,
    >
    where
        __Actor: ::sourced::__private::Decides<SendMail>,
    {
        self.0
            .decide_now(SendMail {
                text: ::core::convert::Into::into(text),
            })
            .await
    }
}
