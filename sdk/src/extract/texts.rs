//! Reads names and texts, as of a query or a form, into types.

use serde::Deserializer;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::mismatch::Place;
use crate::Result;
use crate::percent::pairs;

/// The texts of one name, at least one.
#[derive(Debug, Clone)]
pub(super) struct Texts(Vec<String>);

/// Reads `a=1&b=2`.
pub(super) fn read<T: DeserializeOwned>(text: &str, place: Place) -> Result<T> {
    let mut grouped: Vec<(String, Texts)> = Vec::new();
    for (name, text) in pairs(text) {
        match grouped.iter_mut().find(|(other, _)| *other == name) {
            Some((_, texts)) => texts.0.push(text),
            None => grouped.push((name, Texts(vec![text]))),
        }
    }
    let deserializer = MapDeserializer::<_, Error>::new(grouped.into_iter());
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| place.mismatch(error.path(), &error.inner().to_string()))
}

// === impl Texts ===

impl Texts {
    pub(super) fn one(text: String) -> Self {
        Self(vec![text])
    }

    fn first(self) -> String {
        self.0.into_iter().next().unwrap_or_default()
    }
}

impl IntoDeserializer<'_, Error> for Texts {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Visits what a text says if it can be parsed, and else the text, which no number's visitor takes.
macro_rules! parsed {
    ($($deserialize:ident => $visit:ident),* $(,)?) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
            let text = self.first();
            match text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::invalid_type(Unexpected::Str(&text), &visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Texts {
    type Error = Error;

    parsed! {
        deserialize_bool => visit_bool,
        deserialize_i8 => visit_i8,
        deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32,
        deserialize_i64 => visit_i64,
        deserialize_u8 => visit_u8,
        deserialize_u16 => visit_u16,
        deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64,
        deserialize_f32 => visit_f32,
        deserialize_f64 => visit_f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        visitor.visit_string(self.first())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter().map(Texts::one)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> std::result::Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        let name: StringDeserializer<Error> = self.first().into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple_struct map struct identifier ignored_any
    }
}
