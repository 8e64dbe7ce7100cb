//! Each process has its own stream; a dead one's is adopted once; its files are private, and missed when they are gone.

#![allow(
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

#[path = "streams/backlog.rs"]
mod backlog;
#[path = "support/child.rs"]
mod child;
#[path = "peers/mod.rs"]
mod peers;
#[path = "streams/racers.rs"]
mod racers;
#[path = "support/taken.rs"]
mod taken;
#[path = "support/told.rs"]
mod told;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use auditrail::journal::{
    Append, BatchLimits, Event, HEADER, Journal, JournalError, JournalOptions, Kind, Opened, Orphan, orphans,
};
use tempfile::TempDir;

use self::child::OwnChild;
use self::peers::{own, trial_where};
use self::told::Told;

const CHILD: &str = "AUDITRAIL_TEST_LIVES_IN";
const TWO: &str = "two_processes_have_two_streams_and_the_dead_ones_is_adopted";

impl Told {
    fn degraded(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Degraded { .. })).count()
    }

    fn recovered(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Recovered { .. })).count()
    }
}

fn main() -> ExitCode {
    peers::run(vec![
        own(TWO, two_processes_have_two_streams),
        own(
            "processes_that_look_at_the_same_moment_adopt_each_stream_once",
            racers::processes_that_look_at_the_same_moment_adopt_each_stream_once,
        ),
        own(
            "processes_that_start_together_send_all_once_and_answer_each_open_call_once",
            racers::processes_that_start_together_send_all_once_and_answer_each_open_call_once,
        ),
        own("a_file_that_is_removed_or_replaced_is_written_again", a_file_that_is_removed_or_replaced_is_written_again),
        own(
            "a_backlog_of_many_streams_takes_few_descriptors",
            backlog::a_backlog_of_many_streams_takes_few_descriptors,
        ),
        own(
            "a_stream_that_no_descriptor_is_left_for_is_adopted_later",
            backlog::a_stream_that_no_descriptor_is_left_for_is_adopted_later,
        ),
        own(
            "a_backlog_shrinks_with_every_process_however_short_it_lives",
            backlog::a_backlog_shrinks_with_every_process_however_short_it_lives,
        ),
        own("a_stream_that_cannot_be_opened_is_said", backlog::a_stream_that_cannot_be_opened_is_said),
        own(
            "a_sink_that_is_taken_out_is_said_and_holds_nothing",
            backlog::a_sink_that_is_taken_out_is_said_and_holds_nothing,
        ),
        own("who_loses_the_file_of_its_lock_is_not_adopted", who_loses_the_file_of_its_lock_is_not_adopted),
        own("files_are_private", files_are_private),
        trial_where("what_belongs_to_somebody_else_is_refused", of_somebody_else, |directory| async move {
            what_belongs_to_somebody_else_is_refused(&directory);
        }),
    ])
}

/// Row 10.
fn two_processes_have_two_streams() {
    if let Ok(directory) = std::env::var(CHILD) {
        live(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut child = spawn(directory.path());
    let options = options(directory.path(), true);
    let _own = Journal::open(options.clone()).unwrap();
    assert!(orphans(&options).unwrap().is_empty(), "both are alive");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut adopted = orphan(&options).adopt(&options).unwrap().unwrap();
    assert_eq!(adopted.reader.resource(), &b"child"[..], "under its own identity");
    let batch = adopted.reader.next(BatchLimits { records: 9, bytes: 1 << 20 }).unwrap();
    assert_eq!(batch.entries[0].record, &b"of the child"[..]);
}

/// Row 11, for each way in which a file can go.
fn a_file_that_is_removed_or_replaced_is_written_again() {
    let ways: [fn(&Path); 5] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::rename(path, path.with_extension("moved")).unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            symlink("/etc/passwd", path).unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            fs::write(path, "somebody else's").unwrap();
        },
        |path| fs::remove_dir_all(path.parent().unwrap()).unwrap(),
    ];
    for way in ways {
        let directory = tempfile::tempdir().unwrap();
        let told = Arc::<Told>::default();
        let mut options = options(directory.path(), false);
        options.watcher = told.clone();
        let Opened { journal, mut reader, .. } = Journal::open(options.clone()).unwrap();
        append(&journal, Kind::Moment, b"before");
        journal.commit().unwrap();
        let limits = BatchLimits { records: 1, bytes: 1 << 20 };
        assert_eq!(reader.next(limits).unwrap().entries[0].record, &b"before"[..]);

        way(&segment(directory.path()));
        append(&journal, Kind::Moment, b"between");
        journal.maintain();
        assert_eq!((told.degraded(), told.recovered()), (1, 0));
        append(&journal, Kind::Moment, b"after");
        journal.commit().unwrap();
        journal.maintain();
        assert_eq!((told.degraded(), told.recovered()), (1, 1), "one episode");
        assert_eq!(
            reader.next(limits).unwrap().entries[0].record,
            &b"between"[..],
            "the reader goes on in the new file"
        );
        assert_eq!(reader.next(limits).unwrap().entries[0].record, &b"after"[..]);

        assert!(orphans(&options).unwrap().is_empty(), "the stream still has its owner");
        drop((journal, reader));
        let mut adopted = orphan(&options).adopt(&options).unwrap().unwrap();
        let batch = adopted.reader.next(BatchLimits { records: 9, bytes: 1 << 20 }).unwrap();
        assert_eq!(batch.entries.len(), 3, "all is in the new file");
    }
}

