#[derive(
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize
)]
#[serde(crate = "::sourced::__private::serde")]
#[derive(Debug)]
pub struct ItemAdded {
    pub price: u64,
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
