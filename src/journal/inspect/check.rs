//! Reads all of a journal and names what is wrong with it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::cursor::Cursor;
use super::super::frame::{FrameHeader, Salt};
use super::super::header::SegmentHeader;
use super::super::mark::Mark;
use super::super::place::{MARK, OWNER, StreamPlace, is_new, segment_number, sink_of_cursor};
use super::super::recover::refuse_unknown_version;
use super::super::scan::{Item, Scan};
use super::untouched::Untouched;
use super::{Inspection, Owner, Problem, ProblemKind, header};
use crate::journal::{File, Fs as _, JournalError, Sequence, SinkName};
use crate::record::StreamId;

impl Inspection {
    /// Reads every frame of every stream, and the quarantine. What is wrong is handed over as it is found; `progress` gets
    /// the bytes that were read and those that there are. What a living owner does meanwhile is no problem.
    ///
    /// # Errors
    /// If the directory cannot be listed.
    pub fn check(
        &self,
        mut problem: impl FnMut(Problem),
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), JournalError> {
        let names = self.names_of_streams()?;
        let total: u64 = names.iter().map(|name| self.bytes_of(name)).sum();
        let mut done = 0;
        progress(done, total);
        for name in names {
            let Some(stream) = StreamId::parse(&name) else {
                let path = self.place.streams().join(name);
                problem(found(ProblemKind::Stranger, path, "its name is not the id of a stream"));
                continue;
            };
            let place = self.place.stream(stream);
            let lives = self.owner(stream) != Owner::Gone;
            let mut check = StreamCheck {
                stream,
                place,
                lives,
                problems: Vec::new(),
                expected: None,
                oldest: None,
                damage: Vec::new(),
            };
            let result = check.run(&mut |bytes| {
                done += bytes;
                progress(done.min(total), total);
            });
            let gone = Untouched.identity(check.place.root()).is_err();
            if let Err(error) = result
                && !gone
            {
                check.tell(ProblemKind::Unreadable, check.place.root().to_owned(), None, None, error.to_string());
            }
            check.problems.into_iter().filter(|_| !gone).for_each(&mut problem);
        }
        self.check_quarantine(&mut problem)?;
        self.check_ledger(&mut problem);
        progress(total, total);
        Ok(())
    }

    fn check_quarantine(&self, problem: &mut impl FnMut(Problem)) -> Result<(), JournalError> {
        for name in self.quarantine_names()? {
            if let Err(error) = self.quarantined(&name) {
                let path = self.place.quarantine().join(format!("{name}.rec"));
                let kind = match &error {
                    JournalError::Io { cause, .. } if cause.kind() == io::ErrorKind::InvalidData => {
                        ProblemKind::QuarantineDamaged
                    }
                    _ => ProblemKind::Unreadable,
                };
                problem(found(kind, path, error.to_string()));
            }
        }
        Ok(())
    }

    fn check_ledger(&self, problem: &mut impl FnMut(Problem)) {
        let ledger = match self.ledger() {
            Ok(ledger) => ledger,
            Err(error) => return problem(found(ProblemKind::Unreadable, self.place.ledger(), error.to_string())),
        };
        if let Some((path, version)) = ledger.unknown {
            problem(found(ProblemKind::UnknownVersion, path, format!("it is of version {version}")));
        }
        for (path, offset) in ledger.damaged {
            let text = if offset == 0 { "it is no header of a ledger" } else { "it is no entry" };
            problem(Problem { offset: Some(offset), ..found(ProblemKind::LedgerDamaged, path, text) });
        }
    }

    fn bytes_of(&self, stream: &str) -> u64 {
        let directory = self.place.streams().join(stream);
        let names = Untouched.list(&directory).unwrap_or_default();
        let segments = names.iter().filter(|name| segment_number(name).is_some());
        segments.map(|name| Untouched.identity(&directory.join(name)).map_or(0, |found| found.length)).sum()
    }
}

/// One stream while it is read.
struct StreamCheck {
    stream: StreamId,
    place: StreamPlace,
    /// Its owner may append and settle meanwhile.
    lives: bool,
    problems: Vec<Problem>,
    /// The number that comes next, once one is known.
    expected: Option<Sequence>,
    /// The first number that was found.
    oldest: Option<Sequence>,
    /// The places of damaged frames whose numbers are told by the next sound one: indices of `problems`.
    damage: Vec<usize>,
}

/// A segment whose header was looked at.
struct Found {
    number: u64,
    path: PathBuf,
    file: Arc<dyn File>,
    length: u64,
    header: Option<SegmentHeader>,
}

