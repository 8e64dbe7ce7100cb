//! Units of framing: lines, server-sent events and bodies, in any encoding of Unicode. A unit contains one message or
//! several.

#[cfg(any(feature = "tower", test, fuzzing))]
mod events;
mod lines;
mod spanning;
mod splits;
mod text_scanner;
mod unicode;

#[cfg(any(feature = "tower", test, fuzzing))]
pub(crate) use self::events::Events;
pub(crate) use self::lines::Lines;
#[cfg(any(feature = "tower", test))]
pub(crate) use self::text_scanner::TextScanner;
