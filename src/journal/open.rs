//! Opening a journal: a new stream in the directory.

use std::sync::Arc;

use super::error::{self, JournalError};
use super::handle::Journal;
use crate::journal::directory::{ledger, lock, make_directories, make_owner, read_previous, write_previous};
use crate::journal::format::{Cursor, JournalPaths, Mark, SinkName, StreamPaths};
use crate::journal::options::JournalOptions;
use crate::journal::read::{Reader, Settler, SinkHandles};
use crate::journal::state::{Files, Shared, SinkCursor, Start};
use crate::journal::upkeep::Keeper;
use crate::record::StreamId;

/// A journal that was opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The writing end.
    pub journal: Journal,
    /// Reads ahead for the first sink.
    pub reader: Reader,
    /// Settles for the first sink.
    pub settler: Settler,
    /// The handles of the other sinks.
    pub others: Vec<SinkHandles>,
    /// The stream that was begun in this directory before, if there was one.
    pub previous: Option<StreamId>,
    /// The thread that commits; it stops when this is dropped.
    pub keeper: Option<Keeper>,
}

impl Journal {
    /// Begins a new stream in the directory of the options, and makes the directory if it is not there.
    ///
    /// # Errors
    /// [`JournalError`], if the directory cannot be made, belongs to somebody else, or has no space for a segment.
    pub fn open(options: JournalOptions) -> Result<Opened, JournalError> {
        let paths = JournalPaths::new(&options.directory);
        make_directories(&*options.fs, &paths)?;
        let _alone = lock(&options, &paths)?;
        let stream = new_stream_id(&options);
        let previous = read_previous(&*options.fs, &paths);

        let stream_place = paths.stream(stream);
        let failed = |what| JournalError::io(what, stream_place.root(), error::FIX);
        options.fs.create_dir(stream_place.root()).map_err(failed("create"))?;
        let owner = make_owner(&options, stream, &stream_place.owner())?;
        let cursors = make_cursors(&options, stream, &stream_place)?;
        let mark = options.fs.open_or_create(&stream_place.mark()).map_err(failed("create the mark of"))?;
        Mark::make(&*mark).map_err(failed("write the mark of"))?;
        let files = Files { owner, cursors, mark: Some(mark) };
        let shared = shared(options, stream, stream_place.clone(), files);
        let journal = Journal(Arc::new(shared?));
        let options = &journal.0.options;

        let failed = |what| JournalError::io(what, stream_place.root(), error::FIX);
        options.fs.sync_dir(stream_place.root()).map_err(failed("sync"))?;
        options.fs.sync_dir(&paths.streams()).map_err(failed("sync"))?;
        // Without it, streams are only not removed.
        drop(ledger::make_ready(&*options.fs, &paths));
        write_previous(&*options.fs, &paths, stream).map_err(failed("write beside"))?;
        let (SinkHandles { reader, settler, .. }, others) = SinkHandles::of(&journal, &[]);
        let keeper = options.background.then(|| Keeper::start(&journal)).transpose()?;
        Ok(Opened { journal, reader, settler, others, previous, keeper })
    }
}

/// Makes the cursors of a new stream, so that they have their space when the disk is full, and say after a power loss that
/// nothing was settled.
fn make_cursors(
    options: &JournalOptions,
    stream: StreamId,
    paths: &StreamPaths,
) -> Result<Vec<SinkCursor>, JournalError> {
    let failed = |what| JournalError::io(what, paths.root(), error::FIX);
    let make = |sink| {
        let cursor = options.fs.open_or_create(&paths.cursor(sink)).map_err(failed("create the cursor of"))?;
        if sink == SinkName::OTLP {
            // Whoever looks for orphans asks for this lock, too: the other file may be removed. Without it, that one must do.
            drop(cursor.try_lock());
        }
        let begin = Cursor { segment: 0, offset: 0, sequence: 0 };
        begin.write(&*cursor, stream).and_then(|()| cursor.sync()).map_err(failed("write the cursor of"))?;
        Ok(SinkCursor { file: cursor, start: Start::default() })
    };
    options.sinks.iter().map(make).collect()
}

/// A stream with its first segment.
fn shared(options: JournalOptions, stream: StreamId, paths: StreamPaths, files: Files) -> Result<Shared, JournalError> {
    let shared = Shared::new(options, stream, paths, files);
    // Whatever waits in other streams: the smallest segment has room to say so.
    shared.make_beyond_bound(shared.options.least_segment_bytes());
    let first = {
        let mut state = shared.state();
        state.segments.take_next(|_| true).ok_or_else(|| shared.full(&state, ""))?
    };
    shared.start_in(first, 1, Vec::new())?;
    Ok(shared)
}

fn new_stream_id(options: &JournalOptions) -> StreamId {
    let mut random = [0; 10];
    options.entropy.fill(&mut random);
    StreamId::new(options.clock.unix_nano(), &random)
}
