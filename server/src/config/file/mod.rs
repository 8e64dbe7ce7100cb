//! The configuration file of `auditrail proxy` (TOML). `docs/proxy.md` tells what it may say.
//!
//! Invariants:
//! 1. What the file says and nobody understands stops the start: an unknown key, a value that is none, a class that is
//!    nowhere. The error names file, line and key, and what may stand there.
//! 2. The environment wins over the file, and arguments over both.
//! 3. There is no key for a secret: those are for the environment. As somebody may write one all the same, no error repeats a
//!    value.

mod bounds;
mod class;
mod error;
mod read;
mod shape;
#[cfg(test)]
mod tests;
mod value;

pub use self::error::FileError;
pub use self::shape::{
    AcknowledgeName, AddressHeader, BoundsSettings, ClassSettings, File, HeaderIdentity, HostName, HttpFileSettings,
    HttpRecordName, IdentitySettings, JournalSettings, ListenerSettings, OtlpFileSettings, Pattern, ProcessIdentity,
    Rule, StdioSettings, TraceSettings, WhenFullName,
};
pub use self::value::{Address, Header, Network, Route, Time};
