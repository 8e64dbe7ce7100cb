//! Reads one stream and reports what is wrong with it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::problem::{Problem, ProblemKind};
use super::untouched::Untouched;
use crate::journal::disk::{File, Fs as _};
use crate::journal::format::{
    Cursor, FrameHeader, Item, MARK, Mark, OWNER, Salt, Scan, SegmentHeader, SinkName, StreamPaths, is_new,
    segment_number, sink_of_cursor,
};
use crate::journal::numbers::Sequence;
use crate::journal::recover::refuse_unknown_version;
use crate::record::StreamId;

/// The check of one stream.
pub(super) struct StreamCheck {
    stream: StreamId,
    paths: StreamPaths,
    /// Whether its owner may append and settle in the meantime.
    lives: bool,
    problems: Vec<Problem>,
    /// The next number, once one is known.
    expected: Option<Sequence>,
    /// The first number that was found.
    oldest: Option<Sequence>,
    /// Damaged frames whose numbers the next sound frame tells: indices of `problems`.
    damage: Vec<usize>,
}

/// A segment whose header was read.
struct CheckedSegment {
    number: u64,
    path: PathBuf,
    file: Arc<dyn File>,
    length: u64,
    header: Option<SegmentHeader>,
}

/// What the frames say about the cursor of a sink.
struct SinkCheck {
    sink: SinkName,
    cursor: Option<Cursor>,
    /// The number of the first record after it.
    behind: Option<Sequence>,
}

impl StreamCheck {
    /// The check of a stream whose owner may live.
    pub(super) fn of(stream: StreamId, paths: StreamPaths, lives: bool) -> Self {
        Self { stream, paths, lives, problems: Vec::new(), expected: None, oldest: None, damage: Vec::new() }
    }

    /// Reads the stream and returns what is wrong with it; nothing if it was removed in the meantime. `read` gets the
    /// size of each segment.
    pub(super) fn problems(mut self, read: &mut dyn FnMut(u64)) -> Vec<Problem> {
        let result = self.run(read);
        if Untouched.identity(self.paths.root()).is_err() {
            return Vec::new();
        }
        if let Err(error) = result {
            self.tell(ProblemKind::Unreadable, self.paths.root().to_owned(), None, None, error.to_string());
        }
        self.problems
    }

    fn run(&mut self, read: &mut dyn FnMut(u64)) -> io::Result<()> {
        let sinks = self.paths.sinks(&Untouched);
        let before = |sink: &SinkName| SinkCheck { sink: *sink, cursor: self.cursor(*sink), behind: None };
        let mut settled: Vec<_> = sinks.iter().map(before).collect();
        let segments = self.segments()?;
        if !segments.is_empty() && segments.iter().all(|segment| segment.header.is_none()) && !self.check_owner() {
            self.tell(ProblemKind::Nameless, self.paths.root().to_owned(), None, None, "no header is valid".into());
        } else {
            self.check_owner();
        }
        for (index, segment) in segments.iter().enumerate() {
            let later = segments.get(index + 1..).unwrap_or_default();
            let next_first = later.iter().filter_map(|later| Some(later.header.as_ref()?.next_sequence)).min();
            // A segment that was written again as a whole, to a later one with an earlier number, is skipped by all
            // readers.
            let first = segment.header.as_ref().map(|header| header.next_sequence);
            if first.is_none_or(|first| next_first.is_none_or(|next| first <= next)) {
                self.check_segment(segment, next_first, &mut settled)?;
            }
            read(segment.length);
        }
        settled.iter().for_each(|settled| self.check_cursor(settled));
        self.check_mark(&sinks);
        Ok(())
    }

