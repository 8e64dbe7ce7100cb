//! Removes a stream.

use super::{ledger, lock};
use crate::journal::error::JournalError;
use crate::journal::format::{JournalPaths, MARK, OWNER, StreamPaths, is_new, segment_number, sink_of_cursor};
use crate::journal::numbers::Sequence;
use crate::journal::options::JournalOptions;
use crate::record::StreamId;

/// Removes a stream in such an order that the rest can be removed as well if this is interrupted, even by a power loss: the
/// last segment is removed last, and says that the stream has ended. What cannot be removed is left to the next adopter.
/// Returns whether everything of the journal is gone.
///
/// # Errors
/// The ledger does not accept the entry of the stream: nothing is removed in that case.
pub(in crate::journal) fn remove_all(
    options: &JournalOptions,
    paths: &StreamPaths,
    kept: Option<(StreamId, Sequence)>,
) -> Result<bool, JournalError> {
    let fs = &*options.fs;
    let directory = JournalPaths::new(&options.directory);
    let Ok(_alone) = lock(options, &directory) else { return Ok(false) };
    let Ok(mut names) = fs.list(paths.root()) else { return Ok(false) };
    if let Some((stream, last)) = kept {
        ledger::note(options, &directory, stream, last)?;
    }
    let last = names.iter().filter_map(|name| segment_number(name)).max();
    let is_last = |name: &String| last.is_some() && segment_number(name) == last;
    // Files of others stay, and so does the directory.
    names.retain(|name| {
        let is_ours = [OWNER, MARK].contains(&name.as_str()) || sink_of_cursor(name).is_some();
        is_ours || segment_number(name).is_some() || is_new(name)
    });
    names.sort_by_key(|name| (*name == OWNER, is_last(name)));
    for name in &names {
        // Without a cursor, the last segment would be sent again. With a cursor and without segments, the end would be
        // written again.
        let before_last = if is_last(name) { fs.sync_dir(paths.root()) } else { Ok(()) };
        if before_last.and_then(|()| fs.remove(&paths.root().join(name))).is_err() {
            return Ok(false);
        }
    }
    drop(fs.remove_dir(paths.root()));
    Ok(true)
}
