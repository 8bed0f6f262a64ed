//! Forms: pairs of names and texts, as an HTML form sends them.

use serde_json::{Map, Value};

/// How deep names may go: `a[b][c]` is three.
const MAX_PARTS: usize = 8;

/// The fields of a form as a JSON value, all texts still texts.
///
/// `address[city]` is a field of an object, `tags[]` and a name that comes more than once make a list, and so does
/// `items[0][price]` where the type asks for one.
///
/// ```
/// use serde_json::json;
/// use sourced::registry::form_value;
///
/// let form = form_value([("name", "tea"), ("tags[]", "hot"), ("size[ml]", "200")]);
/// assert_eq!(form, json!({"name": "tea", "tags": ["hot"], "size": {"ml": "200"}}));
/// ```
pub fn form_value<N: AsRef<str>, T: Into<String>>(
    pairs: impl IntoIterator<Item = (N, T)>,
) -> Value {
    let mut form = Map::new();
    for (name, text) in pairs {
        let parts = parts(name.as_ref());
        put(&mut form, &parts, Value::String(text.into()));
    }
    Value::Object(form)
}

/// `a[b][]` is `a`, `b` and nothing. A name that is not written so is taken as it is.
fn parts(name: &str) -> Vec<&str> {
    let whole = || vec![name];
    let Some((first, rest)) = name.split_once('[') else {
        return whole();
    };
    let Some(rest) = rest.strip_suffix(']') else {
        return whole();
    };
    let parts: Vec<&str> = std::iter::once(first).chain(rest.split("][")).collect();
    let is_plain = |part: &&str| !part.contains(['[', ']']);
    if first.is_empty() || parts.len() > MAX_PARTS || !parts.iter().all(is_plain) {
        return whole();
    }
    parts
}

fn put(object: &mut Map<String, Value>, parts: &[&str], text: Value) {
    let Some((first, rest)) = parts.split_first() else {
        return;
    };
    match rest {
        [] => match object.get_mut(*first) {
            None => {
                object.insert((*first).to_owned(), text);
            }
            Some(Value::Array(list)) => list.push(text),
            Some(earlier) => *earlier = Value::Array(vec![earlier.take(), text]),
        },
        [""] => match object
            .entry(*first)
            .or_insert_with(|| Value::Array(Vec::new()))
        {
            Value::Array(list) => list.push(text),
            earlier => *earlier = Value::Array(vec![earlier.take(), text]),
        },
        _ => {
            let inner = object
                .entry(*first)
                .or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                // Sent both as a text and as an object: the text is a field that no type has.
                let earlier = inner.take();
                *inner = Value::Object(Map::from_iter([(String::new(), earlier)]));
            }
            if let Value::Object(inner) = inner {
                put(inner, rest, text);
            }
        }
    }
}
