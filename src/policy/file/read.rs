//! Reads policy files.

use std::io;
use std::path::Path;

use super::error::PolicyFileError;
use super::mistake::{KEYS, Mistake, Source};
use super::shape::PolicyFile;
use crate::config::regular;
use crate::policy::rules::Policy;

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// If it cannot be read, or the first mistake in it.
    pub fn from_file(path: &Path) -> Result<Self, PolicyFileError> {
        let unreadable = |source| PolicyFileError::Unreadable { path: path.to_owned(), source };
        let text = String::from_utf8(regular::read(path).map_err(unreadable)?);
        let text = text.map_err(|_| unreadable(io::Error::other("it is not UTF-8")))?;
        Ok(Self::from_toml(path, &text)?)
    }

    /// Parses the text of a policy file; the path is for messages, and names a policy without a name.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn from_toml(path: &Path, text: &str) -> Result<Self, Mistake> {
        let source = Source::new(path, text, &[KEYS]);
        let file: PolicyFile = source.parse()?;
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let id = match &file.name {
            Some(name) if !(1..=MAX_NAME).contains(&name.get_ref().chars().count()) => {
                let problem = "a policy has a name of 1 to 128 characters, which is on records; leave it out to take that of the file";
                return Err(source.mistake(Some(name.span()), problem));
            }
            Some(name) => name.get_ref().clone(),
            None => stem(),
        };
        file.tables().policy(&id, &source)
    }
}

/// What records show of a name.
const MAX_NAME: usize = 128;
