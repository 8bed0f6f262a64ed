impl Cart {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned() }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn add_item(
        &mut self,
        product: &str,
        labels: &[Self],
        price: std::rc::Rc<u32>,
    ) -> ItemAdded {
        self.add(product, labels, price)
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn remove<T: Into<String>>(&self, product: T) -> impl Into<ItemRemoved> {
        ItemRemoved {
            product: product.into(),
        }
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn clear(&self, command: Message<Clear>) -> Result<(), Full> {
        Ok(())
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub async fn send_mail(&self, text: String, mailer: Mailer) -> Result<(), Failure> {
        mailer.send(text).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub async fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn item_removed(&mut self, _: &mut ItemRemoved) {
        println!("{}", SystemTime::now());
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn tell(&mut self, added: ItemAdded) {}
}
::core::compile_error! {
    "`#[state]` knows only the stream\n\nhelp: write `fn new(id: &StreamId) -> Self`"
}
::core::compile_error! {
    "`#[command]` methods read the state and cannot change or consume it\n\nhelp: write `&self`, return an event, and change the state in the `#[event]` method of that event"
}
::core::compile_error! {
    "`#[command]` stores this parameter as a field, which cannot be borrowed\n\nhelp: write `String`"
}
::core::compile_error! {
    "`#[command]` stores this parameter as a field, which cannot be borrowed\n\nhelp: write `Vec<Cart>`"
}
::core::compile_error! {
    "`#[command]` stores this parameter as a field, and messages go to other threads, which `Rc` cannot\n\nhelp: write `std::sync::Arc<u32>`"
}
::core::compile_error! {
    "`#[command]` methods cannot be generic: a message has one type and one name in storage\n\nhelp: remove the generic parameters, and name concrete types"
}
::core::compile_error! {
    "`#[command]` methods name the events that they return\n\nhelp: write the type, such as `Vec<ItemAdded>` or `Result<ItemAdded, CartError>`"
}
::core::compile_error! {
    "`#[command]` takes a message that is defined elsewhere by reference\n\nhelp: write `&Message<Clear>`"
}
::core::compile_error! {
    "`#[command]` takes a resource of the app as `Res<…>`\n\nhelp: write `Res<Mailer>`"
}
::core::compile_error! {
    "`#[event]` methods cannot be `async`: a replay must not wait for anything\n\nhelp: remove `async`; what has to wait belongs in a `#[command]` or a `#[reaction]`"
}
::core::compile_error! {
    "`#[event]` takes a message that is defined elsewhere by reference\n\nhelp: write `&ItemRemoved`"
}
::core::compile_error! {
    "`#[event]` methods come out the same in every replay, and this writes something out\n\nhelp: remove it: a replay does it again; what is to be told once belongs in an `#[on]` method of a `#[handler]`"
}
::core::compile_error! {
    "`#[event]` methods come out the same in every replay, and this reads a clock\n\nhelp: take a field of the event, which the command sets from `Now`; or `created_at` of `event: &Message<…>`"
}
::core::compile_error! {
    "`#[reaction]` methods read the state and cannot change or consume it\n\nhelp: write `&self`"
}
::core::compile_error! {
    "`#[reaction]` methods take the event by reference\n\nhelp: write `&ItemAdded` for an event, `Res<ItemAdded>` for a resource"
}
#[allow(dead_code)]
pub struct AddItem {
    /// See `Cart::add_item`.
    pub product: String,
    /// See `Cart::add_item`.
    pub labels: Vec<Cart>,
    /// See `Cart::add_item`.
    pub price: std::sync::Arc<u32>,
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
pub struct Remove {
    /// See `Cart::remove`.
    pub product: String,
}
::sourced::__private::broken_message!(Remove);
#[automatically_derived]
impl ::sourced::__private::MessageType for Remove {
    const NAME: &'static str = "cart.remove";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
}
#[automatically_derived]
impl ::sourced::__private::Command for Remove {}
#[allow(dead_code)]
pub struct SendMail {
    /// See `Cart::send_mail`.
    pub text: String,
}
::sourced::__private::broken_message!(SendMail);
#[automatically_derived]
impl ::sourced::__private::MessageType for SendMail {
    const NAME: &'static str = "cart.send_mail";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Command;
}
#[automatically_derived]
impl ::sourced::__private::Command for SendMail {}
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
    #[doc = " Any event of `Cart`."] pub enum CartEvent of Cart { ItemAdded(ItemAdded) =
    " See `Cart::item_added`.", ItemRemoved(ItemRemoved) = " See `Cart::item_removed`.",
    }
}
#[automatically_derived]
impl ::sourced::__private::Actor for Cart {
    const NAME: &'static str = "cart";
    type Event = CartEvent;
    type Ref = CartRef;
    fn initial(_id: &::sourced::__private::StreamId) -> Self {
        ::core::unreachable!()
    }
    fn handlers(_table: &mut ::sourced::__private::Handlers<Self>) {}
}
#[automatically_derived]
impl ::sourced::__private::Register for Cart {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::ActorReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<AddItem> for Cart {
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
impl ::sourced::__private::Decides<Remove> for Cart {
    type Decision = ();
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Remove>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || { ::core::unreachable!() })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<Clear> for Cart {
    type Decision = ();
    fn decide(
        &self,
        _message: ::sourced::__private::Message<Clear>,
        _cx: &::sourced::__private::Context,
    ) -> impl ::sourced::__private::Future<
        Output = ::core::result::Result<Self::Decision, ::sourced::__private::Failure>,
    > + ::sourced::__private::Send {
        ::sourced::__private::at_once(move || { ::core::unreachable!() })
    }
}
#[automatically_derived]
impl ::sourced::__private::Decides<SendMail> for Cart {
    type Decision = ();
    async fn decide(
        &self,
        _message: ::sourced::__private::Message<SendMail>,
        _cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<Self::Decision, ::sourced::__private::Failure> {
        ::core::unreachable!()
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<ItemAdded> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<ItemAdded>) {
        ::core::unreachable!();
    }
}
#[automatically_derived]
impl ::sourced::__private::Evolves<ItemRemoved> for Cart {
    fn evolve(&mut self, _message: ::sourced::__private::Message<ItemRemoved>) {
        ::core::unreachable!();
    }
}
/// One `Cart` of an app, by its stream: a durable method per command.
///
/// # Flow
/// | command | refuses with | emits | then |
/// |---|---|---|---|
/// | `AddItem` |  | `ItemAdded` |  |
/// | `Remove` |  | `ItemRemoved` |  |
/// | `Clear` | `Full` |  |  |
/// | `SendMail` |  |  |  |
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CartRef<__Actor = Cart>(::sourced::__private::ActorRef<__Actor>);
::sourced::__private::actor_ref!(CartRef);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
impl<__Actor: ::sourced::__private::Actor> CartRef<__Actor> {
    #[allow(unused_variables)]
    pub async fn add_item(
        &self,
        product: impl ::core::convert::Into<String>,
        labels: Vec<Cart>,
        price: std::sync::Arc<u32>,
    ) -> ::core::result::Result<
        ItemAdded,
        ::sourced::__private::CommandError<::sourced::__private::Infallible>,
    > {
        ::core::unreachable!()
    }
    #[allow(unused_variables)]
    pub async fn remove(
        &self,
        product: impl ::core::convert::Into<String>,
    ) -> ::core::result::Result<
        ItemRemoved,
        ::sourced::__private::CommandError<::sourced::__private::Infallible>,
    > {
        ::core::unreachable!()
    }
    #[allow(unused_variables)]
    pub async fn clear(
        &self,
        command: Clear,
    ) -> ::core::result::Result<(), ::sourced::__private::CommandError<Full>> {
        ::core::unreachable!()
    }
    #[allow(unused_variables)]
    pub async fn send_mail(
        &self,
        text: impl ::core::convert::Into<String>,
    ) -> ::core::result::Result<
        (),
        ::sourced::__private::CommandError<::sourced::__private::Infallible>,
    > {
        ::core::unreachable!()
    }
}
