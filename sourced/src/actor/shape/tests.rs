//! Tests of what is seen of a type, and that a difference is.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use uuid::Uuid;

use super::*;

macro_rules! shape {
    ($($item:item)*) => {{
        $(#[derive(Deserialize)] #[allow(dead_code)] $item)*
        shape_of::<State>()
    }};
}

#[test]
fn a_field_that_comes_goes_or_is_renamed_is_seen() {
    let before = shape!(
        struct State {
            items: Vec<String>,
        }
    );
    assert_eq!(
        before,
        "[] struct State [\"items\"]\n[0] seq\n[0, 0] string\n"
    );
    let shapes = [
        before.clone(),
        shape!(
            struct State {
                items: Vec<String>,
                #[serde(default)]
                total: u64,
            }
        ),
        shape!(
            struct State {
                items: Vec<String>,
                total: Option<u64>,
            }
        ),
        shape!(
            struct State {}
        ),
        shape!(
            struct State {
                lines: Vec<String>,
            }
        ),
        shape!(
            struct State {
                #[serde(rename = "lines")]
                items: Vec<String>,
                total: u64,
            }
        ),
        shape!(
            struct State {
                items: Vec<u64>,
            }
        ),
    ];
    let different: HashSet<_> = shapes.iter().collect();
    assert_eq!(different.len(), shapes.len(), "{shapes:#?}");
    let again = shape!(
        struct State {
            items: Vec<String>,
        }
    );
    assert_eq!(again, before);
}

#[test]
fn what_is_inside_is_seen_wherever_it_is() {
    macro_rules! differs {
        ($($holder:ty),*) => {$(
            let before = shape!(
                struct State { first: Uuid, held: $holder, last: bool }
                struct Line { product: Uuid }
            );
            let after = shape!(
                struct State { first: Uuid, held: $holder, last: bool }
                struct Line { product: Uuid, #[serde(default)] price: u64 }
            );
            assert_ne!(before, after, "{}", stringify!($holder));
            assert!(before.contains("[2] bool"), "{before}");
        )*};
    }
    differs!(
        Line,
        Vec<Line>,
        Option<Box<Line>>,
        (Uuid, u8, Line),
        [Line; 2],
        HashMap<Uuid, Line>,
        BTreeMap<u64, Vec<Line>>,
        HashMap<String, (Uuid, Option<Line>)>
    );
}

#[test]
fn every_variant_is_looked_into() {
    let before = shape!(
        enum State {
            Empty,
            One(u8),
            Two(u8, String),
            Many { items: Vec<u8> },
        }
    );
    let expected = "[] enum State [\"Empty\", \"One\", \"Two\", \"Many\"]\n\
        [0] unit\n[1] u8\n[2] tuple 2\n[3] fields [\"items\"]\n\
        [2, 0] u8\n[2, 1] string\n[3, 0] seq\n[3, 0, 0] u8\n";
    assert_eq!(before, expected);
}

#[test]
fn a_type_that_contains_itself_comes_to_an_end() {
    let shape = shape!(
        struct State {
            children: Vec<State>,
            tree: Tree,
        }
        enum Tree {
            Node(Box<Tree>, Box<Tree>),
            Leaf(Option<Box<State>>),
        }
    );
    assert!(shape.contains("enum Tree"), "{shape}");
    assert!(shape.lines().count() < 20, "{shape}");
}
