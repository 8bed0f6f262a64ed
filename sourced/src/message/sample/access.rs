//! What stands inside of a sample: elements, fields and variants.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess};
use serde_json::Error;

use super::drawer::Drawer;

/// Elements of a list, or keys and values of a map.
pub(super) struct Elements<'d, 'a> {
    pub(super) drawer: &'d Drawer<'a>,
    pub(super) len: usize,
    pub(super) at: usize,
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
        self.drawer.inside(path, seed).map(Some)
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
        self.drawer.inside(path, seed).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let path = format!("{}[{}]", self.drawer.path, self.at - 1);
        self.drawer.inside(path, seed)
    }
}

/// The fields of a struct.
pub(super) struct Fields<'d, 'a> {
    pub(super) drawer: &'d Drawer<'a>,
    pub(super) names: std::slice::Iter<'static, &'static str>,
    /// The field whose value was not asked for yet.
    pub(super) asked: &'d mut Option<&'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let name = self.names.find(|name| !self.drawer.leaves_out(name));
        *self.asked = name.copied();
        match name {
            Some(name) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let name = self.asked.take().unwrap_or_default();
        self.drawer.inside(self.drawer.field(name), seed)
    }
}

/// One variant of an enum.
pub(super) struct Variant<'a> {
    pub(super) name: &'static str,
    pub(super) content: Drawer<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Drawer<'a>;
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Drawer<'a>), Error> {
        let variant = seed.deserialize(StrDeserializer::<Error>::new(self.name))?;
        Ok((variant, self.content.variant(self.name)))
    }
}
