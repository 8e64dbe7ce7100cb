//! Streams whose owner died: found by their free lock, adopted by one process at a time, drained under their own Resource.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;

use super::append::ALARM_RESERVE;
use super::calls::CallNumber;
use super::cursor::Cursor;
use super::error::JournalError;
use super::fs::{File, Fs};
use super::header::{LONGEST_HEADER, SegmentHeader};
use super::open::{CursorFile, Files, lock, make_directories};
use super::options::JournalOptions;
use super::place::{MARK, OWNER, Place, StreamPlace, is_new, segment_number, sink_of_cursor};
use super::planted::planted;
use super::reader::Reader;
use super::recover::{By, Recovered, recover};
use super::roll::Carried;
use super::settle::Settler;
use super::sinks::{SinkHandles, SinkName};
use super::state::Synced;
use super::{Journal, Sequence, Shared, error, frame, ledger};
use crate::record::StreamId;

/// A stream whose owner is gone. Its lock is held as long as this is.
#[derive(Debug)]
pub struct Orphan {
    stream: StreamId,
    owner: Arc<dyn File>,
    /// Locked, too: somebody may have removed the other file while its owner lives.
    cursor: Option<Arc<dyn File>>,
}

/// Looks for the streams of a directory whose owners are gone, oldest first, some at a time: each takes descriptors.
#[derive(Debug)]
pub struct Search {
    options: JournalOptions,
    streams: VecDeque<StreamId>,
}

/// What a [`Search`] has come by.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Lot {
    /// Locked for this process.
    pub orphans: Vec<Orphan>,
    /// Streams that cannot be opened, and why: they stay as they are.
    pub unopened: Vec<(StreamId, JournalError)>,
    /// Why another one could not be opened now: for want of descriptors or memory. It is looked for again.
    pub shortage: Option<JournalError>,
}

impl Lot {
    /// Whether there is nothing to do about it.
    pub(crate) fn is_empty(&self) -> bool {
        self.orphans.is_empty() && self.unopened.is_empty() && self.shortage.is_none()
    }

    /// Nothing, as there was want of something.
    pub(crate) fn none_for(shortage: JournalError) -> Self {
        Self { shortage: Some(shortage), ..Self::default() }
    }
}

/// An adopted stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Adopted {
    /// The writing end, for the answers to calls that were left open and for the last record. Nothing is written to the stream
    /// before the first of them. Call [`commit`](Journal::commit) afterwards: no thread does it.
    pub journal: Journal,
    /// Reads ahead for the first sink.
    pub reader: Reader,
    /// Settles for the first sink.
    pub settler: Settler,
    /// The handles of the other sinks.
    pub others: Vec<SinkHandles>,
    /// The calls that the crash left open. None if the stream has its end, and none where a part of the stream is left to the next
    /// adopter, as the disk has no room for it now.
    pub open: Vec<OpenRequest>,
    /// Sinks that have a cursor in the stream and are none of the options any more, each with the number of records that it does
    /// not have. Nothing is kept for them.
    pub dropped: Vec<(SinkName, u64)>,
    /// Whether the last record has still to be appended.
    pub needs_end: bool,
}

/// A call that the crash left open.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// Names the call in the answer's [`Append`](super::Append).
    pub call: CallNumber,
    /// Its request record, or the intent of one.
    pub request: Bytes,
}

/// The streams in a directory whose owners are gone, oldest first, locked for this process: all of them, so that there should
/// be few. [`Search`] looks for some at a time. Those that cannot be opened are left out.
///
/// # Errors
/// What the disk says.
pub fn orphans(options: &JournalOptions) -> Result<Vec<Orphan>, JournalError> {
    orphans_where(options, |_| true)
}

/// Those of the [`orphans`] whose Resource, encoded, is one of these. Others are never taken, not even for a moment: their
/// own service may look for them now. Where nobody can tell whose a stream is, it is left, too.
///
/// # Errors
/// As [`orphans`].
pub fn orphans_of(options: &JournalOptions, is_ours: impl Fn(&[u8]) -> bool) -> Result<Vec<Orphan>, JournalError> {
    orphans_where(options, |owner| is_of(owner, &is_ours))
}

