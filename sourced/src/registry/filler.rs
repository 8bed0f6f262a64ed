//! Fillers: values made up for fields that are wrong, so that the others can be read and all that is wrong is said.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::complaint::Complaint;

/// Gives whatever is asked for. What is made up is never seen by anybody.
#[derive(Clone, Copy)]
pub(crate) struct Filler {
    /// Which of several values is tried.
    pub(super) guess: usize,
    depth: usize,
}

/// How many values are worth a try.
pub(crate) const N_GUESSES: usize = TEXTS.len();

/// Texts that types are made of.
const TEXTS: [&str; 9] = [
    "",
    "a",
    "00000000-0000-4000-8000-000000000000",
    "2000-01-01T00:00:00Z",
    "2000-01-01",
    "00:00:00",
    "1",
    "https://example.org/",
    "a@example.org",
];

/// Deeper than this, a type goes on for ever.
const MAX_DEPTH: usize = 16;

impl Filler {
    pub(crate) fn new(guess: usize) -> Self {
        Self { guess, depth: 0 }
    }

    fn deeper(self) -> Result<Self, Complaint> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(Complaint::custom("nested too deeply"));
        }
        Ok(Self { depth, ..self })
    }
}

// Not 0: there are numbers that may not be.
macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
            visitor.visit_u64(1)
        }
    )*};
}

impl<'de> Deserializer<'de> for Filler {
    type Error = Complaint;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_bool(false)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_f64(1.0)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_f64(1.0)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_str(TEXTS[self.guess % N_GUESSES])
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_seq(Fields::new(self.deeper()?, &[], 0))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_seq(Fields::new(self.deeper()?, &[], len))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_map(Fields::new(self.deeper()?, &[], 0))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        visitor.visit_map(Fields::new(self.deeper()?, fields, fields.len()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        let variant = variants.get(self.guess % variants.len().max(1)).copied();
        visitor.visit_enum(Variant {
            name: variant.unwrap_or_default(),
            content: self.deeper()?,
        })
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_bytes(&[])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Complaint> {
        visitor.visit_bytes(&[])
    }

    whole_numbers!(
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    );
    forward_to_deserialize_any!(unit unit_struct identifier ignored_any);
}

/// Elements or fields, all made up.
struct Fields {
    value: Filler,
    names: std::slice::Iter<'static, &'static str>,
    n_left: usize,
}

impl Fields {
    fn new(value: Filler, names: &'static [&'static str], n_left: usize) -> Self {
        let names = names.iter();
        Self {
            value,
            names,
            n_left,
        }
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Complaint;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Complaint> {
        if self.n_left == 0 {
            return Ok(None);
        }
        self.n_left -= 1;
        seed.deserialize(self.value).map(Some)
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Complaint;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Complaint> {
        match self.names.next() {
            Some(name) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Complaint> {
        seed.deserialize(self.value)
    }
}

/// One variant of an enum, its content made up.
struct Variant {
    name: &'static str,
    content: Filler,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Complaint;
    type Variant = Filler;
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Filler), Complaint> {
        let variant = seed.deserialize(StrDeserializer::<Complaint>::new(self.name))?;
        Ok((variant, self.content))
    }
}

impl<'de> VariantAccess<'de> for Filler {
    type Error = Complaint;
    fn unit_variant(self) -> Result<(), Complaint> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Complaint> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Complaint> {
        self.deserialize_tuple(len, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Complaint> {
        self.deserialize_struct("", fields, visitor)
    }
}
