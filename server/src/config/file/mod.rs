//! The configuration file of `auditrail proxy` (TOML), described in `docs/proxy.md`.
//!
//! Invariants:
//! 1. Anything in the file that is not understood stops the start: an unknown key, an invalid value, a class that is
//!    not defined. The error names file, line and key, and what is allowed there.
//! 2. The environment wins over the file, and arguments over both.
//! 3. There is no key for a secret: secrets belong in the environment. As somebody may write one anyway, no error
//!    repeats a value.

mod bounds;
mod certificates;
mod denied;
mod error;
#[cfg(feature = "jwt")]
mod issuers;
#[cfg(not(feature = "jwt"))]
#[path = "no_issuers.rs"]
mod issuers;
mod jwt;
mod read;
mod shape;
mod sink;
mod target;
#[cfg(test)]
mod tests;
mod value;

pub use self::certificates::{ClientCertificateUse, ClientHolder, ClientNameKind};
pub use self::denied::DeniedSettings;
pub use self::error::FileError;
pub use self::jwt::{AlgorithmName, ClaimSettings, JwtSettings, KubernetesSettings};
pub use self::shape::{
    AddressHeader, BoundsSettings, ConfigFile, HeaderIdentity, HostName, HttpFileSettings, HttpRecordName,
    IdentitySettings, JournalSettings, ListenerSettings, OtlpFileSettings, ProcessIdentity, QuarantineFullName,
    StdioSettings, TraceSettings, UnverifiedAlarmSettings,
};
pub use self::sink::{DisabledName, SinkFileSettings, SinkKindName};
pub use self::target::TargetSettings;
pub use self::value::{Address, HeaderField, Network, PathPattern, Share};
