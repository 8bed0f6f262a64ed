//! The deserializer behind samples: whatever a type asks for, somebody answers.

use std::any::type_name;
use std::cell::RefCell;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde_json::Error;

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
    path: String,
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

    fn inside(&self, path: String) -> Inside<'a> {
        Inside {
            draw: self.draw,
            path,
            depth: self.depth + 1,
        }
    }

    fn field(&self, name: &str) -> String {
        match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
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
        deserialize_f32 => Scalar::Float,
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
        let nth = match self.depth > FLAT_FROM {
            true => self.depth % variants.len(),
            false => self.below(variants.len()),
        };
        visitor.visit_enum(Variant {
            name: variants[nth],
            content: self,
        })
    }
}

/// Where the next value goes.
struct Inside<'a> {
    draw: &'a Draw<'a>,
    path: String,
    depth: usize,
}

impl Inside<'_> {
    fn give<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        Drawer::give(self.draw, self.path, self.depth, seed)
    }
}

/// Elements of a list, or keys and values of a map.
struct Elements<'d, 'a> {
    drawer: &'d Drawer<'a>,
    len: usize,
    at: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.at == self.len {
            return Ok(None);
        }
        let path = format!("{}[{}]", self.drawer.path, self.at);
        self.at += 1;
        self.drawer.inside(path).give(seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, '_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.at == self.len {
            return Ok(None);
        }
        let path = format!("{}[key {}]", self.drawer.path, self.at);
        self.at += 1;
        self.drawer.inside(path).give(seed).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let path = format!("{}[{}]", self.drawer.path, self.at - 1);
        self.drawer.inside(path).give(seed)
    }
}

/// The fields of a struct.
struct Fields<'d, 'a> {
    drawer: &'d Drawer<'a>,
    names: std::slice::Iter<'static, &'static str>,
    /// The field whose value was not asked for yet.
    asked: &'d mut Option<&'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let drawer = self.drawer;
        let name = self.names.find(|name| {
            let path = drawer.field(name);
            let place = Place {
                path: &path,
                type_name: "",
            };
            !drawer.draw.answers.borrow_mut().leaves_out(&place)
        });
        *self.asked = name.copied();
        match name {
            Some(name) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let name = self.asked.take().unwrap_or_default();
        self.drawer.inside(self.drawer.field(name)).give(seed)
    }
}

/// One variant of an enum.
struct Variant<'a> {
    name: &'static str,
    content: Drawer<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Drawer<'a>;
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Drawer<'a>), Error> {
        let variant = seed.deserialize(StrDeserializer::<Error>::new(self.name))?;
        let path = self.content.field(self.name);
        let depth = self.content.depth + 1;
        let content = Drawer {
            path,
            depth,
            ..self.content
        };
        Ok((variant, content))
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
