//! Errors of the HTTP proxy's start.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the HTTP proxy did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpProxyError {
    /// A setting has a value that cannot be used.
    #[error("{setting}: {value:?} cannot be used: {problem}; {fix}")]
    Setting {
        /// The name of the setting in the configuration.
        setting: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        fix: &'static str,
    },
    /// A file of certificates or keys.
    #[error("{}: {problem}; name a readable PEM file", shown(path))]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}; check whether another process does, or name another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
}

/// Something that is not a path may be the content that should be in the file, such as a key.
fn shown(path: &Path) -> Cow<'_, str> {
    let is_path = path.is_absolute() && !path.to_string_lossy().contains('\n');
    if is_path || path.exists() { path.to_string_lossy() } else { Cow::Borrowed("(not shown)") }
}

impl HttpProxyError {
    pub(super) fn setting(
        setting: &'static str,
        value: impl Into<String>,
        problem: impl Into<String>,
        fix: &'static str,
    ) -> Self {
        Self::Setting { setting, value: value.into(), problem: problem.into(), fix }
    }
}
