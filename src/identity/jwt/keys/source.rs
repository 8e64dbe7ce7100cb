//! Where the keys of an issuer come from.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderValue, Uri};

use super::client::{Client, bearer};
use super::discovery::discover;
use super::error::LoadError;
use super::key_set::KeySet;
use crate::config::regular;

/// Where the keys of an issuer come from.
#[derive(Debug, Clone)]
pub(in crate::identity::jwt) enum Source {
    /// A file with a JSON Web Key Set.
    File(PathBuf),
    /// Its address.
    Url(Uri),
    /// The metadata of the issuer name it.
    Discovery(String),
}

/// Loads from a source, on the thread `auditrail-keys`.
#[derive(Debug)]
pub(in crate::identity::jwt) struct Loader {
    source: Source,
    ca: Option<PathBuf>,
    bearer_file: Option<PathBuf>,
    timeout: Duration,
    /// The state of the file when it was last read.
    seen: Option<FileState>,
}

/// Changes whenever somebody writes the file or puts another one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
}

/// What a load gave.
#[derive(Debug)]
pub(in crate::identity::jwt) enum Loaded {
    /// Keys, and how long the server wants them to be used.
    Keys(KeySet, Option<Duration>),
    /// The file is as it was.
    Unchanged,
}

impl Loader {
    pub(in crate::identity::jwt) const fn new(
        source: Source,
        ca: Option<PathBuf>,
        bearer_file: Option<PathBuf>,
        timeout: Duration,
    ) -> Self {
        Self { source, ca, bearer_file, timeout, seen: None }
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// The file is read at the start, too, so that a wrong one stops it. `None` if the keys are not in a file.
    pub(in crate::identity::jwt) fn load_file(&mut self) -> Option<Result<Loaded, LoadError>> {
        let Source::File(path) = &self.source else { return None };
        let path = path.clone();
        Some(self.of_file(&path))
    }

    pub(super) async fn load(&mut self) -> Result<Loaded, LoadError> {
        if let Some(loaded) = self.load_file() {
            return loaded;
        }
        let client = self.client()?;
        let address = match &self.source {
            Source::Url(address) => address.clone(),
            Source::Discovery(issuer) => discover(&client, issuer).await?,
            Source::File(_) => return Ok(Loaded::Unchanged),
        };
        let answer = client.get(&address, self.bearer()?).await?;
        let keys =
            KeySet::parse(&answer.body).map_err(|error| LoadError::Content(super::address::shown(&address), error))?;
        Ok(Loaded::Keys(keys, answer.max_age))
    }

    /// A new one for each load: the authorities may have been exchanged, as Kubernetes does.
    fn client(&self) -> Result<Client, LoadError> {
        let pem = match &self.ca {
            Some(path) => {
                Some(regular::read(path).map_err(|error| LoadError::File(path.display().to_string(), error))?)
            }
            None => None,
        };
        Client::new(pem.as_deref(), self.timeout)
    }

    /// Read for each load, as Kubernetes exchanges it every hour.
    fn bearer(&self) -> Result<Option<HeaderValue>, LoadError> {
        let Some(path) = &self.bearer_file else { return Ok(None) };
        let token = regular::read(path).map_err(|error| LoadError::File(path.display().to_string(), error))?;
        Ok(bearer(&token))
    }

    fn of_file(&mut self, path: &Path) -> Result<Loaded, LoadError> {
        let failed = |error| LoadError::File(path.display().to_string(), error);
        let metadata = fs::metadata(path).map_err(failed)?;
        let state = FileState {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        };
        if self.seen == Some(state) {
            return Ok(Loaded::Unchanged);
        }
        if metadata.len() > MOST_BYTES {
            return Err(LoadError::TooLong(
                path.display().to_string(),
                usize::try_from(MOST_BYTES).unwrap_or(usize::MAX),
            ));
        }
        let content = regular::read(path).map_err(failed)?;
        let keys = KeySet::parse(&content).map_err(|error| LoadError::Content(path.display().to_string(), error))?;
        // A file that was bad is read again each time: it may be half written.
        self.seen = Some(state);
        Ok(Loaded::Keys(keys, None))
    }
}

const MOST_BYTES: u64 = 512 << 10;
