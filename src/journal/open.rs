//! Opening a journal: a new stream in the directory.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use tokio::sync::Notify;

use super::calls::OpenCalls;
use super::cursor::Cursor;
use super::error::JournalError;
use super::forked::Birth;
use super::fs::{File, Fs};
use super::header::{LONGEST_HEADER, SegmentHeader};
use super::keeper::Keeper;
use super::mark::Mark;
use super::options::JournalOptions;
use super::place::{Place, StreamPlace};
use super::reader::Reader;
use super::settle::{SavedCursor, Settler};
use super::sinks::{Progress, SinkHandles, SinkName, Start};
use super::state::{Active, Group, Prepared, State, Synced};
use super::turn::Turn;
use super::{Journal, Shared, error, ledger};
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
        let place = Place::new(&options.directory);
        make_directories(&*options.fs, &place)?;
        let _alone = lock(&options, &place)?;
        let stream = new_stream_id(&options);
        let previous = read_previous(&*options.fs, &place);

        let stream_place = place.stream(stream);
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
        options.fs.sync_dir(&place.streams()).map_err(failed("sync"))?;
        // Without it, streams are only not removed.
        drop(ledger::make_ready(&*options.fs, &place));
        write_previous(&*options.fs, &place, stream).map_err(failed("write beside"))?;
        let (SinkHandles { reader, settler, .. }, others) = SinkHandles::of(&journal, &[]);
        let keeper = options.background.then(|| Keeper::start(&journal)).transpose()?;
        Ok(Opened { journal, reader, settler, others, previous, keeper })
    }
}

/// The files of a stream that are open as long as it is in hand.
pub(super) struct Files {
    pub(super) owner: Arc<dyn File>,
    /// Of each sink.
    pub(super) cursors: Vec<CursorFile>,
    pub(super) mark: Option<Arc<dyn File>>,
}

/// The cursor of a sink, and where the sink begins.
pub(super) struct CursorFile {
    pub(super) file: Arc<dyn File>,
    pub(super) start: Start,
}

/// The lock on the directory, held for as long as the result is.
pub(super) fn lock(options: &JournalOptions, place: &Place) -> Result<Arc<dyn File>, JournalError> {
    let failed = |what| JournalError::io(what, place.root(), error::FIX);
    let (patience, path) = (options.lock_patience, place.lock());
    let file = options.fs.open_or_create(&path).map_err(failed("create the lock of"))?;
    match file.lock_within(patience).map_err(failed("lock"))? {
        true => Ok(file),
        false => Err(JournalError::Locked { path, patience }),
    }
}

pub(super) fn make_directories(fs: &dyn Fs, place: &Place) -> Result<(), JournalError> {
    let is_new = |directory: &&Path| fs.identity(directory).is_err();
    let new: Vec<&Path> = place.root().ancestors().take_while(is_new).collect();
    for directory in [place.root(), &place.streams(), &place.quarantine()] {
        fs.create_dir(directory).map_err(JournalError::io("make the directory", directory, error::FIX))?;
    }
    // Also the entries of the directories above: one that was killed before it came here may have made them. Those that
    // were there may be closed to this user, and are not its business then.
    for directory in place.root().ancestors() {
        let Some(parent) = directory.parent().filter(|parent| *parent != Path::new("")) else { break };
        let synced = fs.sync_dir(parent);
        if new.contains(&directory) {
            synced.map_err(JournalError::io("sync", parent, error::FIX))?;
        }
    }
    fs.sync_dir(place.root()).map_err(JournalError::io("sync", place.root(), error::FIX))
}

