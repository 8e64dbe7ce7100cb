//! P4: durable records a second with 64 callers, each of which waits for its record before it makes the next.
//!
//! The peer is the best group commit that can be written by hand: callers copy their record into a buffer, one thread
//! writes the buffer and syncs it, and wakes all of them. It has neither checksums nor segments nor a reader. Its file is
//! made in three ways, as file systems differ in what `fdatasync` has to do for them; the fastest counts. The bound is a
//! thread without callers that writes 64 records and syncs them, over and over.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::common::{number, paired, record};

pub(crate) fn run(quick: bool) {
    let (samples, time) = if quick { (1, Duration::from_millis(100)) } else { (9, Duration::from_secs(1)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("P4 durable records a second, {CALLERS} callers, {LENGTH} bytes");
    let raw = |space| RawFile::create(space).per_second(&runtime, time);
    let [ours, grows, allocated, zeros, bound] = paired(
        samples,
        [&|| ours(&runtime, time), &|| raw(Space::Grows), &|| raw(Space::Allocated), &|| raw(Space::Zeros), &|| {
            bound(time)
        }],
    );
    println!("   raw batched fdatasync, file grows {grows:.0}   allocated {allocated:.0}   zeros {zeros:.0}");
    println!("   64 records and one fdatasync, without callers {bound:.0}");
    let best = grows.max(allocated).max(zeros);
    println!("   journal at `synced` {ours:.0}   ratio to the best {:.2}   (must 0.70)", ours / best);
}

/// How many times the callers have done what they wait for, in a second.
fn per_second<F>(runtime: &Runtime, time: Duration, caller: impl Fn(Arc<AtomicBool>) -> F) -> f64
where
    F: Future<Output = u32> + Send + 'static,
{
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS).map(|_| runtime.spawn(caller(stop.clone()))).collect();
    thread::sleep(time);
    stop.store(true, Ordering::Relaxed);
    let done: u32 = callers.into_iter().map(|caller| runtime.block_on(caller).unwrap()).sum();
    f64::from(done) / begun.elapsed().as_secs_f64()
}

fn ours(runtime: &Runtime, time: Duration) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let opened = Journal::open(JournalOptions::new(directory.path())).unwrap();
    let (journal, mut reader) = (opened.journal, opened.reader);
    let rate = per_second(runtime, time, |stop| {
        let journal = journal.clone();
        let original = [vec![0; HEADER], record(LENGTH)].concat();
        async move {
            let mut done = 0;
            let mut frame = original.clone();
            while !stop.load(Ordering::Relaxed) {
                frame.truncate(original.len());
                let receipt = journal.append(Append::MOMENT, &mut frame).unwrap();
                journal.synced(receipt).await.unwrap();
                done += 1;
            }
            done
        }
    });
    while let Some(batch) = reader.next(BatchLimits { records: 2000, bytes: 512 * 1024 }) {
        reader.settle(batch.entries.last().unwrap().sequence);
    }
    rate
}

/// Where the peer's bytes go.
#[derive(Clone, Copy)]
enum Space {
    Grows,
    Allocated,
    Zeros,
}

struct RawFile {
    file: File,
    space: Space,
}

impl RawFile {
    fn create(space: Space) -> Self {
        let file = tempfile::tempfile().unwrap();
        match space {
            Space::Grows => {}
            Space::Allocated => fallocate(&file, FallocateFlags::empty(), 0, SPACE).unwrap(),
            Space::Zeros => {
                let zeros = vec![0; 1 << 20];
                (0..SPACE >> 20).for_each(|part| file.write_all_at(&zeros, part << 20).unwrap());
            }
        }
        file.sync_all().unwrap();
        Self { file, space }
    }

    fn append(&self, at: &mut u64, bytes: &[u8]) {
        if !matches!(self.space, Space::Grows) && *at + bytes.len() as u64 > SPACE {
            *at = 0;
        }
        self.file.write_all_at(bytes, *at).unwrap();
        *at += bytes.len() as u64;
        self.file.sync_data().unwrap();
    }

    fn per_second(self, runtime: &Runtime, time: Duration) -> f64 {
        let raw = Arc::new(Raw::default());
        let committer = {
            let raw = raw.clone();
            thread::spawn(move || raw.commit(&self))
        };
        let rate = per_second(runtime, time, |stop| {
            let (raw, record) = (raw.clone(), record(LENGTH));
            async move {
                let mut done = 0;
                while !stop.load(Ordering::Relaxed) {
                    raw.write(&record).await;
                    done += 1;
                }
                done
            }
        });
        raw.queued.lock().unwrap().stop = true;
        raw.some.notify_one();
        committer.join().unwrap();
        rate
    }
}

/// A group commit by hand.
#[derive(Default)]
struct Raw {
    queued: Mutex<Queued>,
    some: Condvar,
    synced: AtomicU64,
    changed: Notify,
}

#[derive(Default)]
struct Queued {
    bytes: Vec<u8>,
    records: u64,
    stop: bool,
}

impl Raw {
    async fn write(&self, record: &[u8]) {
        let mine = {
            let mut queued = self.queued.lock().unwrap();
            queued.bytes.extend_from_slice(record);
            queued.records += 1;
            if queued.bytes.len() == record.len() {
                self.some.notify_one();
            }
            queued.records
        };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.synced.load(Ordering::Acquire) >= mine {
                return;
            }
            changed.await;
        }
    }

    fn commit(&self, file: &RawFile) {
        let (mut bytes, mut at) = (Vec::new(), 0);
        loop {
            let records = {
                let waits = |queued: &mut Queued| queued.bytes.is_empty() && !queued.stop;
                let mut queued = self.some.wait_while(self.queued.lock().unwrap(), waits).unwrap();
                if queued.bytes.is_empty() {
                    return;
                }
                std::mem::swap(&mut bytes, &mut queued.bytes);
                queued.records
            };
            file.append(&mut at, &bytes);
            bytes.clear();
            self.synced.store(records, Ordering::Release);
            self.changed.notify_waiters();
        }
    }
}

/// What no group commit of this many callers can exceed but by being lucky.
fn bound(time: Duration) -> f64 {
    let file = RawFile::create(Space::Zeros);
    let batch = record(LENGTH).repeat(CALLERS);
    let (begun, mut at, mut done) = (Instant::now(), 0, 0_u32);
    while begun.elapsed() < time {
        file.append(&mut at, &batch);
        done += 1;
    }
    f64::from(done) * number(CALLERS) / begun.elapsed().as_secs_f64()
}

const CALLERS: usize = 64;
const LENGTH: usize = 640;
const SPACE: u64 = 64 << 20;
