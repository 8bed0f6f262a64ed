impl Sales {
    #[event(key = day)]
    fn sold(row: Option<Self>, event: &Sold) -> Self {
        row.unwrap_or_default().with(event)
    }
}
