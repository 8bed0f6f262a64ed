//! Building: what does not fit together is said before anything runs.

use sourced::prelude::*;
use sourced::{BuildError, GroupId};

use crate::backends::On;
use crate::shop::*;

pub async fn every_missing_resource_is_named(on: On) {
    let error = on.builder().register::<Till>().build().await.unwrap_err();
    assert!(matches!(&error, BuildError::MissingResources { names } if names.len() == 1));
    assert!(
        error.to_string().contains("Stage") && error.to_string().contains("`till`"),
        "{error}"
    );
}

pub async fn one_group_name_for_two_reactors_is_refused(on: On) {
    let builder = on
        .builder()
        .resource(Stage::new())
        .register::<Till>()
        .register::<Till>();
    let error = builder.build().await.unwrap_err();
    assert!(
        matches!(error, BuildError::DuplicateGroup(group) if group == GroupId::new("till").unwrap())
    );
}

pub async fn two_actors_that_decide_one_command_are_refused(on: On) {
    #[derive(Debug, Default)]
    struct Rival;

    #[actor]
    impl Rival {
        #[command]
        fn sell_too(&self, _sell: &Sell) {}
    }

    let builder = on
        .builder()
        .resource(Stage::new())
        .register::<Till>()
        .register::<Rival>();
    let error = builder.build().await.unwrap_err();
    assert!(error.to_string().contains("till.sell"), "{error}");
}

pub async fn an_actor_that_is_not_registered_says_so_when_it_is_called(on: On) {
    let app = on.builder().build().await.unwrap();
    let error = app.actor::<Till>("till-1").sell("tea").await.unwrap_err();
    assert!(
        error.to_string().contains("`till` is not registered"),
        "{error}"
    );
}
