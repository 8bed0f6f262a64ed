pub struct ItemAdded {
    pub product: std::rc::Rc<str>,
    pub label: Option<&'static str>,
    #[serde(default)]
    pub price: std::cell::Cell<u32>,
}
