pub struct OutstandingTodo {
    #[key]
    todo_id: Uuid,
    title: String,
    #[index]
    pub due: Option<Timestamp>,
    #[projection(json, column = "labels")]
    tags: Vec<String>,
}
