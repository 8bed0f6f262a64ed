//! Building: what does not fit together is said before anything runs.

use sourced::message::TypeName;
use sourced::prelude::*;
use sourced::topology::Warning;
use sourced::{BuildError, GroupId, ReactorOptions};

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

mod before {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Purse {
        pub pence: i64,
    }

    #[actor("purse")]
    impl Purse {
        #[command]
        pub fn put_in(&self, pence: i64) -> Filled {
            Filled { pence }
        }
        #[event]
        pub fn filled(&mut self, pence: i64) {
            self.pence += pence;
        }
    }
}

mod after {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Purse {
        pub pence: i64,
    }

    #[actor("purse")]
    impl Purse {
        #[command]
        pub fn put_in(&self, pence: i64) -> Stuffed {
            Stuffed { pence }
        }
        // It was `filled`.
        #[event]
        pub fn stuffed(&mut self, pence: i64) {
            self.pence += pence;
        }
    }

    /// It was `Purse`.
    #[derive(Debug, Default)]
    pub struct Bag;

    #[actor("bag")]
    impl Bag {
        #[command]
        pub fn pack(&self) -> Packed {
            Packed
        }
        #[event]
        pub fn packed(&mut self) {}
    }
}

pub async fn a_message_renamed_without_an_alias_is_told(on: On) {
    let first = on.builder().register::<before::Purse>().build().await;
    let first = first.unwrap();
    assert_eq!(first.warnings(), []);
    first.actor::<before::Purse>("p").put_in(5).await.unwrap();

    let names = |types: &[&str]| -> Vec<TypeName> {
        types
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect()
    };
    let group = GroupId::new("purse").unwrap();
    for _ in 0..2 {
        let second = on.builder().register::<after::Purse>().build().await;
        let types = names(&["purse.filled"]);
        let group = group.clone();
        let lost = Warning::TypesLost { group, types };
        assert_eq!(second.unwrap().warnings(), [lost]);
    }
    // Both versions may run at the same time.
    let again = on.builder().register::<before::Purse>().build().await;
    let types = names(&["purse.stuffed"]);
    assert_eq!(
        again.unwrap().warnings(),
        [Warning::TypesLost { group, types }]
    );

    let meant = ReactorOptions::default().gives_up("purse.filled");
    let meant = on.builder().register_with::<after::Purse>(meant);
    assert_eq!(meant.build().await.unwrap().warnings(), []);
}

pub async fn an_actor_renamed_without_an_alias_is_told_once(on: On) {
    let first = on.builder().register::<before::Purse>().build().await;
    assert_eq!(first.unwrap().warnings(), []);
    let second = on.builder().register::<after::Bag>().build().await.unwrap();
    let ids = |name| vec![GroupId::new(name).unwrap()];
    let (new, left) = (ids("bag"), ids("purse"));
    assert_eq!(second.warnings(), [Warning::GroupsLeft { new, left }]);
    let third = on.builder().register::<after::Bag>().build().await.unwrap();
    assert_eq!(third.warnings(), []);
}