fn orphans_where(options: &JournalOptions, is_wanted: impl Fn(&dyn File) -> bool) -> Result<Vec<Orphan>, JournalError> {
    Ok(Search::of(options)?.some_where(usize::MAX, is_wanted)?.orphans)
}

/// Whether a file `stream` is of a service that is ours.
fn is_of(owner: &dyn File, is_ours: impl Fn(&[u8]) -> bool) -> bool {
    let mut header = vec![0; LONGEST_HEADER];
    let read = owner.read_at(0, &mut header).unwrap_or(0);
    header.truncate(read);
    SegmentHeader::decode(&header).is_some_and(|header| is_ours(&header.resource))
}

impl Search {
    /// A look at that directory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn of(options: &JournalOptions) -> Result<Self, JournalError> {
        let (fs, place) = (&*options.fs, Place::new(&options.directory));
        make_directories(fs, &place)?;
        let failed = |what| JournalError::io(what, place.root(), error::FIX);
        let names = fs.list(&place.streams()).map_err(failed("list the streams of"))?;
        Ok(Self { streams: names.iter().filter_map(|name| StreamId::parse(name)).collect(), options: options.clone() })
    }

    /// The next ones whose owners are gone, no more than that many; none at the end.
    ///
    /// # Errors
    /// If the directory cannot be locked. Nothing is passed over then.
    pub fn some(&mut self, most: usize) -> Result<Lot, JournalError> {
        self.some_where(most, |_| true)
    }

    /// As [`some`](Self::some), of those whose Resource, encoded, is one of these. See [`orphans_of`].
    ///
    /// # Errors
    /// As [`some`](Self::some).
    pub fn some_of(&mut self, most: usize, is_ours: impl Fn(&[u8]) -> bool) -> Result<Lot, JournalError> {
        self.some_where(most, |owner| is_of(owner, &is_ours))
    }

    /// That one is looked for again, after the others.
    pub(crate) fn again(&mut self, stream: StreamId) {
        self.streams.push_back(stream);
    }

    /// Streams that nobody has looked at yet; some may have owners that live.
    #[must_use]
    pub fn left(&self) -> usize {
        self.streams.len()
    }

    fn some_where(&mut self, most: usize, is_wanted: impl Fn(&dyn File) -> bool) -> Result<Lot, JournalError> {
        let mut lot = Lot::default();
        if self.streams.is_empty() {
            return Ok(lot);
        }
        let place = Place::new(&self.options.directory);
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

/// Takes the locks of a stream, if nobody has them.
fn claim(fs: &dyn Fs, place: &StreamPlace, stream: StreamId) -> Result<Option<Orphan>, JournalError> {
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
    let cursor = match fs.open(&place.cursor(SinkName::OTLP)) {
        Err(error) if is_missing(&error) => None,
        opened => Some(opened.map_err(failed)?),
    };
    if cursor.as_ref().map_or(Ok(true), |cursor| cursor.try_lock()).map_err(failed)? || planted("adopt-twice") {
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

    /// Reads what is there and gets ready to go on. `None` if there was nothing in it; it is removed then.
    ///
    /// # Errors
    /// What the disk says, or that nobody can tell whose records they are. The stream is left to the next one.
    pub fn adopt(self, options: &JournalOptions) -> Result<Option<Adopted>, JournalError> {
        let place = Place::new(&options.directory).stream(self.stream);
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
        let open = |sink| match locked.take_if(|_| sink == SinkName::OTLP) {
            Some(cursor) => Ok(cursor),
            None => options.fs.open_or_create(&place.cursor(sink)),
        };
        let cursors = options.sinks.iter().map(open).collect::<io::Result<Vec<_>>>();
        let cursors = cursors.map_err(failed("open the cursors of"))?.into_iter().zip(found.starts.iter().copied());
        let cursors = cursors.map(|(file, start)| CursorFile { file, start });
        // Answers repeat what requests say, which may have been written with larger segments.
        let longest = options.longest_record();
        let options = JournalOptions {
            resource: found.resource.clone(),
            scope: found.scope.clone(),
            segment_bytes: Some(0),
            background: false,
            ..options.clone()
        };
        // Streams of earlier versions have none, and get one. Without, a number may be given again if the disk fails.
        let mark = match options.fs.open_or_create(&place.mark()) {
            Err(error) if error::is_shortage(&error) => return Err(failed("open the mark of")(error)),
            opened => opened.ok(),
        };
        let files = Files { owner: self.owner, cursors: cursors.collect(), mark };
        let mut shared = Shared::new(options, self.stream, place, files);
        let longest_request = found.open.iter().map(|(_, request)| request.len()).max().unwrap_or(0);
        shared.longest_record = longest.max(2 * longest_request).min(frame::LONGEST);
        shared.take_over(&found)?;
        // What is held back may answer the calls and hold the end.
        let needs_end = !found.ended && found.held_back.is_none();
        if found.makes_again && needs_end {
            // Soon the mark will not tell any more that it was never shipped: the new segment does.
            shared.begin_answers().and_then(|()| shared.commit())?;
        }
        let journal = Journal(Arc::new(shared));
        let (SinkHandles { reader, settler, .. }, others) = SinkHandles::of(&journal, &found.starts);
        let open = found.open.into_iter().map(|(call, request)| OpenRequest { call, request });
        let open = open.filter(|_| needs_end).collect();
        Ok(Some(Adopted { journal, reader, settler, others, open, dropped, needs_end }))
    }
}

/// The sinks whose cursors nobody looks at any more, and how many records they do not have.
fn dropped(options: &JournalOptions, place: &StreamPlace, stream: StreamId, next: Sequence) -> Vec<(SinkName, u64)> {
    let is_none = |sink: &SinkName| !options.sinks.iter().any(|of| of == *sink);
    let sinks = place.sinks(&*options.fs).into_iter().filter(is_none);
    let missing = sinks.filter_map(|sink| {
        let cursor = Cursor::read(&*options.fs.open(&place.cursor(sink)).ok()?, stream)?;
        Some((sink, next.saturating_sub(cursor.sequence + 1)))
    });
    missing.filter(|(_, records)| *records > 0).collect()
}

impl Shared {
    /// The state of a stream that is read and not written to.
    fn take_over(&self, found: &Recovered) -> Result<(), JournalError> {
        if let Some(torn) = found.torn.as_ref().filter(|_| found.held_back.is_none()) {
            // If it cannot be set aside, the stream stays as it is, and the next adopter finds it.
            if self.set_aside_part(torn.segment, torn.from, torn.to)? {
                self.told.store(true, Relaxed);
                self.degraded(
                    DAMAGED,
                    &format!("the end of {} is damaged", self.place.segment(torn.segment).display()),
                );
            }
        }
        let mut state = self.state();
        state.segments = found.segments.clone();
        state.next_file = found.next_file;
        state.sequence = found.sequence;
        state.closed = true;
        if let Some(durable) = found.held_back {
            let Cursor { segment, offset, sequence } = durable;
            state.synced = Synced { frames: 0, segment, offset, sequence: sequence + 1, header: true };
            state.calls_from = found.calls_from;
            state.recount_pending();
            drop(state);
            self.degraded(FULL, &format!("{} has no room for what is at its end; that is left for later", self.stream));
            return Ok(());
        }
        state.ended = found.ended;
        if !found.ended {
            state.left_open = Some(found.open.clone());
            state.calls_from = found.calls_from;
        }
        state.recount_pending();
        if let Some(last) = found.segments.back() {
            // Of a damaged end it is known which numbers stood there, once that is in the mark.
            let offset = found.torn.as_ref().map_or(last.end, |torn| last.end.max(torn.to));
            state.synced = Synced { frames: 0, segment: last.number, offset, sequence: found.sequence, header: true };
        }
        drop(state);
        if found.torn.is_some() {
            // Or the next adopter would guess them anew, if this one does not come to write the end.
            self.mark_durably(found.sequence.saturating_sub(1));
        }
        Ok(())
    }

    /// Begins a segment for the answers to what a dead process left open, with the requests in it.
    ///
    /// # Errors
    /// [`JournalError::Closed`] if the stream has its end, and that no segment can be made: it is tried again with the next
    /// record.
    pub(super) fn begin_answers(&self) -> Result<(), JournalError> {
        let left_open = self.state().left_open.clone();
        let Some(left_open) = left_open else { return Err(JournalError::Closed) };
        let requests: u64 = left_open.iter().map(|(_, request)| request.len() as u64).sum();
        let answers = 3 * requests + 512 * left_open.len() as u64;
        self.make_beyond_bound(self.header_length() + answers + 2 * ALARM_RESERVE);
        let (prepared, sequence) = {
            let mut state = self.state();
            let prepared = state.take_next(|_| true).ok_or_else(|| self.full(&state, ""))?;
            (prepared, state.sequence)
        };
        let open = left_open.iter().map(|(call, request)| Carried { call: *call, payload: request.to_vec() });
        self.start_in(prepared, sequence, open.collect())?;
        let mut state = self.state();
        // From here on the copies must be durable before the originals go.
        (state.closed, state.left_open, state.calls_from) = (false, None, u64::MAX);
        Ok(())
    }
}

impl Journal {
    /// Removes the stream, if its last record was appended, all of it is settled, what was lost of it is told, and the ledger has
    /// its last number. Says whether it was.
    #[must_use]
    pub fn remove_if_done(&self) -> bool {
        if self.is_inherited() {
            return false;
        }
        let shared = &self.0;
        let done = {
            let state = shared.state();
            state.ended && state.is_clean() && state.settled() + 1 >= state.sequence
        };
        let done = done && (planted("remove-before-told") || shared.is_told());
        if !done {
            return false;
        }
        let last = {
            let mut state = shared.state();
            state.stop = true;
            state.sequence.saturating_sub(1)
        };
        match remove_all(&shared.options, &shared.place, Some((shared.stream, last))) {
            Ok(is_gone) => is_gone,
            Err(error) => {
                shared.degraded(LEDGER, &error);
                false
            }
        }
    }
}

/// Removes a stream in such an order that whoever finds the rest of it, also after a power loss, can remove the rest: as
/// long as a segment is there, the last one is, and it says that the stream has ended. What cannot be removed is left to the
/// next adopter. Says whether all is gone that is ours.
///
/// # Errors
/// If the ledger does not take what is to be kept of the stream: nothing is removed then.
fn remove_all(
    options: &JournalOptions,
    place: &StreamPlace,
    kept: Option<(StreamId, Sequence)>,
) -> Result<bool, JournalError> {
    let fs = &*options.fs;
    let directory = Place::new(&options.directory);
    let Ok(_alone) = lock(options, &directory) else { return Ok(false) };
    let Ok(mut names) = fs.list(place.root()) else { return Ok(false) };
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
        let before_last = if is_last(name) { fs.sync_dir(place.root()) } else { Ok(()) };
        if before_last.and_then(|()| fs.remove(&place.root().join(name))).is_err() {
            return Ok(false);
        }
    }
    drop(fs.remove_dir(place.root()));
    Ok(true)
}

/// How many streams of dead processes a trail has in hand at once.
pub const ADOPTED_AT_ONCE: usize = 4;
/// Descriptors that an adoption takes at most, however many streams there are: for each in hand two locked files, the mark, the
/// segment that is read and the one that is written; and for all together the locks of directories, a listing, a file that is
/// recovered or written again, and one of the quarantine. A second sink takes two more for each in hand: its cursor, and the
/// segment that is read for it.
pub const ADOPTION_DESCRIPTORS: usize = 5 * ADOPTED_AT_ONCE + 6;
const FULL: &str = crate::record::error_type::JOURNAL_FULL;
const DAMAGED: &str = crate::record::error_type::JOURNAL_DAMAGED;
const LEDGER: &str = crate::record::error_type::JOURNAL_LEDGER_FAILED;
