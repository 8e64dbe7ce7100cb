//! Streams of dead processes: found by their free lock, adopted by one process at a time, and drained under their own
//! Resource.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;

use super::stream::{By, Recovered, recover};
use crate::journal::directory::{lock, make_directories, remove_all};
use crate::journal::disk::{File, Fs, is_shortage};
use crate::journal::error::{self, JournalError};
use crate::journal::format::{Cursor, JournalPaths, SegmentHeader, SinkName, StreamPaths, frame};
use crate::journal::handle::Journal;
use crate::journal::numbers::{CallNumber, Sequence};
use crate::journal::options::JournalOptions;
use crate::journal::planted::planted;
use crate::journal::read::{Reader, Settler, SinkHandles};
use crate::journal::space::ALARM_RESERVE;
use crate::journal::state::{Carried, Files, Shared, SinkCursor, Synced};
use crate::record::StreamId;

/// A stream whose owner is gone. Its lock is held for as long as this exists.
#[derive(Debug)]
pub struct Orphan {
    stream: StreamId,
    owner: Arc<dyn File>,
    /// Its first cursor, locked as well, because the other file may have been removed while its owner lives.
    cursor: Option<(SinkName, Arc<dyn File>)>,
}

/// Searches a directory for streams whose owners are gone, oldest first, some at a time, because each takes descriptors.
#[derive(Debug)]
pub struct Search {
    options: JournalOptions,
    streams: VecDeque<StreamId>,
}

/// What a [`Search`] has found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Lot {
    /// Orphans, locked for this process.
    pub orphans: Vec<Orphan>,
    /// Streams that cannot be opened, and why. They stay as they are.
    pub unopened: Vec<(StreamId, JournalError)>,
    /// Why the next stream could not be opened now: too few descriptors or too little memory. It is tried again.
    pub shortage: Option<JournalError>,
}

impl Lot {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.orphans.is_empty() && self.unopened.is_empty() && self.shortage.is_none()
    }

    /// An empty lot, because of a shortage.
    pub(crate) fn none_for(shortage: JournalError) -> Self {
        Self { shortage: Some(shortage), ..Self::default() }
    }
}

/// An adopted stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Adopted {
    /// The writing end, for the answers to open calls and for the last record. Nothing is written to the stream before the
    /// first of them. Call [`commit`](Journal::commit) afterwards, because no thread does it.
    pub journal: Journal,
    /// Reads ahead for the first sink.
    pub reader: Reader,
    /// Settles for the first sink.
    pub settler: Settler,
    /// The handles of the other sinks.
    pub others: Vec<SinkHandles>,
    /// The calls that the crash left open; none if the stream has its last record, or if a part of it is left to the next adopter
    /// because the disk has no room for it now.
    pub open: Vec<OpenRequest>,
    /// Sinks that have a cursor in the stream and are no longer in the options, with the number of records that each does not
    /// have. Nothing is kept for them.
    pub dropped: Vec<(SinkName, u64)>,
    /// Whether the last record still has to be appended.
    pub needs_end: bool,
}

/// A call that the crash left open.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// Identifies the call in the [`Append`](crate::journal::Append) of its answer.
    pub call: CallNumber,
    /// Its request record, or its intent.
    pub request: Bytes,
}

/// All streams of a directory whose owners are gone, oldest first, locked for this process. If there may be many, use
/// [`Search`], which finds some at a time. Streams that cannot be opened are left out.
///
/// # Errors
/// The error of the disk.
pub fn orphans(options: &JournalOptions) -> Result<Vec<Orphan>, JournalError> {
    orphans_where(options, |_| true)
}

/// Like [`orphans`], but only the streams whose encoded Resource is accepted. Others are not taken even for a moment,
/// because their own service may be looking for them. A stream without a valid Resource is not taken either.
///
/// # Errors
/// Like [`orphans`].
pub fn orphans_of(options: &JournalOptions, is_ours: impl Fn(&[u8]) -> bool) -> Result<Vec<Orphan>, JournalError> {
    orphans_where(options, |owner| is_of(owner, &is_ours))
}

fn orphans_where(options: &JournalOptions, is_wanted: impl Fn(&dyn File) -> bool) -> Result<Vec<Orphan>, JournalError> {
    Ok(Search::of(options)?.some_where(usize::MAX, is_wanted)?.orphans)
}

