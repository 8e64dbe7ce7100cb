//! The tokens of JSON: strings, numbers, keys, and nesting.

mod key;
mod nesting;
mod number;
mod skipped_value;
#[cfg(feature = "internals")]
mod string;
mod string_reader;

pub(crate) use self::key::KeyText;
pub(crate) use self::nesting::Nesting;
pub(crate) use self::number::{Number, NumberPart};
pub(crate) use self::skipped_value::SkippedValue;
#[cfg(feature = "internals")]
pub(crate) use self::string::string;
pub(crate) use self::string_reader::{Discard, REPLACEMENT, StringReader, StringSink, simple_key};
