//! Tests of what types ask for, and of what is told when they refuse.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::*;

/// Gives ones and twos, and says what it was asked.
#[derive(Default)]
struct Ones {
    asked: Vec<String>,
    left_out: &'static str,
    whole: &'static str,
}

impl Answers for Ones {
    fn whole(&mut self, place: &Place<'_>) -> Option<Value> {
        let is_it = !self.whole.is_empty() && place.type_name.ends_with(self.whole);
        is_it.then(|| json!("whole"))
    }
    fn scalar(&mut self, place: &Place<'_>, asked: Scalar) -> Value {
        self.asked.push(format!("{}: {asked:?}", place.path));
        match asked {
            Scalar::Bool => json!(true),
            Scalar::Text | Scalar::Char => json!("1"),
            Scalar::Bytes => json!([1]),
            _ => json!(1),
        }
    }
    fn below(&mut self, bound: usize) -> usize {
        1.min(bound - 1)
    }
    fn leaves_out(&mut self, place: &Place<'_>) -> bool {
        place.path == self.left_out
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Name(String);

#[derive(Debug, PartialEq, Deserialize)]
enum Means {
    Cash,
    Card { digits: u8 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    name: Name,
    means: Option<Means>,
    lines: Vec<(i16, f64)>,
    notes: BTreeMap<char, bool>,
}

#[test]
fn every_question_is_answered_at_its_place() {
    let mut ones = Ones::default();
    let order: Order = make(&mut ones).unwrap();
    let expected = Order {
        name: Name("1".into()),
        means: Some(Means::Card { digits: 1 }),
        lines: vec![(1, 1.0)],
        notes: BTreeMap::from([('1', true)]),
    };
    assert_eq!(order, expected);
    assert_eq!(
        ones.asked,
        [
            "name: Text",
            "means.Card.digits: Unsigned(8)",
            "lines[0][0]: Signed(16)",
            "lines[0][1]: Float",
            "notes[key 0]: Char",
            "notes[0]: Bool",
        ]
    );
}

#[test]
fn a_whole_value_is_taken_by_its_type_also_inside_an_option() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Names {
        first: Name,
        last: Option<Name>,
    }
    let mut ones = Ones {
        whole: "::Name",
        ..Ones::default()
    };
    let names: Names = make(&mut ones).unwrap();
    assert_eq!(names.first, Name("whole".into()));
    assert_eq!(names.last, Some(Name("whole".into())));
}

#[test]
fn the_innermost_place_that_refused_is_told() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Never;
    impl TryFrom<String> for Never {
        type Error = &'static str;
        fn try_from(_: String) -> Result<Self, &'static str> {
            Err("never")
        }
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Holder {
        all: Vec<Never>,
    }
    let unmade = make::<Holder>(&mut Ones::default()).unwrap_err();
    assert_eq!(unmade.refused.path, "all[0]");
    assert!(unmade.refused.type_name.ends_with("Never"), "{unmade}");
    assert_eq!(unmade.reason, "never");
}

#[test]
fn another_name_of_a_field_is_told_from_a_wrong_value() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Renamed {
        #[serde(alias = "old")]
        new: u8,
    }
    let unmade = make::<Renamed>(&mut Ones::default()).unwrap_err();
    assert!(unmade.refused.is_other_name, "{unmade}");
    let mut ones = Ones {
        left_out: Box::leak(unmade.refused.path.into_boxed_str()),
        ..Ones::default()
    };
    assert_eq!(make::<Renamed>(&mut ones).unwrap(), Renamed { new: 1 });
}

#[test]
fn a_type_that_holds_itself_has_an_end() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    enum Tree {
        Node(Box<Tree>, Vec<Tree>),
        Leaf,
    }
    make::<Tree>(&mut Ones::default()).unwrap();
}