/// Whether a file `stream` belongs to an accepted service.
fn is_of(owner: &dyn File, is_ours: impl Fn(&[u8]) -> bool) -> bool {
    SegmentHeader::read(owner).ok().flatten().is_some_and(|header| is_ours(&header.resource))
}

impl Search {
    /// Starts a search of a directory.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn of(options: &JournalOptions) -> Result<Self, JournalError> {
        let (fs, place) = (&*options.fs, JournalPaths::new(&options.directory));
        make_directories(fs, &place)?;
        let failed = |what| JournalError::io(what, place.root(), error::FIX);
        let names = fs.list(&place.streams()).map_err(failed("list the streams of"))?;
        Ok(Self { streams: names.iter().filter_map(|name| StreamId::parse(name)).collect(), options: options.clone() })
    }

    /// The next streams whose owners are gone, at most `most`; none at the end.
    ///
    /// # Errors
    /// The directory cannot be locked. No stream is skipped in that case.
    pub fn some(&mut self, most: usize) -> Result<Lot, JournalError> {
        self.some_where(most, |_| true)
    }

    /// Like [`some`](Self::some), but only the streams whose encoded Resource is accepted. See [`orphans_of`].
    ///
    /// # Errors
    /// Like [`some`](Self::some).
    pub fn some_of(&mut self, most: usize, is_ours: impl Fn(&[u8]) -> bool) -> Result<Lot, JournalError> {
        self.some_where(most, |owner| is_of(owner, &is_ours))
    }

    /// Puts a stream at the end of the search again.
    pub(crate) fn again(&mut self, stream: StreamId) {
        self.streams.push_back(stream);
    }

    /// How many streams were not looked at yet. Some may have living owners.
    #[must_use]
    pub fn left(&self) -> usize {
        self.streams.len()
    }

    fn some_where(&mut self, most: usize, is_wanted: impl Fn(&dyn File) -> bool) -> Result<Lot, JournalError> {
        let mut lot = Lot::default();
        if self.streams.is_empty() {
            return Ok(lot);
        }
        let place = JournalPaths::new(&self.options.directory);
        // Those that are not wanted are let go under the lock of the directory, so nobody finds them taken.
        let _alone = lock(&self.options, &place)?;
        while lot.orphans.len() < most
            && let Some(stream) = self.streams.pop_front()
        {
            match claim(&*self.options.fs, &place.stream(stream), stream) {
                Ok(claimed) => lot.orphans.extend(claimed.filter(|orphan| is_wanted(&*orphan.owner))),
                Err(error) if error.is_shortage() => {
                    self.streams.push_front(stream);
                    lot.shortage = Some(error);
                    break;
                }
                Err(error) => lot.unopened.push((stream, error)),
            }
        }
        Ok(lot)
    }
}

/// Takes the locks of a stream, if they are free.
fn claim(fs: &dyn Fs, place: &StreamPaths, stream: StreamId) -> Result<Option<Orphan>, JournalError> {
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let failed = |cause| JournalError::io("open", place.root(), "see `auditrail journal fsck`")(cause);
    let owner = match fs.open(&place.owner()) {
        // Its owner died between the making of the directory and of the file, or the file was removed.
        Err(error) if is_missing(&error) => match fs.open_or_create(&place.owner()) {
            // Somebody else has adopted and removed the stream meanwhile.
            Err(error) if is_missing(&error) => return Ok(None),
            opened => opened.map_err(failed)?,
        },
        opened => opened.map_err(failed)?,
    };
    if !owner.try_lock().map_err(failed)? && !planted("adopt-twice") {
        return Ok(None);
    }
    // That of the collector, if there is one.
    let sink = place.sinks(fs).first().copied().unwrap_or(SinkName::OTLP);
    let cursor = match fs.open(&place.cursor(sink)) {
        Err(error) if is_missing(&error) => None,
        opened => Some((sink, opened.map_err(failed)?)),
    };
    if cursor.as_ref().map_or(Ok(true), |(_, cursor)| cursor.try_lock()).map_err(failed)? || planted("adopt-twice") {
        return Ok(Some(Orphan { stream, owner, cursor }));
    }
    Ok(None)
}

