//! PATCH: an absent field stays, null clears, a value sets.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use validator::{ValidateLength, ValidateRange};

/// A field of a PATCH body that may be cleared. With `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Patch<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Patch<T> {
    /// What the field becomes, or None when it stays.
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|value| value.map_or(Self::Null, Self::Value))
    }
}

/// As `validator` wants it, for its messages.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => serializer.serialize_some(value),
            Self::Absent | Self::Null => serializer.serialize_none(),
        }
    }
}

impl<T: ValidateLength<u64>> ValidateLength<u64> for Patch<T> {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Value(value) => value.length(),
            _ => None,
        }
    }
}

impl<N, T: ValidateRange<N>> ValidateRange<N> for Patch<T> {
    fn greater_than(&self, max: N) -> Option<bool> {
        if let Self::Value(value) = self { value.greater_than(max) } else { None }
    }

    fn less_than(&self, min: N) -> Option<bool> {
        if let Self::Value(value) = self { value.less_than(min) } else { None }
    }
}

/// A field of a PATCH body that can't be cleared: null is an error. With `#[serde(default, deserialize_with = …)]`.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