/// Makes the file that says whose stream it is, and locks it.
pub(super) fn make_owner(
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

/// Makes the cursors of a new stream, so that they have their space when the disk is full, and say after a power loss that
/// nothing was settled.
fn make_cursors(
    options: &JournalOptions,
    stream: StreamId,
    place: &StreamPlace,
) -> Result<Vec<CursorFile>, JournalError> {
    let failed = |what| JournalError::io(what, place.root(), error::FIX);
    let make = |sink| {
        let cursor = options.fs.open_or_create(&place.cursor(sink)).map_err(failed("create the cursor of"))?;
        if sink == SinkName::OTLP {
            // Whoever looks for orphans asks for this lock, too: the other file may be removed. Without it, that one must do.
            drop(cursor.try_lock());
        }
        let begin = Cursor { segment: 0, offset: 0, sequence: 0 };
        begin.write(&*cursor, stream).and_then(|()| cursor.sync()).map_err(failed("write the cursor of"))?;
        Ok(CursorFile { file: cursor, start: Start::default() })
    };
    options.sinks.iter().map(make).collect()
}

/// A stream with its first segment.
fn shared(options: JournalOptions, stream: StreamId, place: StreamPlace, files: Files) -> Result<Shared, JournalError> {
    let shared = Shared::new(options, stream, place, files);
    // Whatever waits in other streams: the smallest segment has room to say so.
    shared.make_beyond_bound(shared.options.least_segment_bytes());
    let first = {
        let mut state = shared.state();
        state.take_next(|_| true).ok_or_else(|| shared.full(&state, ""))?
    };
    shared.start_in(first, 1, Vec::new())?;
    Ok(shared)
}

impl Shared {
    pub(super) fn new(
        options: JournalOptions,
        stream: StreamId,
        place: StreamPlace,
        Files { owner, cursors, mark }: Files,
    ) -> Self {
        let segment_bytes = options.segment_bytes();
        let sinks = options.sinks.iter().zip(&cursors);
        let progress = sinks.map(|(sink, cursor)| Progress::from(sink, cursor.start)).collect();
        let cursors = cursors.into_iter().map(|cursor| SavedCursor::at(cursor.file, cursor.start)).collect();
        Self {
            stream,
            birth: Birth::here(),
            place,
            segment_bytes,
            longest_record: options.longest_record(),
            state: Mutex::new(State::empty(owner.clone(), stream, progress)),
            owner,
            cursors: Mutex::new(cursors),
            mark: Mark::new(mark, stream),
            options,
            left: AtomicU64::new(u64::MAX),
            committing: Mutex::default(),
            troubles: Mutex::default(),
            others_bytes: AtomicU64::new(0),
            told: AtomicBool::new(false),
            others_counted: Mutex::default(),
            commit_wanted: Condvar::new(),
            turned: Condvar::new(),
            moved: Notify::new(),
            stands: AtomicBool::new(false),
            job_wanted: Condvar::new(),
            job_done: Condvar::new(),
            ended: Condvar::new(),
            synced: Notify::new(),
            synced_blocking: Condvar::new(),
            readable: Notify::new(),
            settled: Notify::new(),
            settled_blocking: Condvar::new(),
            room: Notify::new(),
        }
    }

    /// Begins the first segment that this process writes of the stream.
    pub(super) fn start_in(
        &self,
        prepared: Prepared,
        sequence: u64,
        open: Vec<super::roll::Carried>,
    ) -> Result<(), JournalError> {
        let (active, places) = self.begin(prepared, sequence, &open, |_| Ok(()))?;
        let mut state = self.state();
        for (call, place) in places {
            state.calls.restore(call, place);
        }
        if state.segments.is_empty() {
            let offset = self.header_length();
            state.synced = Synced { frames: 0, segment: active.number, offset, sequence, header: false };
        }
        // Not synced: the header and what is carried.
        state.frames = 1;
        state.sequence = sequence;
        state.active = active;
        let segment = self.segment(&state, sequence);
        state.segments.push_back(segment);
        state.recount_pending();
        self.note_fullness(&state);
        Ok(())
    }
}

impl State {
    /// Of a stream that has no segment yet.
    fn empty(file: Arc<dyn File>, stream: StreamId, sinks: Vec<Progress>) -> Self {
        Self {
            turn: Turn::default(),
            jobs: VecDeque::new(),
            has_writer: false,
            is_writing: false,
            has_keeper: false,
            active: Active::none(file, stream),
            next: None,
            wanted_bytes: 0,
            next_asked: false,
            begun: Instant::now(),
            busy: (Instant::now(), 0),
            rests: false,
            ahead: 0,
            segments: VecDeque::new(),
            next_file: 1,
            begun_file: 0,
            sequence: 1,
            frames: 0,
            pending_bytes: 0,
            calls: OpenCalls::default(),
            reserved: 0,
            synced: Synced { frames: 0, segment: 0, offset: 0, sequence: 1, header: false },
            unsynced_bytes: 0,
            dirty: Vec::new(),
            directory_dirty: false,
            poisoned: false,
            lost: 0..0,
            failures: 0,
            failure: None,
            full_because: None,
            sinks,
            lost_told: Vec::new(),
            commit_wanted: false,
            group: Group::default(),
            committer_sleeps: false,
            reader_sleeps: false,
            closed: false,
            ended: false,
            left_open: None,
            calls_from: u64::MAX,
            owner_again: None,
            stop: false,
        }
    }
}

fn new_stream_id(options: &JournalOptions) -> StreamId {
    let mut random = [0; 10];
    options.entropy.fill(&mut random);
    StreamId::new(options.clock.unix_nano(), &random)
}

fn read_previous(fs: &dyn Fs, place: &Place) -> Option<StreamId> {
    let file = fs.open(&place.previous()).ok()?;
    let mut text = [0; 36];
    let read = file.read_at(0, &mut text).ok()?;
    StreamId::parse(std::str::from_utf8(text.get(..read)?).ok()?)
}

fn write_previous(fs: &dyn Fs, place: &Place, stream: StreamId) -> std::io::Result<()> {
    let file = fs.open_or_create(&place.previous())?;
    file.write_at(0, stream.encode(&mut [0; 36]).as_bytes())?;
    file.sync()?;
    fs.sync_dir(place.root())
}
