//! What an attribute is expected to be.

use std::borrow::Cow;

use crate::record::{Detail, EventName, Status, Value};

/// A value that an [`Expectation`](super::Expectation) can be given: texts, numbers, booleans, lists of texts, and the types of
/// outcomes and events.
pub trait ExpectedValue {
    /// As it stands in a record.
    fn expected(self) -> Value;
}

macro_rules! expected {
    ($($type:ty => |$value:ident| $make:expr;)*) => {
        $(impl ExpectedValue for $type { fn expected(self) -> Value { let $value = self; $make } })*
    };
}

expected! {
    &str => |text| Value::from(text.to_owned());
    &String => |text| Value::from(text.clone());
    String => |text| Value::from(text);
    bool => |flag| Value::Bool(flag);
    i32 => |number| Value::Int(number.into());
    i64 => |number| Value::Int(number);
    u16 => |number| Value::Int(number.into());
    u32 => |number| Value::Int(number.into());
    f64 => |number| Value::Double(number);
    Status => |status| Value::from(status.as_str());
    Detail => |detail| Value::from(detail.as_str());
    Value => |value| value;
    EventName => |event| Value::from(event.as_str());
    &[&str] => |texts| Value::strings(texts.iter().map(|text| (*text).to_owned()));
}

impl<const N: usize> ExpectedValue for [&str; N] {
    fn expected(self) -> Value {
        self.as_slice().expected()
    }
}

/// A value as it would be written in an assertion.
pub(super) fn shown(value: &Value) -> Cow<'static, str> {
    match value {
        Value::Empty => "nothing".into(),
        Value::Str(text) => format!("{text:?}").into(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::Int(number) => number.to_string().into(),
        Value::Double(number) => format!("{number:?}").into(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()).into(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", ")).into()
        }
        Value::Map(entries) => format!("a map of {}", entries.len()).into(),
    }
}
