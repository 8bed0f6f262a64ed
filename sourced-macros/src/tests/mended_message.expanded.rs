pub struct ItemAdded {
    pub product: std::sync::Arc<str>,
    pub label: Option<String>,
    #[serde(default)]
    pub price: u32,
}
::core::compile_error! {
    "`#[event]` stores this field, and messages go to other threads, which `Rc` cannot\n\nhelp: write `std::sync::Arc<str>`"
}
::core::compile_error! {
    "`#[event]` stores this field, which cannot be borrowed\n\nhelp: write `Option<String>`"
}
::core::compile_error! {
    "`#[event]` stores this field, and what is in a message never changes\n\nhelp: write what is in the `Cell`, without it; for a resource write `Res<…>`"
}
::sourced::__private::broken_message!(ItemAdded);
#[automatically_derived]
impl ::sourced::__private::MessageType for ItemAdded {
    const NAME: &'static str = "item_added";
    const KIND: ::sourced::__private::Kind = ::sourced::__private::Kind::Event;
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
}
#[automatically_derived]
impl ::sourced::__private::Event for ItemAdded {}
::sourced::__private::returned_by_commands!(ItemAdded);
