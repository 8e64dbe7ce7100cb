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

use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, Keeper, Reader, Settler};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::samples::{median, number, record, taking_turns};

pub(crate) fn run(quick: bool) {
    let (samples, time) = if quick { (1, Duration::from_millis(50)) } else { (40, Duration::from_millis(200)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("P4 durable records a second, {CALLERS} callers, {LENGTH} bytes");
    let ours = Ours::open();
    let [grows, allocated, zeros] = [Space::Grows, Space::Allocated, Space::Zeros].map(RawFile::create);
    let [ours, grows, allocated, zeros, bound] = taking_turns(
        samples,
        [
            &|| ours.per_second(&runtime, time),
            &|| grows.per_second(&runtime, time),
            &|| allocated.per_second(&runtime, time),
            &|| zeros.per_second(&runtime, time),
            &|| zeros.without_callers(time),
        ],
    );
    // Of the same round: what a disk does in a second changes from one to the next.
    let ratio = |peer: &[f64]| median(&mut ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect::<Vec<_>>());
    let show = |what: &str, peer: &[f64]| {
        println!("   {what:<58} {:8.0}   journal {:.2} × of it", median(&mut peer.to_vec()), ratio(peer));
        ratio(peer)
    };
    println!("   {:<58} {:8.0}", "journal, append and synced", median(&mut ours.clone()));
    let best = show("raw batched fdatasync, the file grows", &grows)
        .min(show("raw batched fdatasync, allocated beforehand", &allocated))
        .min(show("raw batched fdatasync, written with zeros beforehand", &zeros));
    show("64 records, one fdatasync, over and over, without callers", &bound);
    println!("P4 ratio to the best group commit by hand {best:.2}   (must 0.70)");
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

struct Ours {
    journal: Journal,
    handles: Mutex<(Reader, Settler)>,
    _keeper: Keeper,
    _directory: tempfile::TempDir,
}

impl Ours {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let opened = Journal::open(JournalOptions::new(directory.path())).unwrap();
        Self {
            journal: opened.journal,
            handles: Mutex::new((opened.reader, opened.settler)),
            _keeper: opened.keeper.unwrap(),
            _directory: directory,
        }
    }

    fn per_second(&self, runtime: &Runtime, time: Duration) -> f64 {
        let rate = per_second(runtime, time, |stop| {
            let journal = self.journal.clone();
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
        let (reader, settler) = &mut *self.handles.lock().unwrap();
        while let Some(batch) = reader.next(BatchLimits { records: 2000, bytes: 512 * 1024 }) {
            settler.settle(batch.entries.last().unwrap().sequence);
        }
        rate
    }
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
    at: AtomicU64,
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
        Self { file, space, at: AtomicU64::new(0) }
    }

    fn append(&self, bytes: &[u8]) {
        let mut at = self.at.load(Ordering::Relaxed);
        if !matches!(self.space, Space::Grows) && at + bytes.len() as u64 > SPACE {
            at = 0;
            if matches!(self.space, Space::Allocated) {
                // What was written to before is no longer only allocated.
                let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                fallocate(&self.file, punch, 0, SPACE).unwrap();
                fallocate(&self.file, FallocateFlags::empty(), 0, SPACE).unwrap();
            }
        }
        self.file.write_all_at(bytes, at).unwrap();
        self.file.sync_data().unwrap();
        self.at.store(at + bytes.len() as u64, Ordering::Relaxed);
    }

    fn per_second(&self, runtime: &Runtime, time: Duration) -> f64 {
        let raw = Raw::default();
        thread::scope(|scope| self.with_callers(&Arc::new(raw), scope, runtime, time))
    }

    fn with_callers<'s>(
        &'s self,
        raw: &Arc<Raw>,
        scope: &'s thread::Scope<'s, '_>,
        runtime: &Runtime,
        time: Duration,
    ) -> f64 {
        let committer = {
            let raw = raw.clone();
            scope.spawn(move || raw.commit(self))
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

    /// What a group commit of that many callers can do if they take no time at all.
    fn without_callers(&self, time: Duration) -> f64 {
        let batch = record(LENGTH).repeat(CALLERS);
        let (begun, mut done) = (Instant::now(), 0_u32);
        while begun.elapsed() < time {
            self.append(&batch);
            done += 1;
        }
        f64::from(done) * number(CALLERS) / begun.elapsed().as_secs_f64()
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
        let mut bytes = Vec::new();
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
            file.append(&bytes);
            bytes.clear();
            self.synced.store(records, Ordering::Release);
            self.changed.notify_waiters();
        }
    }
}

const CALLERS: usize = 64;
const LENGTH: usize = 640;
const SPACE: u64 = 64 << 20;
