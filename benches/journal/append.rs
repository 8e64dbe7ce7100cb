//! One append: thread CPU of the caller, for a lean and a full record, from one thread and from eight.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::{Arc, Mutex};
use std::thread;

use auditrail::journal::{Append, BatchLimits, Disk, HEADER, Journal, JournalOptions, Keeper, Reader, Settler};

use crate::samples::{LENGTHS, TWELVE, number, paired, record, thread_cpu};

pub(crate) fn run(quick: bool) {
    let samples = if quick { 3 } else { 61 };
    println!("append, thread CPU of the caller, ns");
    for length in LENGTHS {
        for threads in [1, 8] {
            let (mapped, written) = (Ours::open(false, length), Ours::open(true, length));
            let (plain, lines) = (Plain::create(), Lines::create(length));
            let [mapped, written, plain, lines] = paired(
                samples,
                [&|| mapped.burst(threads), &|| written.burst(threads), &|| cpu(threads, || plain.write()), &|| {
                    cpu(threads, || lines.write())
                }],
            );
            println!(
                "   {length:>4} bytes, {threads} thread(s)   mapped {mapped:6.0}   journal by write(2) {written:6.0} ({:4.1} ×)   \
                 plain write(2) of 600 {plain:6.0} ({:4.1} ×)   mutex, JSONL, flush {lines:6.0} ({:4.1} ×)",
                written / mapped,
                plain / mapped,
                lines / mapped
            );
        }
    }
}

/// What one of `BURST` operations costs a thread, on average over the threads.
fn cpu(threads: usize, operation: impl Fn() + Sync) -> f64 {
    let each = BURST / threads;
    let burst = || {
        let begun = thread_cpu();
        (0..each).for_each(|_| operation());
        (thread_cpu() - begun).as_secs_f64() * 1e9 / number(each)
    };
    if threads == 1 {
        return burst();
    }
    let sum: f64 = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(burst)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    sum / number(threads)
}

/// Our journal, drained between bursts.
struct Ours {
    journal: Journal,
    handles: Mutex<(Reader, Settler)>,
    record: Vec<u8>,
    _keeper: Keeper,
    _directory: tempfile::TempDir,
}

impl Ours {
    fn open(without_mapping: bool, length: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = JournalOptions::new(directory.path());
        options.fs = Arc::new(Disk { without_mapping });
        let opened = Journal::open(options).unwrap();
        Self {
            journal: opened.journal,
            handles: Mutex::new((opened.reader, opened.settler)),
            record: [vec![0; HEADER], record(length)].concat(),
            _keeper: opened.keeper.unwrap(),
            _directory: directory,
        }
    }

    fn burst(&self, threads: usize) -> f64 {
        thread_local!(static FRAME: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });
        let took = cpu(threads, || {
            FRAME.with_borrow_mut(|frame| {
                if frame.len() < self.record.len() {
                    frame.clone_from(&self.record);
                }
                frame.truncate(self.record.len());
                self.journal.append(Append::MOMENT, frame).unwrap();
            });
        });
        FRAME.take();
        self.journal.commit().unwrap();
        let (reader, settler) = &mut *self.handles.lock().unwrap();
        while let Some(batch) = reader.next(BatchLimits { records: 2000, bytes: 512 * 1024 }) {
            settler.settle(batch.entries.last().unwrap().sequence);
        }
        // What the journal's thread does every 50 ms, in which there are many bursts like this one.
        self.journal.maintain();
        took
    }
}

/// What a write to a file costs at all.
struct Plain(File);

impl Plain {
    fn create() -> Self {
        Self(tempfile::tempfile().unwrap())
    }

    fn write(&self) {
        (&self.0).write_all(&[b'x'; 600]).unwrap();
    }
}

/// What is written by hand where there is no library: a line of JSON under a lock, flushed.
struct Lines {
    file: Mutex<BufWriter<File>>,
    fill: String,
}

impl Lines {
    fn create(length: usize) -> Self {
        Self { file: Mutex::new(BufWriter::new(tempfile::tempfile().unwrap())), fill: "x".repeat(length - 590) }
    }

    fn write(&self) {
        let mut line = serde_json::Map::new();
        for (key, value) in TWELVE {
            line.insert(key.into(), value.into());
        }
        line.insert("client.port".into(), 50_123.into());
        line.insert("http.response.status_code".into(), 200.into());
        line.insert("fill".into(), self.fill.as_str().into());
        let mut file = self.file.lock().unwrap();
        serde_json::to_writer(&mut *file, &line).unwrap();
        file.write_all(b"\n").and_then(|()| file.flush()).unwrap();
    }
}

const BURST: usize = 1000;
