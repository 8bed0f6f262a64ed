//! Building: what does not fit together is said before anything runs.

use sourced::prelude::*;
use sourced::{BuildError, GroupId};

use super::shop::*;

#[tokio::test]
async fn every_missing_resource_is_named() {
    let error = App::builder().register::<Till>().build().await.unwrap_err();
    assert!(matches!(&error, BuildError::MissingResources { names } if names.len() == 1));
    assert!(
        error.to_string().contains("Stage") && error.to_string().contains("`till`"),
        "{error}"
    );
}

#[tokio::test]
async fn one_group_name_for_two_reactors_is_refused() {
    let builder = App::builder()
        .resource(Stage::new())
        .register::<Till>()
        .register::<Till>();
    let error = builder.build().await.unwrap_err();
    assert!(
        matches!(error, BuildError::DuplicateGroup(group) if group == GroupId::new("till").unwrap())
    );
}

#[tokio::test]
async fn two_actors_that_decide_one_command_are_refused() {
    #[derive(Debug, Default)]
    struct Rival;

    #[actor]
    impl Rival {
        #[command]
        fn sell_too(&self, _sell: &Sell) {}
    }

    let builder = App::builder()
        .resource(Stage::new())
        .register::<Till>()
        .register::<Rival>();
    let error = builder.build().await.unwrap_err();
    assert!(error.to_string().contains("till.sell"), "{error}");
}

#[tokio::test]
async fn an_actor_that_is_not_registered_says_so_when_it_is_called() {
    let app = App::builder().build().await.unwrap();
    let error = app.actor::<Till>("till-1").sell("tea").await.unwrap_err();
    assert!(
        error.to_string().contains("`till` is not registered"),
        "{error}"
    );
}
