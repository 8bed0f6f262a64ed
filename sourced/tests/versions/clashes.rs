//! Names that two types claim.

use sourced::prelude::*;

use crate::programs::*;

/// Handles a type and what it was before.
#[derive(Debug, Default)]
struct Torn;

#[actor]
impl Torn {
    #[event]
    fn newer(&mut self, _: &last_week::ItemAdded) {}

    #[event]
    fn older(&mut self, _: &last_week::ItemPut) {}
}

#[tokio::test]
async fn an_old_type_is_not_handled_beside_the_new_one() {
    let error = App::builder().register::<Torn>().build().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`torn`: stored as `cart.item_put`")
            && text.contains("last_week::ItemPut")
            && text.contains("last_week::ItemAdded")
            && text.contains("handle the newer type only"),
        "{text}"
    );
}

#[tokio::test]
async fn an_alias_is_decided_by_one_actor_only() {
    let builder = App::builder()
        .register::<yesterday::Cart>()
        .register::<Thief>();
    let error = builder.build().await.unwrap_err();
    assert!(
        matches!(&error, sourced::BuildError::TwoDeciders { command, .. } if command.as_str() == "cart.place"),
        "{error}"
    );
}

#[derive(Debug, Default)]
struct Thief;

#[actor]
impl Thief {
    #[command(alias = "cart.place")]
    fn take(&self) {}
}
