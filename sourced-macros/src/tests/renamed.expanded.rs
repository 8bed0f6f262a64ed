#[derive(
    ::core::fmt::Debug,
    ::core::clone::Clone,
    ::core::cmp::PartialEq,
    ::sourced::__private::serde::Serialize,
    ::sourced::__private::serde::Deserialize
)]
#[serde(crate = "::sourced::__private::serde")]
/// A product was added.
pub struct ItemAdded {
    pub product: String,
    pub quantity: u32,
}
#[automatically_derived]
impl ::sourced::__private::MessageType for ItemAdded {
    const NAME: &'static str = "cart.item_added.v2";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    const ALIASES: &'static [&'static str] = &["cart.added"];
    const N_OLDER: usize = 1
        + <v1::ItemAdded as ::sourced::__private::MessageType>::N_OLDER;
    fn names() -> ::sourced::__private::Vec<&'static str> {
        ::sourced::__private::names_with::<Self, v1::ItemAdded>()
    }
    fn read(
        type_name: &str,
        payload: &::sourced::__private::Payload,
    ) -> ::core::result::Result<Self, ::sourced::__private::PayloadError> {
        ::sourced::__private::read_since::<Self, v1::ItemAdded>(type_name, payload)
    }
    fn samplers() -> ::sourced::__private::Vec<::sourced::__private::Sampler> {
        ::sourced::__private::samplers_with::<Self, v1::ItemAdded>()
    }
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
const _: () = ::sourced::__private::check_was::<ItemAdded, v1::ItemAdded>();
#[automatically_derived]
impl ::sourced::__private::Event for ItemAdded {}
::sourced::__private::returned_by_commands!(ItemAdded);
