//! The tokens of JSON: strings, numbers, keys, and nesting.

mod deep;
mod key;
mod nesting;
mod number;
mod quoted;
#[cfg(feature = "internals")]
mod string;

pub(crate) use self::deep::Deep;
pub(crate) use self::key::Key;
pub(crate) use self::nesting::Nesting;
pub(crate) use self::number::{Number, NumberPart};
pub(crate) use self::quoted::{Nobody, Quoted, REPLACEMENT, Sink, simple_key};
#[cfg(feature = "internals")]
pub(crate) use self::string::string;
