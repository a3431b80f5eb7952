//! Whole numbers in bodies.

use serde::{Deserialize, Deserializer, de};
use serde_json::Number;

/// Up to here every whole number has a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An integer as JSON Schema has it: `3.0` is one too, and some clients write it that way.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    from_number(&Number::deserialize(deserializer)?)
}

/// An integer, or null.
pub fn integer_or_null<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.as_ref().map(from_number).transpose()
}

fn from_number<E: de::Error, T: TryFrom<i64>>(number: &Number) -> Result<T, E> {
    let whole = |float: f64| float.fract() == 0.0 && float.abs() <= EXACT;
    #[allow(clippy::cast_possible_truncation)] // looked at before
    let integer = number.as_i64().or_else(|| number.as_f64().filter(|float| whole(*float)).map(|float| float as i64));
    integer.and_then(|integer| T::try_from(integer).ok()).ok_or_else(|| E::custom("expected an integer in its range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<i32> {
        integer(&mut serde_json::Deserializer::from_str(json)).ok()
    }

    #[test]
    fn whole_numbers_only() {
        for (json, number) in [("3", Some(3)), ("3.0", Some(3)), ("-2e1", Some(-20)), ("-0.0", Some(0))] {
            assert_eq!(read(json), number, "{json}");
        }
        for json in ["3.5", "1e10", "1e300", "99999999999999999999", "\"3\"", "null", "true"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
