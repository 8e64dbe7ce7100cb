//! Configuration from code, `AUDITRAIL_*`, `OTEL_*`, and defaults, in this order of precedence.
//!
//! The environment is read once, at the start. A mistake stops the start with a [`ConfigError`] that names the
//! variable, the value and the fix; nothing falls back silently. Values that may be secrets are never repeated. If
//! the OTel specification requires a warning, for example for an unknown sampler, [`Warnings`] has it, and the
//! variable counts as unset.

#[cfg(feature = "proxy")]
mod address;
mod directory;
#[cfg(any(feature = "cli", feature = "proxy"))]
mod duration;
mod endpoint;
mod environment;
mod error;
#[cfg(feature = "proxy")]
pub mod file;
mod hex;
mod injected;
mod list;
mod notices;
mod otlp;
mod overrides;
mod quarantine;
mod quarantine_full;
mod regular;
mod resource;
mod sampler;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod variables;
mod warnings;
mod without;

#[cfg(feature = "proxy")]
pub(crate) use self::address::address;
#[cfg(feature = "cli")]
pub(crate) use self::directory::earlier_state_directory;
pub use self::directory::{DIRECTORY, state_directory};
#[cfg(any(feature = "cli", feature = "proxy"))]
pub(crate) use self::duration::duration;
pub use self::environment::Environment;
pub use self::error::ConfigError;
#[cfg(feature = "cli")]
pub(crate) use self::hex::hex;
pub use self::notices::{Notice, NoticeLevel, Notices};
#[cfg(feature = "cli")]
pub(crate) use self::notices::{is_hidden, plain};
#[cfg(feature = "cli")]
pub(crate) use self::otlp::ENDPOINT_METHOD;
pub use self::otlp::{Compression, Header, OtlpSettings, Protocol, Signal};
pub use self::overrides::Overrides;
pub use self::quarantine::QuarantineSettings;
pub use self::quarantine_full::QuarantineFull;
#[cfg(all(feature = "proxy", feature = "tls"))]
pub(crate) use self::regular::read as read_regular;
pub use self::resource::ResourceSettings;
#[cfg(all(feature = "cli", feature = "proxy"))]
pub(crate) use self::resource::service_name_of;
pub use self::sampler::SamplerSettings;
pub use self::settings::Settings;
pub use self::tls::TlsSettings;
pub use self::variables::{FILE, FLUSH_TIMEOUT, JOURNAL_MAX_BYTES, JOURNAL_WITHOUT};
pub use self::warnings::Warnings;
pub use self::without::JournalWithout;