/// What the frames say of the cursor of a sink.
struct Settled {
    sink: SinkName,
    cursor: Option<Cursor>,
    /// The number of the first record behind it.
    behind: Option<Sequence>,
}

impl StreamCheck {
    fn run(&mut self, read: &mut dyn FnMut(u64)) -> io::Result<()> {
        let sinks = self.place.sinks(&Untouched);
        let before = |sink: &SinkName| Settled { sink: *sink, cursor: self.cursor(*sink), behind: None };
        let mut settled: Vec<_> = sinks.iter().map(before).collect();
        let segments = self.segments()?;
        if !segments.is_empty() && segments.iter().all(|segment| segment.header.is_none()) && !self.check_owner() {
            self.tell(ProblemKind::Nameless, self.place.root().to_owned(), None, None, "no header is sound".into());
        } else {
            self.check_owner();
        }
        for (index, segment) in segments.iter().enumerate() {
            let later = segments.get(index + 1..).unwrap_or_default();
            let next_first = later.iter().filter_map(|later| Some(later.header.as_ref()?.next_sequence)).min();
            // What was written again as a whole, to a later one with an earlier number, is passed over by everybody.
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

    /// The segments in their order. What is prepared is all zeros, and is left out.
    fn segments(&mut self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in Untouched.list(self.place.root())? {
            let path = self.place.root().join(&name);
            let Some(number) = segment_number(&name) else {
                let is_ours =
                    [OWNER, MARK].contains(&name.as_str()) || sink_of_cursor(&name).is_some() || is_new(&name);
                if !is_ours {
                    self.tell(ProblemKind::Stranger, path, None, None, "no file of a stream has such a name".into());
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
                Ok::<_, io::Error>(header(&*file)?.filter(|header| (header.stream, header.segment) == (stream, number)))
            };
            let mut header = own()?;
            if header.is_none() {
                if Scan::new(file.clone(), salt, 0).holds_nothing(length)? {
                    continue;
                }
                // Its owner may have begun it between the two.
                header = own()?;
            }
            if header.is_none()
                && let Err(error) = refuse_unknown_version(&file, salt, length)
            {
                self.tell(ProblemKind::UnknownVersion, path, None, None, error.to_string());
                continue;
            }
            found.push(Found { number, path, file, length, header });
        }
        found.sort_by_key(|segment| segment.number);
        if self.lives {
            // The header is written last: the newest may be on its way.
            let newest = found.iter().rfind(|segment| segment.header.is_some()).map_or(0, |segment| segment.number);
            found.retain(|segment| segment.number <= newest);
        }
        for Found { path, .. } in found.iter().filter(|segment| segment.header.is_none()) {
            self.tell(ProblemKind::HeaderDamaged, path.clone(), Some(0), None, "its checksum does not hold".into());
        }
        Ok(found)
    }

    /// Says whether the file `stream` is sound.
    fn check_owner(&mut self) -> bool {
        let path = self.place.owner();
        let sound = match Untouched.open(&path).and_then(|file| header(&*file)) {
            Ok(Some(header)) if header.stream == self.stream => return true,
            Ok(_) => "its checksum does not hold, or it is of another stream".to_owned(),
            Err(error) => error.to_string(),
        };
        self.tell(ProblemKind::OwnerDamaged, path, None, None, sound);
        false
    }

    fn check_segment(
        &mut self,
        segment: &Found,
        next_first: Option<Sequence>,
        settled: &mut [Settled],
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
                    // Here the owner was when this was read.
                    return Ok(());
                }
                // The owner may have written between two reads.
                scan = Scan::new(segment.file.clone(), salt, at);
                item = scan.next(segment.length)?;
            }
            match item {
                // From there on it was written again to a later segment, as the sync of this one failed.
                Item::Frame { header, .. } | Item::BadPayload { header, .. }
                    if next_first.is_some_and(|next| header.sequence >= next) => {}
                Item::Frame { header, offset, .. } => self.see(segment, offset, &header, settled),
                Item::BadPayload { header, .. } => {
                    self.see(segment, at, &header, settled);
                    let sequence = Some(header.sequence).filter(|_| header.kind.is_record());
                    let text = format!("the checksum of its {} bytes does not hold", header.length);
                    self.tell(ProblemKind::PayloadDamaged, segment.path.clone(), Some(at), sequence, text);
                }
                Item::Damage { nothing: true, .. } => {}
                // What stands between a lost header and the first frame is the header's.
                Item::Damage { from: 0, .. } if segment.header.is_none() => {}
                Item::Damage { from, to, nothing: false } => {
                    self.damage.push(self.problems.len());
                    let text = format!("{} bytes are no frame", to - from);
                    self.tell(ProblemKind::FrameDamaged, segment.path.clone(), Some(from), None, text);
                }
                Item::End => return Ok(()),
            }
        }
    }