    /// The segments in order, without prepared ones, which contain only zeros.
    fn segments(&mut self) -> io::Result<Vec<CheckedSegment>> {
        let mut found = Vec::new();
        for name in Untouched.list(self.paths.root())? {
            let path = self.paths.root().join(&name);
            let Some(number) = segment_number(&name) else {
                let is_ours =
                    [OWNER, MARK].contains(&name.as_str()) || sink_of_cursor(&name).is_some() || is_new(&name);
                if !is_ours {
                    self.tell(ProblemKind::Stranger, path, None, None, "a stream has no file of this name".into());
                }
                continue;
            };
            let file = match Untouched.open(&path) {
                Ok(file) => file,
                // It was settled and removed since the directory was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.tell(ProblemKind::Unreadable, path, None, None, error.to_string());
                    continue;
                }
            };
            let length = file.identity()?.length;
            let (stream, salt) = (self.stream, Salt::new(self.stream, number));
            let own = || {
                Ok::<_, io::Error>(
                    SegmentHeader::read(&*file)?.filter(|header| (header.stream, header.segment) == (stream, number)),
                )
            };
            let mut header = own()?;
            if header.is_none() {
                if Scan::new(file.clone(), salt, 0).holds_nothing(length)? {
                    continue;
                }
                // Its owner may have started it between the two reads.
                header = own()?;
            }
            if header.is_none()
                && let Err(error) = refuse_unknown_version(&file, salt, length)
            {
                self.tell(ProblemKind::UnknownVersion, path, None, None, error.to_string());
                continue;
            }
            found.push(CheckedSegment { number, path, file, length, header });
        }
        found.sort_by_key(|segment| segment.number);
        if self.lives {
            // The header is written last, so the newest segment may be in preparation.
            let newest = found.iter().rfind(|segment| segment.header.is_some()).map_or(0, |segment| segment.number);
            found.retain(|segment| segment.number <= newest);
        }
        for CheckedSegment { path, .. } in found.iter().filter(|segment| segment.header.is_none()) {
            self.tell(ProblemKind::HeaderDamaged, path.clone(), Some(0), None, "its checksum does not match".into());
        }
        Ok(found)
    }

    /// Returns whether the file `stream` is valid.
    fn check_owner(&mut self) -> bool {
        let path = self.paths.owner();
        let sound = match Untouched.open(&path).and_then(|file| SegmentHeader::read(&*file)) {
            Ok(Some(header)) if header.stream == self.stream => return true,
            Ok(_) => "its checksum does not match, or it belongs to another stream".to_owned(),
            Err(error) => error.to_string(),
        };
        self.tell(ProblemKind::OwnerDamaged, path, None, None, sound);
        false
    }

    fn check_segment(
        &mut self,
        segment: &CheckedSegment,
        next_first: Option<Sequence>,
        settled: &mut [SinkCheck],
    ) -> io::Result<()> {
        let begin = segment.header.as_ref().map_or(0, |header| header.length() as u64);
        if let Some(header) = &segment.header {
            self.comes(segment, begin, header.next_sequence);
            self.expected = Some(header.next_sequence);
        }
        let salt = Salt::new(self.stream, segment.number);
        let mut scan = Scan::new(segment.file.clone(), salt, begin);
        loop {
            let at = scan.offset();
            let mut item = scan.next(segment.length)?;
            if self.lives && !matches!(item, Item::Frame { .. } | Item::End) {
                if next_first.is_none() && matches!(item, Item::Damage { nothing: true, .. }) {
                    // The owner had written up to here when this was read.
                    return Ok(());
                }
                // The owner may have written between two reads.
                scan = Scan::new(segment.file.clone(), salt, at);
                item = scan.next(segment.length)?;
            }
            match item {
                // From here on it was written again to a later segment, because the sync of this one failed.
                Item::Frame { header, .. } | Item::BadPayload { header, .. }
                    if next_first.is_some_and(|next| header.sequence >= next) => {}
                Item::Frame { header, offset, .. } => self.see(segment, offset, &header, settled),
                Item::BadPayload { header, .. } => {
                    self.see(segment, at, &header, settled);
                    let sequence = Some(header.sequence).filter(|_| header.kind.is_record());
                    let text = format!("the checksum of its {} bytes does not match", header.length);
                    self.tell(ProblemKind::PayloadDamaged, segment.path.clone(), Some(at), sequence, text);
                }
                Item::Damage { nothing: true, .. } => {}
                // What is between a lost header and the first frame belongs to the header.
                Item::Damage { from: 0, .. } if segment.header.is_none() => {}
                Item::Damage { from, to, nothing: false } => {
                    self.damage.push(self.problems.len());
                    let text = format!("{} bytes are not a frame", to - from);
                    self.tell(ProblemKind::FrameDamaged, segment.path.clone(), Some(from), None, text);
                }
                Item::End => return Ok(()),
            }
        }
    }

    fn see(&mut self, segment: &CheckedSegment, offset: u64, header: &FrameHeader, settled: &mut [SinkCheck]) {
        if !header.kind.is_record() {
            return;
        }
        settled.iter_mut().for_each(|settled| settled.note(segment, offset, header.sequence));
        self.comes(segment, offset, header.sequence);
        let expected = self.expected.unwrap_or(0);
        if header.sequence < expected {
            let text = format!("number {} follows {}", header.sequence, expected - 1);
            self.tell(ProblemKind::Repeated, segment.path.clone(), Some(offset), Some(header.sequence), text);
        }
        self.expected = Some(expected.max(header.sequence.saturating_add(1)));
    }

    /// A number was found. The numbers before it are missing, or were damaged.
    fn comes(&mut self, segment: &CheckedSegment, offset: u64, sequence: Sequence) {
        self.oldest = self.oldest.or(Some(sequence));
        let missing = self.expected.filter(|expected| sequence > *expected);
        let damage = std::mem::take(&mut self.damage);
        if let Some(expected) = missing {
            if damage.is_empty() {
                let text = format!("{} record(s) before this offset", sequence - expected);
                self.tell(ProblemKind::Missing, segment.path.clone(), Some(offset), Some(expected), text);
                self.problems.last_mut().into_iter().for_each(|problem| problem.last = Some(sequence - 1));
            }
            for index in damage {
                if let Some(problem) = self.problems.get_mut(index) {
                    (problem.first, problem.last) = (Some(expected), Some(sequence - 1));
                }
            }
        }
    }

    fn check_cursor(&mut self, settled: &SinkCheck) {
        let oldest = self.oldest;
        // Damage at the end has the numbers from here on.
        for index in std::mem::take(&mut self.damage) {
            if let Some(problem) = self.problems.get_mut(index) {
                problem.first = self.expected;
            }
        }
        let path = self.paths.cursor(settled.sink);
        // Read now: it covers everything that was settled before the segments were listed.
        let Some(cursor) = self.cursor(settled.sink) else {
            let length = Untouched.identity(&path).map_or(0, |found| found.length);
            if length > 0 || oldest.is_some_and(|oldest| oldest > 1) {
                self.tell(ProblemKind::CursorDamaged, path, None, None, "its checksum does not match".into());
            }
            return;
        };
        if let Some(oldest) = oldest
            && oldest > cursor.sequence.saturating_add(1)
        {
            let text = format!("the oldest record on the disk is {oldest}");
            self.tell(
                ProblemKind::Missing,
                self.paths.root().to_owned(),
                None,
                Some(cursor.sequence.saturating_add(1)),
                text,
            );
            self.problems.last_mut().into_iter().for_each(|problem| problem.last = Some(oldest - 1));
        }
        // An adopter would not continue there.
        let behind = settled.behind.or(self.expected);
        if !self.lives && behind.is_some_and(|behind| behind != cursor.sequence.saturating_add(1)) {
            let text = format!(
                "it names segment {}, offset {} for record {}, which is not there",
                cursor.segment,
                cursor.offset,
                cursor.sequence.saturating_add(1)
            );
            self.tell(ProblemKind::CursorAstray, path, None, None, text);
        }
    }

    /// Numbers that were durable once, and are neither present nor settled.
    fn check_mark(&mut self, sinks: &[SinkName]) {
        let mark = Untouched.open(&self.paths.mark()).ok().and_then(|file| Mark::read(&*file, self.stream));
        let settled =
            sinks.iter().map(|sink| self.cursor(*sink).map_or(0, |cursor| cursor.sequence)).min().unwrap_or(0);
        let next = self.expected.unwrap_or(1).max(settled.saturating_add(1));
        let Some(mark) = mark.filter(|mark| mark.sequence >= next && !self.lives) else { return };
        let text = format!("record {} was durable, and the stream ends before it", mark.sequence);
        self.tell(ProblemKind::Missing, self.paths.root().to_owned(), None, Some(next), text);
        self.problems.last_mut().into_iter().for_each(|problem| problem.last = Some(mark.sequence));
    }

    fn cursor(&self, sink: SinkName) -> Option<Cursor> {
        Cursor::read(&*Untouched.open(&self.paths.cursor(sink)).ok()?, self.stream)
    }

    fn tell(
        &mut self,
        kind: ProblemKind,
        path: PathBuf,
        offset: Option<u64>,
        sequence: Option<Sequence>,
        text: String,
    ) {
        let stream = Some(self.stream);
        self.problems.push(Problem {
            offset,
            stream,
            first: sequence,
            last: sequence,
            ..Problem::of(kind, path, text)
        });
    }
}

impl SinkCheck {
    fn note(&mut self, segment: &CheckedSegment, offset: u64, sequence: Sequence) {
        let is_behind = |cursor: Cursor| (segment.number, offset) >= (cursor.segment, cursor.offset);
        if self.behind.is_none() && self.cursor.is_some_and(is_behind) {
            self.behind = Some(sequence);
        }
    }
}
