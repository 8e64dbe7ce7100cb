//! Attribute values: what an OTLP `AnyValue` can hold.

use std::borrow::Cow;

/// The key of an attribute. Almost always one of [`names`](super::names).
pub type Key = Cow<'static, str>;

/// The value of an attribute or of the body.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value: only in records that others wrote. auditrail never writes an attribute that is not set.
    Empty,
    /// A string.
    Str(Cow<'static, str>),
    /// A boolean.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// An IEEE 754 double.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// An array of values.
    Array(Vec<Value>),
    /// A map, in the order in which it was written.
    Map(Vec<(Key, Value)>),
}

impl Value {
    /// The string, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// An array of strings.
    pub fn strings<S: Into<Cow<'static, str>>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::Array(items.into_iter().map(|item| Self::Str(item.into())).collect())
    }
}

/// A value without parts that somebody else holds, such as a field of a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    #[cfg_attr(not(feature = "layer"), expect(dead_code, reason = "only fields of spans hold texts that are lent"))]
    Str(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
}

/// What an attribute is set to without a [`Value`] in between: a scalar, or an array of that one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Given<'a> {
    pub(crate) scalar: Scalar<'a>,
    pub(crate) in_list: bool,
}

impl<'a> Given<'a> {
    /// The string, if this is one.
    #[cfg(feature = "layer")]
    pub(crate) fn as_str(&self) -> Option<&'a str> {
        match self {
            Self { scalar: Scalar::Str(text), in_list: false } => Some(text),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl From<$type> for Value { fn from($value: $type) -> Self { $make } })*
    };
}

from! {
    &'static str => |text| Self::Str(Cow::Borrowed(text));
    String => |text| Self::Str(Cow::Owned(text));
    Cow<'static, str> => |text| Self::Str(text);
    bool => |flag| Self::Bool(flag);
    i64 => |number| Self::Int(number);
    u32 => |number| Self::Int(i64::from(number));
    u16 => |number| Self::Int(i64::from(number));
    f64 => |number| Self::Double(number);
    Vec<u8> => |bytes| Self::Bytes(bytes);
    Vec<String> => |items| Self::strings(items);
}
