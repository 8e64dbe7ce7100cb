//! Opens a journal: starts a new stream in the directory.

use super::error::{self, JournalError};
use super::handle::Journal;
use crate::journal::directory::{ledger, lock, make_directories, make_owner, read_previous, write_previous};
use crate::journal::format::{Cursor, JournalPaths, Mark, SinkName, StreamPaths};
use crate::journal::options::JournalOptions;
use crate::journal::read::{Reader, Settler, SinkHandles};
use crate::journal::state::{Files, Shared, SinkCursor, Start};
use crate::journal::upkeep::Keeper;
use crate::record::StreamId;

/// An open journal and its handles.
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
    /// The stream that was started in this directory before, if there was one.
    pub previous: Option<StreamId>,
    /// The threads of the journal. They stop when this is dropped.
    pub keeper: Option<Keeper>,
}

impl Journal {
    /// Starts a new stream in the directory of the options, and creates the directory if it does not exist.
    ///
    /// # Errors
    /// [`JournalError`], if the directory cannot be created, belongs to another user, or has no space for a segment.
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
        let journal = Journal::of(shared?);
        let options = &journal.0.options;

        let failed = |what| JournalError::io(what, stream_place.root(), error::FIX);
        options.fs.sync_dir(stream_place.root()).map_err(failed("sync"))?;
        options.fs.sync_dir(&paths.streams()).map_err(failed("sync"))?;
        // Without the ledger, streams are not removed, which is all that is lost.
        drop(ledger::make_ready(&*options.fs, &paths));
        write_previous(&*options.fs, &paths, stream).map_err(failed("write beside"))?;
        let (SinkHandles { reader, settler, .. }, others) = SinkHandles::of(&journal, &[]);
        let keeper = options.background.then(|| Keeper::start(&journal)).transpose()?;
        Ok(Opened { journal, reader, settler, others, previous, keeper })
    }
}

/// Creates the cursors of a new stream. They then have their space when the disk is full, and say after a power loss that
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
            // A search for orphans tries this lock as well, because the file `stream` may have been removed. If this lock
            // fails, that one must do.
            drop(cursor.try_lock());
        }
        let begin = Cursor { segment: 0, offset: 0, sequence: 0 };
        begin.write(&*cursor, stream).and_then(|()| cursor.sync()).map_err(failed("write the cursor of"))?;
        Ok(SinkCursor { file: cursor, start: Start::default() })
    };
    options.sinks.iter().map(make).collect()
}

/// Creates the state of a stream with its first segment.
fn shared(options: JournalOptions, stream: StreamId, paths: StreamPaths, files: Files) -> Result<Shared, JournalError> {
    let shared = Shared::new(options, stream, paths, files);
    // The smallest segment, whatever waits in other streams: the stream must be able to report that.
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
