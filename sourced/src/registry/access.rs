//! What is inside a value: the fields of an object, the elements of a list, the content of a variant.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::complaint::{Complaint, child, element};
use super::reader::{Pass, Reader, read_at};

/// The fields of an object, and those that are made up.
pub(super) struct Entries<'p> {
    left: std::vec::IntoIter<(&'p str, Option<&'p Value>)>,
    current: Option<(&'p str, Option<&'p Value>)>,
    place: String,
    pass: &'p Pass<'p>,
}

impl<'p> Entries<'p> {
    /// Of a type's fields, those it knows; of a map's, all.
    pub(super) fn new(
        object: &'p Map<String, Value>,
        known: Option<&[&str]>,
        place: String,
        pass: &'p Pass<'p>,
    ) -> Self {
        let is_known = |name: &&String| known.is_none_or(|known| known.contains(&name.as_str()));
        let there = object.iter().filter(|(name, _)| is_known(name));
        let mut entries: Vec<_> = there
            .map(|(name, value)| (name.as_str(), Some(value)))
            .collect();
        let fills = pass.fills.values().filter(|fill| fill.parent == place);
        let made_up = fills.filter(|fill| !object.contains_key(&fill.name));
        entries.extend(made_up.map(|fill| (fill.name.as_str(), None)));
        Self {
            left: entries.into_iter(),
            current: None,
            place,
            pass,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Complaint;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        self.current = self.left.next();
        match self.current {
            Some((name, _)) => seed.deserialize(Key { name }).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Complaint> {
        let (name, value) = self.current.take().unwrap_or_default();
        read_at(seed, value, child(&self.place, name), self.pass)
    }
}

/// The name of a field; in maps it may be a number.
struct Key<'p> {
    name: &'p str,
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            if let Ok(number) = self.name.parse::<u64>() {
                visitor.visit_u64(number)
            } else if let Ok(number) = self.name.parse::<i64>() {
                visitor.visit_i64(number)
            } else {
                visitor.visit_str(self.name)
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_str(self.name)
    }

    numbers!(
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    );

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_enum(StrDeserializer::<Complaint>::new(self.name))
    }

    forward_to_deserialize_any!(
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    );
}

/// The elements of a list.
pub(super) struct Items<'p> {
    left: std::iter::Enumerate<std::vec::IntoIter<&'p Value>>,
    place: String,
    pass: &'p Pass<'p>,
}

impl<'p> Items<'p> {
    pub(super) fn new(items: Vec<&'p Value>, place: String, pass: &'p Pass<'p>) -> Self {
        let left = items.into_iter().enumerate();
        Self { left, place, pass }
    }

    /// How many were not asked for.
    pub(super) fn n_left(&self) -> usize {
        self.left.len()
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_> {
    type Error = Complaint;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Complaint> {
        let Some((index, value)) = self.left.next() else {
            return Ok(None);
        };
        read_at(seed, Some(value), element(&self.place, index), self.pass).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A variant of an enum: `{"name": content}`.
pub(super) struct Variant<'p> {
    pub(super) name: &'p str,
    pub(super) content: Reader<'p>,
}

impl<'de, 'p> EnumAccess<'de> for Variant<'p> {
    type Error = Complaint;
    type Variant = Reader<'p>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Reader<'p>), Complaint> {
        let variant = seed.deserialize(StrDeserializer::<Complaint>::new(self.name))?;
        Ok((variant, self.content))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = Complaint;

    fn unit_variant(self) -> Result<(), Complaint> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Complaint> {
        read_at(seed, Some(self.value), self.place, self.pass)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_struct("", fields, visitor)
    }
}
