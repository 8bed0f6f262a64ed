#[projection(table = "Lines" crate = sourced)]
pub struct Line<'a> {
    pub product: &'a str,
    #[projection(json)]
    n_added: u32,
}
