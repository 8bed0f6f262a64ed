//! Shapes: what a type looks like to serde, as text, so that a state stored in another shape is told from ours.
//!
//! Nothing is read. The type is asked for a value again and again, each time led down to another place inside it; there
//! its question is written down, and answered with an error. So no value has to be valid, but for the elements of a
//! tuple before the one that is looked at, and for the keys of a map: those are made up.

use std::any::type_name;
use std::cell::Cell;
use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::registry::{Filler, N_GUESSES};

/// More places than a state has; who reaches it has a type without an end.
const MAX_PLACES: usize = 10_000;

/// The structs, fields, enums and variants of a type, and of all types inside it.
///
/// What serde does not tell is not in it: the fields behind `flatten`, the content of `untagged` enums and of those with
/// a `tag`, and what a hand-written `Deserialize` does by itself.
pub(super) fn shape_of<T: DeserializeOwned>() -> String {
    let mut shape = String::new();
    let mut known = HashSet::new();
    let mut places = VecDeque::from([Vec::new()]);
    for _ in 0..MAX_PLACES {
        let Some(place) = places.pop_front() else {
            break;
        };
        let Some(found) = (0..N_GUESSES).find_map(|guess| question_at::<T>(&place, guess)) else {
            continue;
        };
        // Writing to a `String` does not fail.
        _ = writeln!(shape, "{place:?} {}", found.question);
        // A type that contains itself is looked into once.
        if found.of.is_none_or(|of| known.insert(of)) {
            places.extend((0..found.n_inner).map(|inner| {
                let mut place = place.clone();
                place.push(inner);
                place
            }));
        }
    }
    shape
}

/// What a type asks for at one place.
struct Found {
    question: String,
    /// How many places there are inside.
    n_inner: usize,
    /// The type that asks, where it may come again. The name is compared in this program only.
    of: Option<&'static str>,
}

fn question_at<T: DeserializeOwned>(place: &[usize], guess: usize) -> Option<Found> {
    let found = Cell::new(None);
    // Always an error: that of the place looked for, or of a made-up value on the way.
    _ = T::deserialize(Guide {
        left: place,
        guess,
        found: &found,
    });
    found.into_inner()
}

/// Leads a type to the place.
#[derive(Clone, Copy)]
struct Guide<'g> {
    /// The way that is left.
    left: &'g [usize],
    guess: usize,
    found: &'g Cell<Option<Found>>,
}

impl<'g> Guide<'g> {
    /// The next step; an error, with the question written down, when this is the place.
    fn step(
        self,
        question: impl FnOnce() -> String,
        n_inner: usize,
        of: Option<&'static str>,
    ) -> Result<(usize, Self), Error> {
        if let Some((&inner, left)) = self.left.split_first() {
            return Ok((inner, Self { left, ..self }));
        }
        self.found.set(Some(Found {
            question: question(),
            n_inner,
            of,
        }));
        Err(Error::custom("this is the place"))
    }

    fn elements(self, len: usize, n_made_up: usize) -> Elements<'g> {
        Elements {
            guide: self,
            n_left: len,
            n_made_up,
        }
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            let question = || stringify!($method).trim_start_matches("deserialize_").to_owned();
            Err(self.step(question, 0, None).err().unwrap_or_else(no_such_place))
        }
    )*};
}

fn no_such_place() -> Error {
    Error::custom("there is nothing inside")
}

impl<'de> Deserializer<'de> for Guide<'_> {
    type Error = Error;

    scalars!(
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier deserialize_ignored_any
    );

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple_struct(name, 0, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (_, inside) = self.step(|| "option".to_owned(), 1, None)?;
        visitor.visit_some(inside)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let of = Some(type_name::<V::Value>());
        let (_, inside) = self.step(|| format!("newtype {name}"), 1, of)?;
        visitor.visit_newtype_struct(inside)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (_, inside) = self.step(|| "seq".to_owned(), 1, None)?;
        visitor.visit_seq(inside.elements(1, 0))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        let (nth, inside) = self.step(|| format!("tuple {len}"), len, None)?;
        visitor.visit_seq(inside.elements(len, nth))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let of = Some(type_name::<V::Value>());
        let (nth, inside) = self.step(|| format!("tuple {name} {len}"), len, of)?;
        visitor.visit_seq(inside.elements(len, nth))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (nth, inside) = self.step(|| "map".to_owned(), 2, None)?;
        visitor.visit_map(inside.elements(2, nth))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let of = Some(type_name::<V::Value>());
        let question = || format!("struct {name} {fields:?}");
        let (nth, value) = self.step(question, fields.len(), of)?;
        let name = fields.get(nth).copied();
        visitor.visit_map(Field { name, value })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let of = Some(type_name::<V::Value>());
        let question = || format!("enum {name} {variants:?}");
        let (nth, content) = self.step(question, variants.len(), of)?;
        let name = variants.get(nth).copied();
        visitor.visit_enum(Field {
            name,
            value: content,
        })
    }
}

/// Elements of which the last is the place, or on the way to it.
struct Elements<'g> {
    guide: Guide<'g>,
    n_left: usize,
    n_made_up: usize,
}

impl Elements<'_> {
    fn next<'de, T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.n_left == 0 {
            return Ok(None);
        }
        self.n_left -= 1;
        if self.n_made_up == 0 {
            return seed.deserialize(self.guide).map(Some);
        }
        self.n_made_up -= 1;
        let made_up = seed.deserialize(Filler::new(self.guide.guess));
        made_up.map(Some).map_err(Error::custom)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.next(seed)
    }
}

/// A key and its value.
impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next(seed)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.next(seed)?.ok_or_else(no_such_place)
    }
}

/// One field of a struct, or one variant of an enum: fields may come in any order, so it is the first.
struct Field<'g> {
    name: Option<&'static str>,
    value: Guide<'g>,
}

impl<'de> MapAccess<'de> for Field<'_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let name = self.name.take();
        name.map(|name| seed.deserialize(StrDeserializer::new(name)))
            .transpose()
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value)
    }
}

impl<'de, 'g> EnumAccess<'de> for Field<'g> {
    type Error = Error;
    type Variant = Guide<'g>;
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Guide<'g>), Error> {
        let name = self.name.ok_or_else(no_such_place)?;
        let variant = seed.deserialize(StrDeserializer::<Error>::new(name))?;
        Ok((variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for Guide<'_> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        self.step(|| "unit".to_owned(), 0, None).map(drop)
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let question = || format!("fields {fields:?}");
        let (nth, value) = self.step(question, fields.len(), None)?;
        let name = fields.get(nth).copied();
        visitor.visit_map(Field { name, value })
    }
}

#[cfg(test)]
mod tests;