impl Orphan {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Reads the stream and prepares to continue it. `None` if there was nothing in it; it is removed in that case.
    ///
    /// # Errors
    /// The error of the disk, or that no header says whose records they are. The stream is left to the next process.
    pub fn adopt(self, options: &JournalOptions) -> Result<Option<Adopted>, JournalError> {
        let place = JournalPaths::new(&options.directory).stream(self.stream);
        let failed = |what| JournalError::io(what, place.root(), "see `auditrail journal fsck`");
        let found = recover(&*options.fs, &place, self.stream, options.sinks.iter(), By::Adopter);
        let found = found.map_err(failed("recover"))?;
        let Some(found) = found else {
            // If it cannot be removed, the next process does it.
            drop(remove_all(options, &place, None));
            return Ok(None);
        };
        let dropped = dropped(options, &place, self.stream, found.sequence);
        let mut locked = self.cursor;
        let open = |sink| match locked.take_if(|(of, _)| *of == sink) {
            Some((_, cursor)) => Ok(cursor),
            None => options.fs.open_or_create(&place.cursor(sink)),
        };
        let cursors = options.sinks.iter().map(open).collect::<io::Result<Vec<_>>>();
        let cursors = cursors.map_err(failed("open the cursors of"))?.into_iter().zip(found.starts.iter().copied());
        let cursors = cursors.map(|(file, start)| SinkCursor { file, start });
        // Answers repeat what requests say, which may have been written with larger segments.
        let longest = options.longest_record();
        let options = JournalOptions {
            resource: found.resource.clone(),
            scope: found.scope.clone(),
            segment_bytes: Some(0),
            background: false,
            ..options.clone()
        };
        // Streams of earlier versions have none, and get one. Without, a number may be given again if the disk fails. What is
        // held back gets none: an empty one would say to the next adopter that nothing was shipped.
        let open_mark = if found.held_back.is_some() { Fs::open } else { Fs::open_or_create };
        let mark = match open_mark(&*options.fs, &place.mark()) {
            Err(error) if is_shortage(&error) => return Err(failed("open the mark of")(error)),
            opened => opened.ok(),
        };
        let files = Files { owner: self.owner, cursors: cursors.collect(), mark };
        let mut shared = Shared::new(options, self.stream, place, files);
        let longest_request = found.open.iter().map(|(_, request)| request.len()).max().unwrap_or(0);
        shared.longest_record = longest.max(2 * longest_request).min(frame::LONGEST);
        shared.take_over(&found)?;
        // What is held back may answer the calls, and may hold the last record.
        let needs_end = !found.ended && found.held_back.is_none();
        if found.makes_again && needs_end {
            // Soon the mark will not tell any more that it was never shipped: the new segment does.
            shared.begin_answers().and_then(|()| shared.commit())?;
        }
        let journal = Journal::of(shared);
        let (SinkHandles { reader, settler, .. }, others) = SinkHandles::of(&journal, &found.starts);
        let open = found.open.into_iter().map(|(call, request)| OpenRequest { call, request });
        let open = open.filter(|_| needs_end).collect();
        Ok(Some(Adopted { journal, reader, settler, others, open, dropped, needs_end }))
    }
}

/// The sinks whose cursors nobody reads any more, and how many records each does not have.
fn dropped(options: &JournalOptions, paths: &StreamPaths, stream: StreamId, next: Sequence) -> Vec<(SinkName, u64)> {
    let is_none = |sink: &SinkName| !options.sinks.iter().any(|of| of == *sink);
    let sinks = paths.sinks(&*options.fs).into_iter().filter(is_none);
    let missing = sinks.filter_map(|sink| {
        let cursor = Cursor::read(&*options.fs.open(&paths.cursor(sink)).ok()?, stream)?;
        Some((sink, next.saturating_sub(cursor.sequence + 1)))
    });
    missing.filter(|(_, records)| *records > 0).collect()
}