/// The one stream without an owner. A child that another test of this process is just starting has a copy of every open file,
/// the locked one among them, until it becomes its program.
fn orphan(options: &JournalOptions) -> Orphan {
    loop {
        if let Some(orphan) = orphans(options).unwrap().pop() {
            return orphan;
        }
        std::thread::yield_now();
    }
}

/// Row 24: somebody removes `stream` while its owner lives, and another process looks for orphans before the owner has noticed.
fn who_loses_the_file_of_its_lock_is_not_adopted() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), false);
    let Opened { journal, mut reader, .. } = Journal::open(options.clone()).unwrap();
    append(&journal, Kind::Moment, b"before");
    fs::remove_file(segment(directory.path()).with_file_name("stream")).unwrap();
    assert!(orphans(&options).unwrap().is_empty(), "its owner lives");
    append(&journal, Kind::Moment, b"after");
    journal.maintain();
    journal.commit().unwrap();
    let batch = reader.next(BatchLimits { records: 9, bytes: 1 << 20 }).unwrap();
    assert_eq!(batch.entries.len(), 2);
    drop((journal, reader));
    assert!(orphan(&options).adopt(&options).unwrap().is_some());
}

/// Row 11: whatever the umask says, and whatever the modes were.
fn files_are_private() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("journal");
    fs::create_dir(&root).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    let before = rustix::process::umask(rustix::fs::Mode::empty());
    let opened = Journal::open(options(directory.path(), false)).unwrap();
    append(&opened.journal, Kind::Moment, b"private");
    opened.journal.commit().unwrap();
    rustix::process::umask(before);
    let mut seen = 0;
    let mut look = vec![root];
    while let Some(path) = look.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, mode, "{}", path.display());
        seen += 1;
        if metadata.is_dir() {
            look.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(seen >= 8, "{seen}");
}

/// Row 11.
fn what_belongs_to_somebody_else_is_refused(directory: &TempDir) {
    let error = Journal::open(options(directory.path(), false)).unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("12345"), "{error}");
}

/// A directory whose journal is of another user.
fn of_somebody_else() -> Result<TempDir, String> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("journal");
    fs::create_dir(&root).unwrap();
    match chown(&root, Some(12345), None) {
        Ok(()) => Ok(directory),
        Err(_) => Err("needs: to give a directory away, as root can: sudo -E cargo test --test promise_streams".into()),
    }
}

fn live(directory: &Path) -> ! {
    let mut options = options(directory, true);
    options.resource = bytes::Bytes::from_static(b"child");
    let opened = Journal::open(options).unwrap();
    append(&opened.journal, Kind::Moment, b"of the child");
    fs::write(directory.join("ready"), "").unwrap();
    loop {
        std::thread::park();
    }
}

fn spawn(directory: &Path) -> OwnChild {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = OwnChild::spawn(child.args([TWO, "--exact"]).env(CHILD, directory).stdout(Stdio::null()));
    while !directory.join("ready").exists() {
        std::thread::yield_now();
    }
    child
}

fn segment(directory: &Path) -> PathBuf {
    let stream = fs::read_dir(directory.join("journal/streams")).unwrap().next().unwrap().unwrap().path();
    stream.join("0000000001.seg")
}

fn append(journal: &Journal, kind: Kind, record: &[u8]) {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(record);
    journal.append(Append { kind, ..Append::MOMENT }, &mut frame).unwrap();
}

fn options(directory: &Path, background: bool) -> JournalOptions {
    let mut options = JournalOptions::new(directory.join("journal"));
    (options.background, options.segment_bytes) = (background, Some(64 << 10));
    options
}
