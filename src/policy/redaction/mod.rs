//! What of arguments and results may be read, once content is recorded: values are dropped, masked or made unreadable by
//! path, by key and by what detectors find, before anything is written.
//!
//! It fails private: what cannot be looked through (a bound is passed, a rule panics) is masked whole and still recorded.

mod context;
mod protect;
mod redacted;
mod redactor;

pub use self::context::Context;
pub use self::protect::Protect;
pub use self::redacted::{Redacted, Unread};
pub use self::redactor::Redactor;
