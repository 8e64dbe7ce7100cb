//! A journal of format version 1, with a file of quarantine's version 2: today's writer makes the same bytes, and today's reader
//! reads them.
//!
//! `AUDITRAIL_REGENERATE=1 cargo test --lib golden` writes it again, for a new version of the format only.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::journal::append::Append;
use crate::journal::disk::Disk;
use crate::journal::entry::Entry;
use crate::journal::format::{FrameHeader, HEADER, Kind, Salt, SegmentHeader, SinkName, frame};
use crate::journal::options::JournalOptions;
use crate::journal::quarantine::{Cause, Quarantine, Quarantined};
use crate::journal::read::BatchLimits;
use crate::journal::recover::orphans;
use crate::record::StreamId;

const STREAM: StreamId = StreamId::from_bytes([0x01, 0x90, 0, 0, 0, 0, 0x70, 1, 0x80, 2, 3, 4, 5, 6, 7, 8]);

/// Every file that has a format, as it is in version 1.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let header = |segment: u64, next_sequence: u64, carried: u32| SegmentHeader {
        stream: STREAM,
        segment,
        next_sequence,
        begun_unix_nano: 1_700_000_000_000_000_000,
        carried,
        process: 4242,
        resource: Bytes::from_static(b"the resource"),
        scope: Bytes::from_static(b"the scope"),
    };
    let segment = |header: SegmentHeader, frames: &[(Kind, u64, u64, &[u8])]| {
        let mut bytes = header.encode();
        for (kind, sequence, call, payload) in frames {
            let frame = FrameHeader::new(*kind, *sequence, *call, payload);
            bytes.extend(frame::encode(frame, payload, Salt::new(STREAM, header.segment)));
        }
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        bytes
    };
    let first: [(Kind, u64, u64, &[u8]); 5] = [
        (Kind::Moment, 1, 0, b"a moment"),
        (Kind::Request, 2, 1, b"a request"),
        (Kind::Intent, 0, 2, b"an intent"),
        (Kind::Response, 3, 1, b"a response"),
        (Kind::Request, 4, 1 << 32 | 1, b"an open request"),
    ];
    let second: [(Kind, u64, u64, &[u8]); 4] = [
        (Kind::Carried, 0, 1 << 32 | 1, b"an open request"),
        (Kind::Carried, 0, 2, b"an intent"),
        (Kind::Response, 5, 2, b"a late response"),
        (Kind::Moment, 6, 0, b"the last moment"),
    ];
    let stream = PathBuf::from("streams").join(STREAM.to_string());
    let quarantined = Quarantined {
        cause: Cause::Refused,
        stream: STREAM,
        first: 1,
        last: 1,
        refused: 1,
        time_unix_nano: 1_700_000_000_000_000_000,
        resource: Bytes::from_static(b"the resource"),
        scope: Bytes::from_static(b"the scope"),
        reason: "INVALID_ARGUMENT".to_owned(),
        shipped_to: None,
        entries: vec![Entry { sequence: 1, record: Bytes::from_static(b"a moment") }],
    };
    let shipped = Quarantined {
        first: 2,
        last: 2,
        shipped_to: Some(SinkName::OTLP),
        entries: vec![Entry { sequence: 2, record: Bytes::from_static(b"a request, 2, of the stream") }],
        ..quarantined.clone()
    };
    vec![
        (stream.join("stream"), header(0, 1, 0).encode()),
        (stream.join("0000000001.seg"), segment(header(1, 1, 0), &first)),
        (stream.join("0000000002.seg"), segment(header(2, 5, 2), &second)),
        (PathBuf::from(format!("quarantine/{STREAM}-{:020}.rec", 1)), quarantined.encode()),
        (PathBuf::from(format!("quarantine/{STREAM}-{:020}.rec", 2)), shipped.encode()),
    ]
}

#[test]
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn todays_writer_makes_the_same_bytes() {
    for (path, bytes) in files() {
        let path = golden().join(path);
        if std::env::var_os("AUDITRAIL_REGENERATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap() == bytes, "{} is another today", path.display());
    }
}

#[test]
fn todays_reader_reads_version_1() {
    let directory = tempfile::tempdir().unwrap();
    for (path, _) in files() {
        let to = directory.path().join(&path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(golden().join(&path), to).unwrap();
    }
    let options = JournalOptions { background: false, ..JournalOptions::new(directory.path()) };
    let orphan = orphans(&options).unwrap().pop().unwrap();
    assert_eq!(orphan.stream(), STREAM);
    let mut adopted = orphan.adopt(&options).unwrap().unwrap();
    assert_eq!(adopted.reader.resource(), &b"the resource"[..]);
    assert_eq!(adopted.reader.scope(), &b"the scope"[..]);
    let open: Vec<_> = adopted.open.iter().map(|open| (open.call.0, &open.request[..])).collect();
    assert_eq!(open, [(1 << 32 | 1, &b"an open request"[..])]);
    let batch = adopted.reader.next(BatchLimits { records: 99, bytes: 1 << 20 }).unwrap();
    let records: Vec<_> = batch.entries.iter().map(|entry| (entry.sequence, &entry.record[..])).collect();
    let expected: [(u64, &[u8]); 6] = [
        (1, b"a moment"),
        (2, b"a request"),
        (3, b"a response"),
        (4, b"an open request"),
        (5, b"a late response"),
        (6, b"the last moment"),
    ];
    assert_eq!(records, expected);
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(b"an answer");
    let receipt = adopted.journal.append(Append::response(Some(adopted.open[0].call)), &mut frame).unwrap();
    assert_eq!(receipt.sequence, 7);
    let quarantine = Quarantine::of(Arc::new(Disk::default()), directory.path());
    let names = quarantine.names().unwrap();
    let read = |name: &String| quarantine.read(name).unwrap();
    let kept: Vec<_> = names.iter().map(read).map(|file| (file.shipped_to, file.reason)).collect();
    assert_eq!(kept, [(None, "INVALID_ARGUMENT".to_owned()), (Some(SinkName::OTLP), "INVALID_ARGUMENT".to_owned())]);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/journal-v1")
}
