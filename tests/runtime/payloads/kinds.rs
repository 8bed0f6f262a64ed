//! Types of all the shapes that serde knows, those among them that it does not read as it wrote them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::draw::{Dice, Draw, Raw};

macro_rules! drawn {
    ($($(#[$of:meta])* struct $name:ident { $($(#[$on:meta])* $field:ident: $ty:ty,)* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$of])*
        pub struct $name { $($(#[$on])* pub $field: $ty,)* }

        impl Draw for $name {
            fn draw(dice: &mut Dice) -> Self {
                Self { $($field: <$ty>::draw(dice),)* }
            }
        }
    )*};
}

drawn! {
    struct Plain {
        a: u8, b: i8, c: u16, d: i16, e: u32, f: i32, g: u64, h: i64, i: u128, j: i128,
        k: f32, l: f64, m: bool, n: char, o: String,
    }
    struct Maybe {
        a: Option<f64>, b: Option<f32>, c: Option<String>, d: Option<Vec<Option<f64>>>, e: Option<(u8, f64)>,
    }
    struct Maps {
        a: BTreeMap<u32, String>, b: HashMap<String, f64>, c: HashSet<String>, d: BTreeMap<char, i64>,
        e: BTreeMap<bool, u8>, f: HashMap<i128, Vec<u8>>, g: HashSet<u64>, h: HashMap<u8, HashSet<(u8, bool)>>,
    }
    struct Times {
        a: DateTime<Utc>, b: NaiveDate, c: Duration, d: Option<DateTime<Utc>>,
    }
    struct Free {
        a: Value, b: Raw, c: BTreeMap<String, Value>,
    }
    struct Tagged {
        a: Outside, b: Inside, c: Beside, d: Vec<Outside>,
    }
    struct Flattened {
        a: u8,
        #[serde(flatten)]
        rest: Inner,
    }
    struct Inner {
        b: f64, c: Option<u64>, d: String, e: Vec<f32>,
    }
    struct Kinded {
        kind: String,
    }
    struct Open {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[serde(default)]
    #[derive(Default)]
    struct LeftOut {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<f64>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        b: Vec<u8>,
    }
    struct LeftOutForEver {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        a: Vec<u8>,
        #[serde(skip_serializing_if = "String::is_empty")]
        b: String,
    }
    struct Renamed {
        #[serde(rename(serialize = "b"))]
        a: Option<u8>,
        #[serde(rename = "type", alias = "c")]
        c: u8,
    }
    struct Lossy {
        #[serde(skip)]
        a: u8,
        b: Option<Option<u8>>,
        c: Alike,
        #[serde(with = "chrono::serde::ts_seconds_option")]
        d: Option<DateTime<Utc>>,
    }
}

macro_rules! variants {
    ($($(#[$of:meta])* enum $name:ident { $($variant:ident $({ $($field:ident: $ty:ty),* })? $(($inner:ty))?,)* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        $(#[$of])*
        pub enum $name { $($variant $({ $($field: $ty),* })? $(($inner))?,)* }

        impl Draw for $name {
            fn draw(dice: &mut Dice) -> Self {
                let makers: &[fn(&mut Dice) -> Self] = &[$(
                    |_dice| Self::$variant $({ $($field: <$ty>::draw(_dice)),* })? $((<$inner>::draw(_dice)))?,
                )*];
                dice.one_of(makers)(dice)
            }
        }
    )*};
}

variants! {
    enum Outside {
        Nothing,
        One(f64),
        Both { a: u8, b: Option<f32> },
        Deeper(Inner),
    }
    #[serde(tag = "kind")]
    enum Inside {
        Nothing,
        Names { names: BTreeMap<u32, String> },
        Large { n: u128 },
        Number { n: f64, m: Option<i64> },
        Clash(Kinded),
        Deeper(Inner),
    }
    #[serde(tag = "t", content = "c")]
    enum Beside {
        Nothing,
        One(f32),
        Names { names: BTreeMap<u32, String> },
        Many(Vec<f64>),
    }
    #[serde(untagged)]
    enum Alike {
        Small(u8),
        Large(u64),
        Text(String),
        Letter(char),
    }
    enum Anything {
        Plain(Plain),
        Maybe(Maybe),
        Maps(Maps),
        Times(Times),
        Free(Free),
        Tagged(Tagged),
        Flattened(Flattened),
        Open(Open),
        LeftOut(LeftOut),
        LeftOutForEver(LeftOutForEver),
        Renamed(Renamed),
        Lossy(Lossy),
    }
}

impl Anything {
    /// Whether its type says of itself that it is read back as something else.
    pub fn is_lossy(&self) -> bool {
        matches!(self, Self::Lossy(_))
    }
}