impl Shared {
    /// Takes over a stream that is read and not written to yet.
    fn take_over(&self, found: &Recovered) -> Result<(), JournalError> {
        if let Some(torn) = found.torn.as_ref().filter(|_| found.held_back.is_none()) {
            // If it cannot be set aside, the stream stays as it is, and the next adopter finds it.
            if self.set_aside_part(torn.segment, torn.from, torn.to)? {
                self.reported.store(true, Relaxed);
                self.degraded(
                    DAMAGED,
                    &format!("the end of {} is damaged", self.paths.segment(torn.segment).display()),
                );
            }
        }
        let mut state = self.state();
        state.segments.unsettled = found.segments.clone();
        state.segments.next_file = found.next_file;
        state.appended.sequence = found.sequence;
        state.appended.closed = true;
        if let Some(Cursor { segment, offset, sequence }) = found.held_back {
            state.commits.synced = Synced { frames: 0, segment, offset, sequence: sequence + 1, header: true };
            state.adoption.calls_from = found.calls_from;
            state.recount_pending();
            drop(state);
            self.degraded(
                FULL,
                &format!("the disk has no room for the end of stream {}, which is left for later", self.stream),
            );
            return Ok(());
        }
        state.appended.ended = found.ended;
        if !found.ended {
            state.adoption.left_open = Some(found.open.clone());
            state.adoption.calls_from = found.calls_from;
        }
        state.recount_pending();
        if let Some(last) = found.segments.back() {
            // Of a damaged end it is known which numbers stood there, once that is in the mark.
            let offset = found.torn.as_ref().map_or(last.end, |torn| last.end.max(torn.to));
            state.commits.synced =
                Synced { frames: 0, segment: last.number, offset, sequence: found.sequence, header: true };
        }
        drop(state);
        if found.torn.is_some() {
            // Or the next adopter would guess them anew, if this one does not come to write the end.
            self.mark_durably(found.sequence.saturating_sub(1));
        }
        Ok(())
    }

    /// Starts a segment for the answers to open calls, and copies their requests to it.
    ///
    /// # Errors
    /// [`JournalError::Closed`] if the stream has its last record; otherwise, that no segment can be created, which is
    /// tried again with the next record.
    pub(in crate::journal) fn begin_answers(&self) -> Result<(), JournalError> {
        let left_open = self.state().adoption.left_open.clone();
        let Some(left_open) = left_open else { return Err(JournalError::Closed) };
        let requests: u64 = left_open.iter().map(|(_, request)| request.len() as u64).sum();
        // An intent becomes a request record, too.
        let answers = 4 * requests + 512 * left_open.len() as u64;
        self.make_beyond_bound(self.header_length() + answers + 2 * ALARM_RESERVE);
        let (prepared, sequence) = {
            let mut state = self.state();
            let prepared = state.segments.take_next(|_| true).ok_or_else(|| self.full(&state, ""))?;
            (prepared, state.appended.sequence)
        };
        let open = left_open.iter().map(|(call, request)| Carried { call: *call, payload: request.to_vec() });
        self.start_in(prepared, sequence, open.collect())?;
        let mut state = self.state();
        // From here on the copies must be durable before the originals go.
        (state.appended.closed, state.adoption.left_open, state.adoption.calls_from) = (false, None, u64::MAX);
        Ok(())
    }
}

impl Journal {
    /// Removes the stream if its last record was appended, everything is settled, losses are reported, and the ledger has
    /// its last number. Returns whether it was removed.
    #[must_use]
    pub fn remove_if_done(&self) -> bool {
        if self.is_inherited() {
            return false;
        }
        let shared = &self.0;
        let done = {
            let state = shared.state();
            state.appended.ended && state.is_clean() && state.progress.settled() + 1 >= state.appended.sequence
        };
        let done = done && (planted("remove-before-told") || shared.reports_are_durable());
        if !done {
            return false;
        }
        let last = {
            let mut state = shared.state();
            state.upkeep.stop = true;
            state.appended.sequence.saturating_sub(1)
        };
        match remove_all(&shared.options, &shared.paths, Some((shared.stream, last))) {
            Ok(is_gone) => is_gone,
            Err(error) => {
                shared.degraded(LEDGER, &error);
                false
            }
        }
    }
}

/// How many streams of dead processes a trail handles at a time.
pub const ADOPTED_AT_ONCE: usize = 4;
/// The most descriptors that adoption uses, however many streams there are. Each stream takes two locked files, the mark,
/// the segment that is read and the one that is written. All together take the locks of directories, a listing, a file that
/// is recovered or written again, and a file of the quarantine. A second sink takes two more for each stream: its cursor,
/// and the segment that is read for it.
pub const ADOPTION_DESCRIPTORS: usize = 5 * ADOPTED_AT_ONCE + 6;
const FULL: &str = crate::record::error_type::JOURNAL_FULL;
const DAMAGED: &str = crate::record::error_type::JOURNAL_DAMAGED;
const LEDGER: &str = crate::record::error_type::JOURNAL_LEDGER_FAILED;
