//! The deserializer behind samples: whatever a type asks for, somebody answers.

use std::any::type_name;
use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, Error as _, VariantAccess, Visitor};
use serde_json::Error;

use super::access::{Elements, Fields, Variant};
use super::{Answers, Place, RefusedPlace, Scalar};

/// Deeper than this, collections are empty and options are `None`.
const FLAT_FROM: usize = 6;
/// Deeper than this, a type goes on for ever.
const MAX_DEPTH: usize = 32;
/// The most elements of a collection.
const MAX_LENGTH: usize = 3;

/// One sample being made.
pub(super) struct Draw<'a> {
    pub(super) answers: RefCell<&'a mut dyn Answers>,
    /// The innermost place that refused its value.
    pub(super) refused: RefCell<Option<RefusedPlace>>,
}

/// One place of it.
pub(super) struct Drawer<'a> {
    draw: &'a Draw<'a>,
    pub(super) path: String,
    type_name: &'static str,
    depth: usize,
}

impl<'a> Drawer<'a> {
    /// Lets a type make its value at this place.
    pub(super) fn give<'de, T: DeserializeSeed<'de>>(
        draw: &'a Draw<'a>,
        path: String,
        depth: usize,
        seed: T,
    ) -> Result<T::Value, Error> {
        let drawer = Self {
            draw,
            path,
            type_name: type_name::<T::Value>(),
            depth,
        };
        if depth > MAX_DEPTH {
            return Err(Error::custom("it is nested without an end"));
        }
        let refused = drawer.refused();
        let whole = drawer.whole();
        let given = match whole {
            Some(value) => seed.deserialize(value),
            None => seed.deserialize(drawer),
        };
        given.inspect_err(|_| {
            draw.refused.borrow_mut().get_or_insert(refused);
        })
    }

    fn whole(&self) -> Option<serde_json::Value> {
        self.draw.answers.borrow_mut().whole(&self.place())
    }

    fn place(&self) -> Place<'_> {
        Place {
            path: &self.path,
            type_name: self.type_name,
        }
    }

    fn refused(&self) -> RefusedPlace {
        RefusedPlace {
            path: self.path.clone(),
            type_name: self.type_name,
            is_other_name: false,
        }
    }

    pub(super) fn inside<'de, T: DeserializeSeed<'de>>(
        &self,
        path: String,
        seed: T,
    ) -> Result<T::Value, Error> {
        Self::give(self.draw, path, self.depth + 1, seed)
    }

    /// That of the content of a variant.
    pub(super) fn variant(self, name: &str) -> Self {
        let path = self.field(name);
        let depth = self.depth + 1;
        Self {
            path,
            depth,
            ..self
        }
    }

    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let path = self.field(name);
        let place = Place {
            path: &path,
            type_name: "",
        };
        self.draw.answers.borrow_mut().leaves_out(&place)
    }

    pub(super) fn field(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn below(&self, bound: usize) -> usize {
        self.draw.answers.borrow_mut().below(bound).min(bound - 1)
    }

    fn length(&self) -> usize {
        if self.depth > FLAT_FROM {
            return 0;
        }
        self.below(MAX_LENGTH + 1)
    }

    fn scalar<'de, V: Visitor<'de>>(self, asked: Scalar, visitor: V) -> Result<V::Value, Error> {
        let answer = self.draw.answers.borrow_mut().scalar(&self.place(), asked);
        answer.deserialize_any(visitor)
    }

    fn fields<'de, V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut asked = None;
        let fields = Fields {
            drawer: &self,
            names: names.iter(),
            asked: &mut asked,
        };
        let made = visitor.visit_map(fields);
        if let (Err(_), Some(name)) = (&made, asked) {
            // The value was not even asked for: the field is there already, under another name.
            self.draw.refused.borrow_mut().get_or_insert(RefusedPlace {
                path: self.field(name),
                type_name: "",
                is_other_name: true,
            });
        }
        made
    }
}

macro_rules! scalars {
    ($($method:ident => $asked:expr,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.scalar($asked, visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Drawer<'_> {
    type Error = Error;

    scalars!(
        deserialize_any => Scalar::Any,
        deserialize_bool => Scalar::Bool,
        deserialize_i8 => Scalar::Signed(8),
        deserialize_i16 => Scalar::Signed(16),
        deserialize_i32 => Scalar::Signed(32),
        deserialize_i64 => Scalar::Signed(64),
        deserialize_i128 => Scalar::Signed(64),
        deserialize_u8 => Scalar::Unsigned(8),
        deserialize_u16 => Scalar::Unsigned(16),
        deserialize_u32 => Scalar::Unsigned(32),
        deserialize_u64 => Scalar::Unsigned(64),
        deserialize_u128 => Scalar::Unsigned(64),
        deserialize_f32 => Scalar::Single,
        deserialize_f64 => Scalar::Float,
        deserialize_char => Scalar::Char,
        deserialize_str => Scalar::Text,
        deserialize_string => Scalar::Text,
        deserialize_identifier => Scalar::Text,
        deserialize_bytes => Scalar::Bytes,
        deserialize_byte_buf => Scalar::Bytes,
        deserialize_ignored_any => Scalar::Any,
    );

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        if self.depth > FLAT_FROM || self.below(2) == 0 {
            return visitor.visit_none();
        }
        let inner = self.type_name.split_once("Option<");
        if let Some((_, inner)) = inner.filter(|_| self.type_name.ends_with('>')) {
            self.type_name = &inner[..inner.len() - 1];
        }
        match self.whole() {
            Some(value) => visitor.visit_some(value),
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(Error::custom("it is nested without an end"));
        }
        visitor.visit_newtype_struct(Self { depth, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let len = self.length();
        visitor.visit_seq(Elements {
            drawer: &self,
            len,
            at: 0,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements {
            drawer: &self,
            len,
            at: 0,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let len = self.length();
        visitor.visit_map(Elements {
            drawer: &self,
            len,
            at: 0,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if variants.is_empty() {
            return Err(Error::custom("it has no values"));
        }
        // The first variant may be the one that goes on.
        let nth = if self.depth > FLAT_FROM {
            self.depth % variants.len()
        } else {
            self.below(variants.len())
        };
        visitor.visit_enum(Variant {
            name: variants[nth],
            content: self,
        })
    }
}

impl<'de> VariantAccess<'de> for Drawer<'_> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        Drawer::give(self.draw, self.path, self.depth, seed)
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(fields, visitor)
    }
}
