//! Random values, the odd ones often.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// `SplitMix64`: a seed repeats everything.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

pub trait Draw {
    fn draw(dice: &mut Dice) -> Self;
}

macro_rules! whole {
    ($($of:ty)*) => {$(
        impl Draw for $of {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any will do")]
            fn draw(dice: &mut Dice) -> Self {
                match dice.below(4) {
                    0 => dice.one_of(&[0, 1, <$of>::MAX, <$of>::MIN]),
                    1 => dice.below(16) as $of,
                    _ => dice.next() as $of,
                }
            }
        }
    )*};
}
whole!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

impl Draw for f64 {
    #[expect(clippy::cast_precision_loss, reason = "all of these bits fit")]
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(40) {
            0 => dice.one_of(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
            1..10 => dice.one_of(&[
                0.0,
                -0.0,
                0.1 + 0.2,
                5e-324,
                f64::MAX,
                f64::MIN_POSITIVE,
                1e300,
            ]),
            10..25 => (dice.next() >> 11) as f64 / (1_u64 << 53) as f64,
            _ => Some(f64::from_bits(dice.next()))
                .filter(|number| number.is_finite())
                .unwrap_or(1.5),
        }
    }
}

impl Draw for f32 {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(40) {
            0 => dice.one_of(&[f32::NAN, f32::INFINITY]),
            1..10 => dice.one_of(&[0.0, -0.0, 0.1, 1e-45, f32::MAX, f32::MIN_POSITIVE]),
            _ => {
                let bits = u32::draw(dice);
                Some(f32::from_bits(bits))
                    .filter(|number| number.is_finite())
                    .unwrap_or(1.5)
            }
        }
    }
}

impl Draw for bool {
    fn draw(dice: &mut Dice) -> Self {
        dice.below(2) == 1
    }
}

impl Draw for char {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(3) {
            0 => dice.one_of(&[
                'a',
                '"',
                '\\',
                '\0',
                '\u{7f}',
                'ü',
                '🦀',
                '\u{2028}',
                '\u{10ffff}',
            ]),
            _ => char::from_u32(u32::draw(dice) % 0x11_0000).unwrap_or('x'),
        }
    }
}

impl Draw for String {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0 => dice
                .one_of(&[
                    "",
                    "null",
                    "NaN",
                    "{",
                    "$serde_json::private::RawValue",
                    "-0",
                    "é",
                ])
                .to_owned(),
            _ => (0..dice.below(8)).map(|_| char::draw(dice)).collect(),
        }
    }
}

impl Draw for () {
    fn draw(_: &mut Dice) -> Self {}
}

impl<T: Draw> Draw for Option<T> {
    fn draw(dice: &mut Dice) -> Self {
        bool::draw(dice).then(|| T::draw(dice))
    }
}

impl<T: Draw> Draw for Box<T> {
    fn draw(dice: &mut Dice) -> Self {
        Self::new(T::draw(dice))
    }
}

impl<T: Draw> Draw for Vec<T> {
    fn draw(dice: &mut Dice) -> Self {
        (0..dice.below(4)).map(|_| T::draw(dice)).collect()
    }
}

impl<A: Draw, B: Draw> Draw for (A, B) {
    fn draw(dice: &mut Dice) -> Self {
        (A::draw(dice), B::draw(dice))
    }
}

impl<K: Draw + Ord, V: Draw> Draw for BTreeMap<K, V> {
    fn draw(dice: &mut Dice) -> Self {
        Vec::draw(dice).into_iter().collect()
    }
}

impl<K: Draw + Eq + Hash, V: Draw> Draw for HashMap<K, V> {
    fn draw(dice: &mut Dice) -> Self {
        Vec::draw(dice).into_iter().collect()
    }
}

impl<T: Draw + Eq + Hash> Draw for HashSet<T> {
    fn draw(dice: &mut Dice) -> Self {
        Vec::draw(dice).into_iter().collect()
    }
}

impl Draw for Duration {
    fn draw(dice: &mut Dice) -> Self {
        Self::new(u64::draw(dice), u32::draw(dice) % 1_000_000_000)
    }
}

impl Draw for DateTime<Utc> {
    fn draw(dice: &mut Dice) -> Self {
        if dice.below(3) == 0 {
            return dice.one_of(&[Self::MIN_UTC, Self::MAX_UTC, Self::UNIX_EPOCH]);
        }
        let seconds = i64::draw(dice) % 8_000_000_000_000;
        let nanos = u32::draw(dice) % 2_000_000_000;
        Self::from_timestamp(seconds, nanos).unwrap_or_default()
    }
}

impl Draw for NaiveDate {
    fn draw(dice: &mut Dice) -> Self {
        if dice.below(3) == 0 {
            dice.one_of(&[Self::MIN, Self::MAX])
        } else {
            DateTime::draw(dice).date_naive()
        }
    }
}

impl Draw for Value {
    fn draw(dice: &mut Dice) -> Self {
        value(dice, 0)
    }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    // Seldom deeper than a payload may be.
    if depth > 60 && dice.below(40) != 0 {
        return Value::Null;
    }
    let goes_deep = depth > 0 && dice.below(300) == 0;
    if goes_deep {
        let levels = dice.below(70);
        return (0..levels).fold(Value::Null, |inner, _| json!([inner]));
    }
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(bool::draw(dice)),
        2 => json!(i64::draw(dice)),
        3 => json!(u64::draw(dice)),
        4 => json!(f64::draw(dice)),
        5 | 6 => json!(String::draw(dice)),
        7 => (0..dice.below(4)).map(|_| value(dice, depth + 1)).collect(),
        _ => (0..dice.below(4))
            .map(|_| (String::draw(dice), value(dice, depth + 1)))
            .collect(),
    }
}

/// As its text, which is compared.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Raw(Box<RawValue>);

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Draw for Raw {
    fn draw(dice: &mut Dice) -> Self {
        let text = match dice.below(4) {
            0 => dice
                .one_of(&[
                    "1e999",
                    "-0.0",
                    "[ 1 , 2 ]",
                    "1E+2",
                    r#""\ud83d\uded2""#,
                    "{\"a\":1,\"a\":2}",
                ])
                .to_owned(),
            _ => Value::draw(dice).to_string(),
        };
        Self(RawValue::from_string(text).unwrap())
    }
}
