//! A journal with arbitrary damage: adoption ends, and returns no record that was never appended.

#![no_main]

use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, orphans};
use libfuzzer_sys::fuzz_target;

const RECORDS: [&[u8]; 4] =
    [b"first", b"second, of a call", b"its answer", b"fourth, and somewhat longer than the others"];

fuzz_target!(|edits: Vec<(u16, u8)>| {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let options = || {
        let mut options = JournalOptions::new(directory.path());
        options.background = false;
        options.segment_bytes = Some(64 * 1024);
        options
    };
    write(options());
    damage(directory.path(), &edits);
    for orphan in orphans(&options()).unwrap() {
        // A stream that cannot be read is left alone.
        let Ok(Some(mut adopted)) = orphan.adopt(&options()) else { continue };
        let limits = BatchLimits { records: 2, bytes: 1 << 20 };
        let mut last = 0;
        while let Some(batch) = adopted.reader.next(limits) {
            for entry in &batch.entries {
                assert!(RECORDS.contains(&&*entry.record), "nobody has appended {:?}", entry.record);
                assert!(entry.sequence > last, "numbers go up");
                last = entry.sequence;
            }
            adopted.settler.settle(last);
        }
    }
});

/// Writes a stream whose owner stops without ending it.
fn write(options: JournalOptions) {
    let opened = Journal::open(options).unwrap();
    let append = |what, record: &[u8]| {
        let mut frame = vec![0; HEADER];
        frame.extend_from_slice(record);
        opened.journal.append(what, &mut frame).unwrap()
    };
    append(Append::MOMENT, RECORDS[0]);
    let call = append(Append::REQUEST, RECORDS[1]).call;
    append(Append::response(call), RECORDS[2]);
    append(Append::MOMENT, RECORDS[3]);
    opened.journal.commit().unwrap();
}

/// Flips bytes. The lower half of the numbers means the first kilobyte of the segment, where the frames are; the rest means the
/// owner's file, then the cursor.
fn damage(directory: &std::path::Path, edits: &[(u16, u8)]) {
    let stream = std::fs::read_dir(directory.join("streams")).unwrap().next().unwrap().unwrap().path();
    for (place, flip) in edits.iter().take(64) {
        let (file, offset) = match place {
            0..0x8000 => ("0000000001.seg", place & 0x3ff),
            0x8000..0xc000 => ("stream", place & 0xff),
            _ => ("cursor", place & 0x3f),
        };
        let path = stream.join(file);
        let Ok(mut bytes) = std::fs::read(&path) else { continue };
        if let Some(byte) = bytes.get_mut(usize::from(offset)) {
            *byte ^= flip;
            std::fs::write(&path, bytes).unwrap();
        }
    }
}
