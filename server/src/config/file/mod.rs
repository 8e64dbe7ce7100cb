//! The configuration file of `auditrail proxy` (TOML), described in `docs/proxy.md`.
//!
//! Invariants:
//! 1. Anything in the file that is not understood stops the start: an unknown key, an invalid value, a class that is
//!    not defined. The error names file, line and key, and what is allowed there.
//! 2. The environment wins over the file, and arguments over both.
//! 3. There is no key for a secret: secrets belong in the environment. As somebody may write one anyway, no error
//!    repeats a value.

mod bounds;
mod class;
mod error;
mod read;
mod shape;
mod sink;
#[cfg(test)]
mod tests;
mod value;

pub use self::error::FileError;
pub use self::shape::{
    AcknowledgeName, AddressHeader, BoundsSettings, CallPattern, ClassRule, ClassSettings, ConfigFile, HeaderIdentity,
    HostName, HttpFileSettings, HttpRecordName, IdentitySettings, JournalSettings, ListenerSettings, OtlpFileSettings,
    ProcessIdentity, QuarantineFullName, StdioSettings, TraceSettings, WhenFullName,
};
pub use self::sink::{DisabledName, SinkFileSettings, SinkKindName};
pub use self::value::{Address, FileDuration, HeaderField, Network, PathPattern};
