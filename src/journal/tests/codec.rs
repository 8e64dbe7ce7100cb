//! Properties of frames, headers, cursors, quarantine files and calls.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::journal::disk::{Disk, File, Fs as _};
use crate::journal::entry::Entry;
use crate::journal::format::{
    Cursor, FrameHeader, HEADER, Item, Kind, LONGEST_HEADER, ReadHeader, Salt, Scan, SegmentHeader, SinkName, frame,
};
use crate::journal::numbers::CallNumber;
use crate::journal::quarantine::{Cause, Quarantined};
use crate::journal::state::{Extent, OpenCalls};
use crate::record::StreamId;

const STREAM: StreamId = StreamId::from_bytes([7; 16]);

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Moment),
        Just(Kind::Request),
        Just(Kind::Response),
        Just(Kind::Intent),
        Just(Kind::Carried),
        Just(Kind::Last)
    ]
}

fn file(content: &[u8]) -> (tempfile::TempDir, Arc<dyn File>) {
    let directory = tempfile::tempdir().unwrap();
    let file = Disk::default().open_or_create(&directory.path().join("file")).unwrap();
    file.write_at(0, content).unwrap();
    (directory, file)
}

proptest! {
    /// Any frame is read back, by the salt of its own segment only.
    #[test]
    fn frames_come_back(
        kind in kinds(), sequence in any::<u64>(), call in any::<u64>(), segment in 1..9_u64,
        payload in vec(any::<u8>(), 1..500),
    ) {
        let header = FrameHeader::new(kind, sequence, call, &payload);
        let bytes = frame::encode(header, &payload, Salt::new(STREAM, segment));
        prop_assert_eq!(bytes.len() % 32, 0);
        prop_assert_eq!(FrameHeader::read(Salt::new(STREAM, segment), &bytes), ReadHeader::Frame(header));
        prop_assert_eq!(FrameHeader::read(Salt::new(STREAM, segment + 1), &bytes), ReadHeader::Damage);
        prop_assert_eq!(&bytes[HEADER..HEADER + payload.len()], &payload[..]);
    }

    /// A header with any bit flipped is none.
    #[test]
    fn no_flipped_bit_in_a_header_passes(payload in vec(any::<u8>(), 1..50), bit in 0..HEADER * 8) {
        let salt = Salt::new(STREAM, 1);
        let mut bytes = frame::encode(FrameHeader::new(Kind::Moment, 1, 0, &payload), &payload, salt);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(FrameHeader::read(salt, &bytes), ReadHeader::Damage);
    }

    /// Hostile bytes: no panic, an end, and no more memory than the file has bytes.
    #[test]
    fn any_bytes_are_walked_to_their_end(bytes in vec(any::<u8>(), 0..3000), from in 0..100_u64) {
        let (_directory, file) = file(&bytes);
        let mut scan = Scan::new(file, Salt::new(STREAM, 1), from * 32);
        let mut items = 0;
        while !matches!(scan.next(bytes.len() as u64 + 64).unwrap(), Item::End) {
            items += 1;
            prop_assert!(items < 200);
        }
    }

    #[test]
    fn segment_headers_come_back(
        numbers in any::<[u64; 3]>(), carried in any::<u32>(),
        resource in vec(any::<u8>(), 0..300), scope in vec(any::<u8>(), 0..99), flip in any::<usize>(),
    ) {
        let header = SegmentHeader {
            stream: STREAM, segment: numbers[0], next_sequence: numbers[1], begun_unix_nano: numbers[2],
            carried, process: 1, resource: resource.into(), scope: scope.into(),
        };
        let mut bytes = header.encode();
        prop_assert_eq!(bytes.len(), header.length());
        prop_assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        let at = flip % bytes.len();
        bytes[at] ^= 0x10;
        prop_assert_eq!(SegmentHeader::decode(&bytes), None);
    }

    #[test]
    fn any_bytes_are_no_header_and_no_cursor(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(SegmentHeader::decode(&bytes), None);
        let mut begun = b"auditjnl\x01\0\0\0".to_vec();
        begun.extend(&bytes);
        prop_assert_eq!(SegmentHeader::decode(&begun), None);
        prop_assert_eq!(Cursor::read(&*file(&bytes).1, STREAM), None);
        prop_assert_eq!(Quarantined::decode(bytes), None);
    }

    #[test]
    fn cursors_come_back(segment in any::<u64>(), offset in any::<u64>(), sequence in any::<u64>()) {
        let cursor = Cursor { segment, offset, sequence };
        let (_directory, file) = file(&[]);
        cursor.write(&*file, STREAM).unwrap();
        prop_assert_eq!(Cursor::read(&*file, STREAM), Some(cursor));
        prop_assert_eq!(Cursor::read(&*file, StreamId::from_bytes([8; 16])), None, "another stream's");
    }

    #[test]
    fn quarantine_comes_back(
        records in vec((any::<u64>(), vec(any::<u8>(), 0..50)), 0..9), reason in ".*", cut in any::<usize>(),
        sink in option::of("[a-z][a-z0-9-]{0,15}"),
    ) {
        let entries = records.into_iter().map(|(sequence, record)| Entry { sequence, record: Bytes::from(record) });
        let content = Quarantined {
            cause: Cause::PartlyRefused, stream: STREAM, first: 1, last: 9, refused: 2, time_unix_nano: 3,
            resource: Bytes::from_static(b"r"), scope: Bytes::new(), reason,
            shipped_to: sink.map(|name| SinkName::new(&name).unwrap()),
            entries: entries.collect(),
        };
        let bytes = content.encode();
        prop_assert_eq!(Quarantined::decode(bytes[..cut % bytes.len()].to_vec()), None);
        prop_assert_eq!(Quarantined::decode(bytes), Some(content));
    }

    /// No number is given out twice, and exactly the calls that were opened and not closed are open.
    #[test]
    fn calls_are_open_until_they_are_closed(steps in vec((any::<bool>(), any::<u8>()), 0..200)) {
        let (mut calls, mut open, mut seen) = (OpenCalls::default(), Vec::new(), Vec::new());
        for (opens, which) in steps {
            if opens || open.is_empty() {
                let number = calls.open(Extent { offset: seen.len() as u64, size: 10 });
                prop_assert!(!seen.contains(&number));
                seen.push(number);
                open.push(number);
            } else {
                let number = open.swap_remove(usize::from(which) % open.len());
                calls.close(number);
                calls.close(number);
            }
            prop_assert_eq!(calls.bytes(), open.len() as u64 * 10);
            let mut told: Vec<u64> = calls.iter().map(|(number, _)| number.0).collect();
            let mut expected: Vec<u64> = open.iter().map(|number: &CallNumber| number.0).collect();
            told.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(told, expected);
        }
    }
}

#[test]
fn a_header_that_is_too_long_is_none() {
    let header = SegmentHeader {
        stream: STREAM,
        segment: 1,
        next_sequence: 1,
        begun_unix_nano: 1,
        carried: 0,
        process: 1,
        resource: vec![1; LONGEST_HEADER].into(),
        scope: Bytes::new(),
    };
    assert_eq!(SegmentHeader::decode(&header.encode()), None);
}
