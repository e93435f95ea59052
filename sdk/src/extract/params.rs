//! Reads the parameters of a path into types.

use serde::Deserializer;
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Visitor};
use serde::forward_to_deserialize_any;

use super::mismatch::Place;
use super::texts::Texts;
use crate::Result;

/// What the router found, by name.
struct Params<'a>(&'a [(&'static str, String)]);

pub(super) fn read<T: DeserializeOwned>(params: &[(&'static str, String)]) -> Result<T> {
    serde_path_to_error::deserialize(Params(params)).map_err(|error| {
        let sentence = error.inner().to_string();
        if sentence.starts_with("missing field") || sentence.starts_with("invalid length") {
            // No request can mend that: the handler wants more than the pattern of its route has.
            return crate::Error::internal(format_args!("the parameters of the route do not fit: {sentence}"));
        }
        Place::Path.mismatch_of(&name(params, error.path()), &sentence)
    })
}

/// The parameter that is wrong: by name, by its place in a tuple, or the only one.
fn name(params: &[(&'static str, String)], path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    match path.iter().next() {
        Some(Segment::Map { key }) => key.clone(),
        Some(Segment::Seq { index }) => params.get(*index).map_or_else(String::new, |(name, _)| (*name).to_owned()),
        _ => params.first().map_or_else(String::new, |(name, _)| (*name).to_owned()),
    }
}

// === impl Params ===

impl Params<'_> {
    /// The only one.
    fn one(&self) -> Texts {
        assert_eq!(self.0.len(), 1, "one value is taken from the path, so its pattern has one parameter");
        Texts::one(self.0[0].1.clone())
    }

    fn seq<'de, V: Visitor<'de>>(&self, visitor: V) -> std::result::Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.iter().map(|(_, value)| Texts::one(value.clone()))))
    }

    fn map<'de, V: Visitor<'de>>(&self, visitor: V) -> std::result::Result<V::Value, Error> {
        let entries = self.0.iter().map(|(name, value)| (*name, Texts::one(value.clone())));
        visitor.visit_map(MapDeserializer::new(entries))
    }
}

macro_rules! of_one {
    ($($deserialize:ident)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
            self.one().$deserialize(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Params<'_> {
    type Error = Error;

    of_one! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_option
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        self.one().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> std::result::Result<V::Value, Error> {
        self.seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        self.seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, Error> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, Error> {
        self.map(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct identifier ignored_any
    }
}
