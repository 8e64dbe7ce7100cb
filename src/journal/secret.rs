//! A random key that is kept beside the journal: made once, read by every later process.
//!
//! Invariants:
//! 1. Nobody uses a key that another process does not find: it is durable before it is given out, and it is made under the
//!    lock of its file.
//! 2. A file of another length is never a key. One that is too short was not finished, so nobody has used it.

use std::fmt;
use std::path::Path;

use super::{File, Fs, JournalError, error};
use crate::record::Entropy;

/// 32 random bytes that are shown to nobody.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The key in that file, which is made, with mode 0600, if it is not there.
///
/// # Errors
/// [`JournalError`], if it can be neither read nor made, or if the file is longer than a key.
pub fn secret(fs: &dyn Fs, entropy: &dyn Entropy, path: &Path) -> Result<Secret, JournalError> {
    let failed = |what| JournalError::io(what, path, error::FIX);
    let file = fs.open_or_create(path).map_err(failed("open the key"))?;
    file.lock().map_err(failed("lock the key"))?;
    let mut key = [0; 32];
    let length = file.identity().map_err(failed("read the key"))?.length;
    if length == 32 && file.read_at(0, &mut key).map_err(failed("read the key"))? == 32 {
        return Ok(Secret(key));
    }
    if length > 32 {
        let other = std::io::Error::other("the file is no key of auditrail: it is longer than 32 bytes");
        return Err(failed("read the key")(other));
    }
    entropy.fill(&mut key);
    write(&*file, &key).map_err(failed("write the key"))?;
    if let Some(directory) = path.parent() {
        fs.sync_dir(directory).map_err(failed("sync the directory of the key"))?;
    }
    Ok(Secret(key))
}

fn write(file: &dyn File, key: &[u8; 32]) -> std::io::Result<()> {
    file.set_length(0)?;
    file.write_at(0, key)?;
    file.sync()
}