    fn see(&mut self, segment: &Found, offset: u64, header: &FrameHeader, settled: &mut [Settled]) {
        if !header.kind.is_record() {
            return;
        }
        settled.iter_mut().for_each(|settled| settled.note(segment, offset, header.sequence));
        self.comes(segment, offset, header.sequence);
        let expected = self.expected.unwrap_or(0);
        if header.sequence < expected {
            let text = format!("number {} stands behind {}", header.sequence, expected - 1);
            self.tell(ProblemKind::Repeated, segment.path.clone(), Some(offset), Some(header.sequence), text);
        }
        self.expected = Some(expected.max(header.sequence.saturating_add(1)));
    }

    /// A number was found: those before it are missing, or were damaged.
    fn comes(&mut self, segment: &Found, offset: u64, sequence: Sequence) {
        self.oldest = self.oldest.or(Some(sequence));
        let missing = self.expected.filter(|expected| sequence > *expected);
        let damage = std::mem::take(&mut self.damage);
        if let Some(expected) = missing {
            if damage.is_empty() {
                let text = format!("{} record(s) before this place", sequence - expected);
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

    fn check_cursor(&mut self, settled: &Settled) {
        let oldest = self.oldest;
        // What is damaged at the end has the numbers from here on.
        for index in std::mem::take(&mut self.damage) {
            if let Some(problem) = self.problems.get_mut(index) {
                problem.first = self.expected;
            }
        }
        let path = self.place.cursor(settled.sink);
        // The newest: all that was settled before the segments were listed is in it.
        let Some(cursor) = self.cursor(settled.sink) else {
            let length = Untouched.identity(&path).map_or(0, |found| found.length);
            if length > 0 || oldest.is_some_and(|oldest| oldest > 1) {
                self.tell(ProblemKind::CursorDamaged, path, None, None, "its checksum does not hold".into());
            }
            return;
        };
        if let Some(oldest) = oldest
            && oldest > cursor.sequence.saturating_add(1)
        {
            let text = format!("the oldest record that is there is {oldest}");
            self.tell(
                ProblemKind::Missing,
                self.place.root().to_owned(),
                None,
                Some(cursor.sequence.saturating_add(1)),
                text,
            );
            self.problems.last_mut().into_iter().for_each(|problem| problem.last = Some(oldest - 1));
        }
        // Where an adopter would not go on.
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

    /// Numbers that were durable once, and are neither there nor settled.
    fn check_mark(&mut self, sinks: &[SinkName]) {
        let mark = Untouched.open(&self.place.mark()).ok().and_then(|file| Mark::read(&*file, self.stream));
        let settled =
            sinks.iter().map(|sink| self.cursor(*sink).map_or(0, |cursor| cursor.sequence)).min().unwrap_or(0);
        let next = self.expected.unwrap_or(1).max(settled.saturating_add(1));
        let Some(mark) = mark.filter(|mark| mark.sequence >= next && !self.lives) else { return };
        let text = format!("record {} was durable once, and the stream ends before it", mark.sequence);
        self.tell(ProblemKind::Missing, self.place.root().to_owned(), None, Some(next), text);
        self.problems.last_mut().into_iter().for_each(|problem| problem.last = Some(mark.sequence));
    }

    fn cursor(&self, sink: SinkName) -> Option<Cursor> {
        Cursor::read(&*Untouched.open(&self.place.cursor(sink)).ok()?, self.stream)
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
        self.problems.push(Problem { offset, stream, first: sequence, last: sequence, ..found(kind, path, text) });
    }
}

impl Settled {
    fn note(&mut self, segment: &Found, offset: u64, sequence: Sequence) {
        let is_behind = |cursor: Cursor| (segment.number, offset) >= (cursor.segment, cursor.offset);
        if self.behind.is_none() && self.cursor.is_some_and(is_behind) {
            self.behind = Some(sequence);
        }
    }
}

fn found(kind: ProblemKind, path: PathBuf, text: impl Into<String>) -> Problem {
    Problem { kind, path, offset: None, stream: None, first: None, last: None, found: text.into() }
}
