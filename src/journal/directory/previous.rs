//! The id of the stream that was started last in a directory.

use crate::journal::disk::Fs;
use crate::journal::format::JournalPaths;
use crate::record::StreamId;

pub(in crate::journal) fn read_previous(fs: &dyn Fs, paths: &JournalPaths) -> Option<StreamId> {
    let file = fs.open(&paths.previous()).ok()?;
    let mut text = [0; 36];
    let read = file.read_at(0, &mut text).ok()?;
    StreamId::parse(std::str::from_utf8(text.get(..read)?).ok()?)
}

pub(in crate::journal) fn write_previous(fs: &dyn Fs, paths: &JournalPaths, stream: StreamId) -> std::io::Result<()> {
    let file = fs.open_or_create(&paths.previous())?;
    file.write_at(0, stream.encode(&mut [0; 36]).as_bytes())?;
    file.sync()?;
    fs.sync_dir(paths.root())
}
