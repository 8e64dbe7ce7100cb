//! The file `stream`, which says whose stream it is. Its lock is the lock on the stream.

use std::path::Path;
use std::sync::Arc;

use crate::journal::disk::File;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{LONGEST_HEADER, SegmentHeader};
use crate::journal::options::JournalOptions;
use crate::record::StreamId;

/// Creates the file `stream`, and locks it.
pub(in crate::journal) fn make_owner(
    options: &JournalOptions,
    stream: StreamId,
    path: &Path,
) -> Result<Arc<dyn File>, JournalError> {
    let failed = |what| JournalError::io(what, path, error::FIX);
    let owner = options.fs.open_or_create(path).map_err(failed("create"))?;
    if !owner.try_lock().map_err(failed("lock"))? {
        return Err(failed("lock")(std::io::ErrorKind::AlreadyExists.into()));
    }
    let header = SegmentHeader {
        stream,
        segment: 0,
        next_sequence: 1,
        begun_unix_nano: options.clock.unix_nano(),
        carried: 0,
        process: std::process::id(),
        resource: options.resource.clone(),
        scope: options.scope.clone(),
    };
    let bytes = header.encode();
    if bytes.len() > LONGEST_HEADER {
        return Err(JournalError::TooLong { length: bytes.len(), max: LONGEST_HEADER });
    }
    owner.write_at(0, &bytes).and_then(|()| owner.sync()).map_err(failed("write"))?;
    Ok(owner)
}
