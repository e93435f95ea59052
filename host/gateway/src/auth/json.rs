//! JSON that others sign and services rely on: read so that it means one thing only, and written so that it fits into a
//! header.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Reads an object. A name that is there twice is refused, on every level: one reader takes the first of the two, the
/// next one the last, and a token would be somebody else's for each (RFC 8725, section 2.4).
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// Valid JSON without spaces, in visible ASCII: what is not is written as `\uXXXX`. Numbers stay as they were written.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        match character {
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            ' '..='~' => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    out
}

/// A value in which every object has each of its names once.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is there twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_each_name_once_on_every_level() {
        for good in ["{}", r#"{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null}}"#, r#" {"a" : -1.5e3} "#] {
            assert_eq!(Value::from(object(good.as_bytes()).unwrap()), serde_json::from_str::<Value>(good).unwrap());
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            "[]",
            "1",
            "{} {}",
            "{",
            r#"{"a":1e999}"#,
            "{\"a\":\"\u{1}\"}",
            "\u{feff}{}",
            "",
            &format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200)),
        ] {
            assert_eq!(object(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn compact_json_fits_into_a_header_and_means_the_same() {
        let json = "{ \"a\" : \"x \\\" y\\\\\" ,\n\t\"b\": [1.50, 12345678901234567890123],\r\"ä\u{7f}\":\"𝄞\" }";
        let compacted = compact(json);
        assert_eq!(compacted, r#"{"a":"x \" y\\","b":[1.50,12345678901234567890123],"\u00e4\u007f":"\ud834\udd1e"}"#);
        assert_eq!(serde_json::from_str::<Value>(&compacted).unwrap(), serde_json::from_str::<Value>(json).unwrap());
    }
}
