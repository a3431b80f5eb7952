//! JSON as types take it in: an object where an object is meant, and text where one of several words is.
//!
//! Left to themselves, types that derive `Deserialize` also take an array for an object's members in their order, and
//! `{"word": null}` for a word; maps take null. No document describes such input. Nor does JSON say which of several
//! members with one name is meant (RFC 8259, 4).

use std::collections::HashSet;
use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Number, Value};

use crate::error::{FieldCode, FieldError, MAX_NAMED};

/// What is wrong with what is no text where one of several words is meant.
pub const NO_WORD: &str = "must be text";

/// What JSON text says, and the members that stand in an object more than once, as far as they are named.
pub fn read(text: &str) -> Result<(Value, Vec<FieldError>), Error> {
    let mut repeated = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Reader { pointer: &mut String::new(), repeated: &mut repeated }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    // An object that is repeated repeats what is in it.
    let mut known = HashSet::new();
    repeated.retain(|error: &FieldError| known.insert(error.field.clone()));
    Ok((value, repeated))
}

/// A reference token of a JSON Pointer (RFC 6901, 3).
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[derive(Clone, Copy)]
pub struct Json<'de>(pub &'de Value);

impl<'de> Deserializer<'de> for Json<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.iter().map(Json));
                let taken = visitor.visit_seq(&mut items)?;
                items.end().map(|()| taken)
            }
            Value::Object(members) => {
                let mut members = MapDeserializer::new(members.iter().map(|(key, value)| (key.as_str(), Json(value))));
                let taken = visitor.visit_map(&mut members)?;
                members.end().map(|()| taken)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    /// Not null either, which a map of `serde_json` takes for an empty one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(Error::custom("must be an object")) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            _ => Err(Error::custom(NO_WORD)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Json<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads the value at `pointer`.
struct Reader<'r> {
    pointer: &'r mut String,
    repeated: &'r mut Vec<FieldError>,
}

impl Reader<'_> {
    /// The same for a part of the value.
    fn at(&mut self, part: &str) -> Reader<'_> {
        self.pointer.push('/');
        self.pointer.push_str(part);
        Reader { pointer: self.pointer, repeated: self.repeated }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let (mut array, length) = (Vec::new(), self.pointer.len());
        while let Some(item) = items.next_element_seed(self.at(&array.len().to_string()))? {
            array.push(item);
            self.pointer.truncate(length);
        }
        self.pointer.truncate(length);
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let (mut object, mut repeated, length) = (Map::new(), HashSet::new(), self.pointer.len());
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.at(&escape(&name)))?;
            self.pointer.truncate(length);
            // A pointer may be as long as the body: none is made that nobody reads.
            if object.contains_key(&name) && self.repeated.len() <= MAX_NAMED && repeated.insert(name.clone()) {
                let pointer = format!("{}/{}", self.pointer, escape(&name));
                self.repeated.push(FieldError::body(pointer, FieldCode::Repeated, "may stand only once in its object"));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_stand_there_twice_are_named_once() {
        let text = r#" {"a": 1, "b": [{}, {"c/d": 1, "c\u002fd": 2, "c/d": 3}], "a": {"e": null, "e": 0}} "#;
        let (value, repeated) = read(text).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        let named: Vec<_> = repeated.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
        assert_eq!(named, [("/b/1/c~1d", "repeated"), ("/a/e", "repeated"), ("/a", "repeated")]);
    }

    #[test]
    fn text_is_read_as_it_would_be_without() {
        for text in ["", "{", "[1, 2", "[1] 2", "{\"a\": 1,}", "1e400", "\"\\ud800\"", "nul", &"[".repeat(200)] {
            let expected = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(read(text).unwrap_err().to_string(), expected.to_string(), "{text}");
        }
        for text in ["-0.0", "0.1", "1e-7", "18446744073709551615", "-9223372036854775808", "1e300", "true", "null"] {
            assert_eq!(read(text).unwrap(), (serde_json::from_str(text).unwrap(), Vec::new()), "{text}");
        }
    }
}
