//! Configuration from code, `AUDITRAIL_*`, `OTEL_*`, and defaults, in this order of precedence.
//!
//! The environment is read once, at the start. A mistake stops the start with a [`ConfigError`] that names the
//! variable, the value and the fix; nothing falls back silently. Values that may be secrets are never repeated. If
//! the OTel specification requires a warning, for example for an unknown sampler, [`Warnings`] has it, and the
//! variable counts as unset.

mod auditing;
pub(crate) mod directory;
mod disabled;
mod endpoint;
mod environment;
mod error;
mod injected;
mod list;
pub(crate) mod notices;
pub(crate) mod otlp;
mod overrides;
pub(crate) mod quarantine;
mod quarantine_full;
pub(crate) mod regular;
pub(crate) mod resource;
mod sampler;
mod settings;
mod sink;
mod sink_kind;
#[cfg(test)]
mod tests;
mod tls;
mod variables;
mod warnings;
mod without;

pub use self::auditing::Auditing;
pub use self::directory::{DIRECTORY, state_directory};
pub use self::environment::Environment;
pub use self::error::ConfigError;
pub use self::notices::{Notice, NoticeLevel, Notices};
pub use self::otlp::{Compression, Header, OtlpSettings, Protocol, Signal};
pub use self::overrides::Overrides;
pub use self::quarantine::QuarantineSettings;
pub use self::quarantine_full::QuarantineFull;
pub use self::resource::ResourceSettings;
pub use self::sampler::SamplerSettings;
pub use self::settings::Settings;
pub use self::sink::{FileSettings, SinkSettings};
pub use self::sink_kind::SinkKind;
pub use self::tls::TlsSettings;
pub use self::variables::{
    DISABLED, FILE, FILE_KEEP, FILE_MAX_BYTES, FILE_PATH, FLUSH_TIMEOUT, JOURNAL_MAX_BYTES, JOURNAL_WITHOUT,
    RECORD_DIGESTS, SINK,
};
pub use self::warnings::Warnings;
pub use self::without::JournalWithout;
