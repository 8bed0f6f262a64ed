//! Single values: the odd ones often, plain ones otherwise, and other forms where a type refuses what it was given.

use serde_json::{Value, json};
use sourced::message::Scalar;

use super::bytes::Bytes;

/// How many forms are tried before it is given up.
pub(super) const N_FORMS: usize = 3 + FORMATS.len();

/// Texts that types are made of, after free text and words.
const FORMATS: [&[&str]; 16] = [
    &[
        "00000000-0000-4000-8000-000000000000",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    ],
    // The first and the last of chrono, among those that all others take, too.
    &[
        "2000-01-01T00:00:00Z",
        "+262142-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59.999999999Z",
        "-262143-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2038-01-19T03:14:08.123456Z",
    ],
    &["2000-01-01T00:00:00Z", "2038-01-19T03:14:08.123456Z"],
    &[
        "2000-01-01",
        "+262142-12-31",
        "9999-12-31",
        "-262143-01-01",
        "0000-01-01",
        "2024-02-29",
    ],
    &["2000-01-01", "2024-02-29"],
    &["00:00:00", "23:59:59.999999"],
    &["2000-01-01T00:00:00", "2024-02-29T23:59:59"],
    &["0", "1", "18446744073709551615"],
    &["0.5", "-1.25", "1000000.01"],
    &["https://example.org/", "http://example.org/a?b=c#d"],
    &["a@example.org", "a.b+c@example.org"],
    &["EUR", "USD"],
    &["DE", "US"],
    &["en", "de-CH"],
    &["127.0.0.1", "10.0.0.1"],
    &["PT1S", "P1DT2H"],
];

/// Few, so that one message can be about what another one was about.
const WORDS: [&str; 4] = ["a", "b", "c", "item-1"];

const ODD_TEXTS: [&str; 8] = [
    "",
    " ",
    "a\0b",
    "'\"\\",
    "日本語 🦀",
    "e\u{301}",
    "\u{202e}abc",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// A value of the nth form: the first is the freest one.
pub(super) fn scalar(bytes: &mut Bytes<'_>, asked: Scalar, form: usize) -> Value {
    match asked {
        Scalar::Bool => json!(bytes.below(2) == 1),
        Scalar::Signed(bits) => signed(bytes, bits, form),
        Scalar::Unsigned(bits) => unsigned(bytes, bits, form),
        Scalar::Float => float(bytes, form),
        Scalar::Single => single(bytes, form),
        Scalar::Char => json!(['a', 'b', 'ü', '\0', '🦀', '"'][bytes.below(6)]),
        Scalar::Bytes => {
            let len = bytes.below(4);
            Value::Array((0..len).map(|_| json!(bytes.next())).collect())
        }
        Scalar::Any => any(bytes, form),
        // Text, and what is not known yet.
        _ => Value::String(text(bytes, form)),
    }
}

fn text(bytes: &mut Bytes<'_>, form: usize) -> String {
    let one_of = |texts: &[&str], bytes: &mut Bytes<'_>| texts[bytes.below(texts.len())].to_owned();
    match form {
        0 => match bytes.below(4) {
            0 => one_of(&WORDS, bytes),
            1 => one_of(&ODD_TEXTS, bytes),
            2 => format!("{}-{}", one_of(&WORDS, bytes), bytes.below(4)),
            _ => one_of(&WORDS, bytes).repeat(bytes.below(4)),
        },
        1 => one_of(&WORDS, bytes),
        2 => bytes.below(1000).to_string(),
        form => one_of(FORMATS[(form - 3) % FORMATS.len()], bytes),
    }
}

fn unsigned(bytes: &mut Bytes<'_>, bits: u32, form: usize) -> Value {
    let max = u64::MAX >> (64 - bits);
    json!(match (form, bytes.below(8)) {
        (0, 1) => max,
        (0, 2) => max - 1,
        (0, 3) => max / 2 + 1,
        (0, 4) => bytes.whole() & max,
        (0, 5) => 0,
        (0, _) => bytes.below(16) as u64,
        (1, _) => 1 + bytes.below(100) as u64,
        _ => 1,
    })
}

fn signed(bytes: &mut Bytes<'_>, bits: u32, form: usize) -> Value {
    let max = i64::MAX >> (64 - bits);
    json!(match (form, bytes.below(8)) {
        (0, 1) => max,
        (0, 2) => -max - 1,
        (0, 3) => -1,
        (0, 4) => bytes.whole().cast_signed() >> (64 - bits),
        (0, 5) => 0,
        (0, _) => bytes.below(16).cast_signed() as i64,
        // Such as a time: late enough to be one.
        (1, _) => 1 + bytes.below(100).cast_signed() as i64,
        _ => 1,
    })
}

fn float(bytes: &mut Bytes<'_>, form: usize) -> Value {
    const ODD: [f64; 13] = [
        0.0,
        1.0,
        -0.0,
        -1.0,
        0.1,
        1e300,
        -1e300,
        f64::MIN_POSITIVE,
        5e-324,
        9_007_199_254_740_993.0,
        f64::MAX,
        // A reader that is not exact makes its neighbour of it.
        0.093_884_538_491_205_51,
        0.1 + 0.2,
    ];
    match form {
        0 => match bytes.below(ODD.len() + 3) {
            odd if odd < ODD.len() => json!(ODD[odd]),
            _ => json!(any_finite(f64::from_bits(bytes.whole()))),
        },
        1 => json!(f64::from(bytes.next()) / 256.0),
        _ => json!(1.0 + f64::from(bytes.next())),
    }
}

fn single(bytes: &mut Bytes<'_>, form: usize) -> Value {
    const ODD: [f32; 8] = [
        0.0,
        1.0,
        -0.0,
        0.1,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        1e-45,
    ];
    match form {
        0 => json!(ODD[bytes.below(ODD.len())]),
        form => float(bytes, form),
    }
}

/// What JSON can tell; no other number comes in.
fn any_finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

fn any(bytes: &mut Bytes<'_>, form: usize) -> Value {
    let which = match form {
        0 => bytes.below(7),
        form => form - 1,
    };
    match which {
        0 => Value::Null,
        1 => json!(bytes.below(2) == 1),
        2 => unsigned(bytes, 32, 0),
        3 => json!(text(bytes, 0)),
        4 => json!([]),
        5 => json!({}),
        6 => float(bytes, 0),
        form => json!(text(bytes, form - 4)),
    }
}
