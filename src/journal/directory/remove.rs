//! A stream is removed.

use super::{ledger, lock};
use crate::journal::error::JournalError;
use crate::journal::format::{JournalPaths, MARK, OWNER, StreamPaths, is_new, segment_number, sink_of_cursor};
use crate::journal::numbers::Sequence;
use crate::journal::options::JournalOptions;
use crate::record::StreamId;

/// Removes a stream in such an order that whoever finds the rest of it, also after a power loss, can remove the rest: as
/// long as a segment is there, the last one is, and it says that the stream has ended. What cannot be removed is left to the
/// next adopter. Says whether all is gone that is ours.
///
/// # Errors
/// If the ledger does not take what is to be kept of the stream: nothing is removed then.
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
    // What is none of ours, or not yet, stays, and the directory with it.
    names.retain(|name| {
        let is_ours = [OWNER, MARK].contains(&name.as_str()) || sink_of_cursor(name).is_some();
        is_ours || segment_number(name).is_some() || is_new(name)
    });
    names.sort_by_key(|name| (*name == OWNER, is_last(name)));
    for name in &names {
        // Without a cursor, the last segment is sent again. With one and without segments, the end would be written again.
        let before_last = if is_last(name) { fs.sync_dir(paths.root()) } else { Ok(()) };
        if before_last.and_then(|()| fs.remove(&paths.root().join(name))).is_err() {
            return Ok(false);
        }
    }
    drop(fs.remove_dir(paths.root()));
    Ok(true)
}
