//! A trail starts in real environments, and if it cannot, it tells the operator why: the real binary and a program
//! that uses the library, as processes, in the environments of real installations.

// The faults are made by seccomp, and the numbers are those of its system calls.
#![cfg(target_os = "linux")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]
#![allow(unsafe_code, reason = "what a process is to be refused is set up between fork and exec")]

mod start;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, Termination as _};
use std::time::Duration;

use auditrail::Trail;
use auditrail::journal::{Journal, JournalError, JournalOptions};
use auditrail::record::{EventName, Record};
use auditrail::serve::{ReceivedRecord, Receiver};
use auditrail::trail::Moment;

use self::start::{is_program, limited, program, proxy, run, streams, without};

/// systemd makes the `STATE_DIRECTORY` of a service with `DynamicUser` a link.
#[test]
fn a_link_above_the_journal_is_followed_at_the_first_start() {
    for (variable, below) in [
        ("STATE_DIRECTORY", "auditrail/weather-mcp"),
        ("XDG_STATE_HOME", "auditrail/weather-mcp"),
        ("AUDITRAIL_DIR", ""),
    ] {
        for target in ["private/weather", "./private/../private/weather", "ABSOLUTE", "not/there/yet"] {
            let base = tempfile::tempdir().unwrap();
            let real = base.path().join("private/weather");
            fs::create_dir_all(&real).unwrap();
            let target = if target == "ABSOLUTE" { real } else { PathBuf::from(target) };
            symlink(&target, base.path().join("near")).unwrap();
            symlink("near", base.path().join("link")).unwrap();
            let link = base.path().join("link");
            for expected in [1, 2] {
                let (code, said) = run(&mut proxy(&[(variable, link.to_str().unwrap())]));
                assert_eq!(code, Some(0), "{variable}={target:?}: {said}");
                assert!(!said.contains("does not start"), "{said}");
                assert_eq!(streams(&base.path().join(&target).join(below)), expected, "{said}");
            }
        }
    }
}

#[test]
fn a_link_in_the_place_of_an_own_entry_is_refused() {
    let base = tempfile::tempdir().unwrap();
    for own in ["journal", "journal/streams", "journal/quarantine"] {
        let state = base.path().join(own.replace('/', "-"));
        fs::create_dir_all(state.join(own).parent().unwrap()).unwrap();
        let elsewhere = base.path().join("elsewhere").join(own);
        fs::create_dir_all(&elsewhere).unwrap();
        symlink(&elsewhere, state.join(own)).unwrap();
        let (code, said) = run(&mut proxy(&[("AUDITRAIL_DIR", state.to_str().unwrap())]));
        assert_eq!(code, Some(125), "{said}");
        assert!(said.contains("the journal cannot make the directory") && said.contains(own), "{said}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}

#[test]
fn beside_a_service_of_its_name_in_kubernetes_it_starts_and_misspelt_settings_are_still_refused() {
    let state = tempfile::tempdir().unwrap();
    let injected = [
        ("AUDITRAIL_DIR", state.path().to_str().unwrap()),
        ("AUDITRAIL_PORT", "tcp://10.96.0.17:4317"),
        ("AUDITRAIL_SERVICE_HOST", "10.96.0.17"),
        ("AUDITRAIL_SERVICE_PORT", "4317"),
        ("AUDITRAIL_SERVICE_PORT_OTLP_GRPC", "4317"),
        ("AUDITRAIL_PORT_4317_TCP", "tcp://10.96.0.17:4317"),
        ("AUDITRAIL_PORT_4317_TCP_PROTO", "tcp"),
        ("AUDITRAIL_PORT_4317_TCP_PORT", "4317"),
        ("AUDITRAIL_PORT_4317_TCP_ADDR", "10.96.0.17"),
        ("AUDITRAIL_COLLECTOR_PORT_4317_TCP_ADDR", "10.96.0.18"),
    ];
    let (code, said) = run(&mut proxy(&injected));
    assert_eq!((code, streams(state.path())), (Some(0), 1), "{said}");
    let misspelt = [&injected[..], &[("AUDITRAIL_JOURNAL_MAXBYTES", "1048576")]].concat();
    let (code, said) = run(&mut proxy(&misspelt));
    assert_eq!(code, Some(2));
    assert!(said.contains("AUDITRAIL_JOURNAL_MAXBYTES is set, but auditrail has no such setting"), "{said}");
}

#[test]
fn variables_of_otel_as_they_are_in_the_field_are_told_of_and_stop_nothing() {
    let state = tempfile::tempdir().unwrap();
    let directory = ("AUDITRAIL_DIR", state.path().to_str().unwrap());
    let right = [
        directory,
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,,"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a,"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/PROTOBUF"),
    ];
    let (code, said) = run(&mut proxy(&right));
    assert_eq!((code, said.matches("counts as unset").count()), (Some(0), 0), "{said}");
    let wrong = [
        ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
    ];
    let (code, said) = run(&mut proxy(&[&[directory][..], &wrong].concat()));
    assert_eq!((code, said.matches("counts as unset").count()), (Some(0), wrong.len()), "{said}");
    for (variable, _) in wrong {
        assert!(said.contains(&format!("auditrail: warning: {variable} counts as unset: ")), "{variable}: {said}");
    }
    let no_traces = [
        directory,
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "jaeger"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/not/there"),
    ];
    let (code, said) = run(&mut proxy(&no_traces));
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("SAMPLER") && !said.contains("TRACES"), "{said}");
}

/// What `main` returns is printed by its `Debug`.
#[test]
fn a_program_that_returns_its_error_prints_the_sentence() {
    let state = tempfile::tempdir().unwrap();
    let directory = ("AUDITRAIL_DIR", state.path().to_str().unwrap());
    for (variable, value, sentence) in [
        (
            "AUDITRAIL_JURNAL_MAX_BYTES",
            "1",
            "Error: auditrail does not start: AUDITRAIL_JURNAL_MAX_BYTES is set, but auditrail has no such setting; remove it",
        ),
        (
            "AUDITRAIL_DIR",
            "relative",
            "Error: auditrail does not start: AUDITRAIL_DIR=\"(not shown)\" cannot be used: it is not an absolute path; set one",
        ),
        (
            "AUDITRAIL_DIR",
            "/proc/nowhere",
            "Error: auditrail does not start: the journal cannot make the directory /proc/nowhere/journal: ",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "jaeger",
            "Error: tracing is not set up: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=\"(not shown)\" cannot be used: it has no scheme",
        ),
    ] {
        let (_, said) = run(&mut program("returns_its_error", &[directory, (variable, value)]));
        assert!(said.lines().any(|line| line.starts_with(sentence)), "{sentence}\n{said}");
        assert!(!said.contains("Config("), "{said}");
    }
    let (_, said) = run(&mut program("returns_its_error", &[directory, ("OTEL_TRACES_SAMPLER", "sometimes")]));
    assert!(!said.contains("Error: ") && said.contains("OTEL_TRACES_SAMPLER counts as unset"), "{said}");
}

/// Not a test of its own: the program of the README.
#[test]
#[ignore = "started by the other tests"]
fn returns_its_error() {
    fn main() -> Result<(), Box<dyn Error>> {
        let trail = Trail::builder("weather-mcp").start()?;
        let _telemetry = trail.install_tracing()?;
        Ok(())
    }
    if is_program("returns_its_error") {
        let _code = main().report();
    }
}

#[test]
fn want_of_space_at_the_start_is_called_that() {
    for (error, what, fix) in [
        (libc::ENOSPC, "No space left on device", "free some space there"),
        (libc::EDQUOT, "quota", "the user's quota is used up: raise it"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let mut command = proxy(&[("AUDITRAIL_DIR", state.path().to_str().unwrap())]);
        without(&mut command, &[(libc::SYS_fallocate, error)]);
        let (code, said) = run(&mut command);
        assert_eq!(code, Some(125), "{said}");
        assert!(said.contains("the journal cannot create another segment: "), "{said}");
        assert!(said.contains(what) && said.contains(fix) && said.contains(".seg"), "{said}");
        assert!(!said.contains("AUDITRAIL_JOURNAL_MAX_BYTES") && !said.contains("are allowed"), "{said}");
    }
}

/// By default, the signal ends the process without a word.
#[test]
fn a_limit_on_the_size_of_files_ends_no_process() {
    let state = tempfile::tempdir().unwrap();
    let directory = [("AUDITRAIL_DIR", state.path().to_str().unwrap())];
    for (mut command, expected) in [(proxy(&directory), 125), (program("returns_its_error", &directory), 0)] {
        limited(&mut command, 32 << 10);
        let (code, said) = run(&mut command);
        assert_eq!(code, Some(expected), "{said}");
        assert!(said.contains("auditrail does not start: ") && said.contains("File too large"), "{said}");
        assert!(said.contains("`ulimit -f`"), "{said}");
    }

    // Smaller segments, and many of them.
    let mut command = program("writes_much", &directory);
    limited(&mut command, 400 << 10);
    let (code, said) = run(&mut command);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("RecordCounts { emitted: 4002, acknowledged: 4002, refused: 0,"), "{said}");

    // The binary's own output.
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    command.args(["journal", "stat", "--dir"]).arg(state.path());
    command.stdout(tempfile::tempfile().unwrap()).stderr(Stdio::piped());
    limited(&mut command, 16);
    let (code, said) = run(&mut command);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot write to standard output: File too large"), "{said}");
}

/// Not a test of its own: a program that writes some megabytes.
#[test]
#[ignore = "started by the other tests"]
fn writes_much() {
    if is_program("writes_much") {
        let trail = Trail::builder("weather-mcp").start().unwrap();
        for number in 0..4000 {
            trail.record(Moment::new(EventName::Context).attribute("text", format!("{number:0500}")));
        }
        trail.report_counts();
        eprintln!("{:?}", trail.counts());
    }
}

#[test]
fn a_directory_that_cannot_be_synced_says_what_is_lost_and_a_setting_accepts_it() {
    let refused = |error| {
        move |variables: &[(&str, &str)]| {
            let mut command = proxy(variables);
            // Files are synced by other calls.
            without(&mut command, &[(libc::SYS_fsync, error)]);
            run(&mut command)
        }
    };
    lacking(
        refused(libc::EINVAL),
        "cannot sync directories",
        "directory_sync",
        "cannot sync directories: after a power loss",
    );
    // What went wrong is not what is lacking.
    let state = tempfile::tempdir().unwrap();
    let variables =
        [("AUDITRAIL_DIR", state.path().to_str().unwrap()), ("AUDITRAIL_JOURNAL_WITHOUT", "directory_sync")];
    let (code, said) = refused(libc::EIO)(&variables);
    assert_eq!(code, Some(125), "{said}");
    assert!(said.contains("Input/output error") && !said.contains("JOURNAL_WITHOUT"), "{said}");
}

#[test]
fn a_directory_that_cannot_be_locked_says_what_is_lost_and_a_setting_accepts_it() {
    let refused = |variables: &[(&str, &str)]| {
        let mut command = proxy(variables);
        without(&mut command, &[(libc::SYS_flock, libc::ENOLCK)]);
        run(&mut command)
    };
    lacking(
        refused,
        "has no locks, which show other processes",
        "lock",
        "has no locks: no two processes may use it at once",
    );
}

/// Without the setting, with another, and with it: then twice, and what the first has left is found by the second.
fn lacking(run: impl Fn(&[(&str, &str)]) -> (Option<i32>, String), lack: &str, name: &str, warning: &str) {
    let state = tempfile::tempdir().unwrap();
    let directory = ("AUDITRAIL_DIR", state.path().to_str().unwrap());
    let other = if name == "lock" { "directory_sync" } else { "lock" };
    for variables in [&[directory][..], &[directory, ("AUDITRAIL_JOURNAL_WITHOUT", other)]] {
        let (code, said) = run(variables);
        assert_eq!(code, Some(125), "{said}");
        assert!(said.contains(lack) && said.contains(&format!("AUDITRAIL_JOURNAL_WITHOUT={name}")), "{said}");
    }
    let accepted = [directory, ("AUDITRAIL_JOURNAL_WITHOUT", &format!("lock,{name} ,"))];
    let (code, said) = run(&accepted);
    assert_eq!((code, said.matches(warning).count()), (Some(0), 1), "{said}");
    // The first has left its stream. The second finds it, and does not take its own for one.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::builder().start()).unwrap();
    let endpoint = receiver.grpc_endpoint().unwrap();
    let sends = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("AUDITRAIL_FLUSH_TIMEOUT", "100000")];
    let (code, said) = run(&[&accepted[..], &sends].concat());
    assert_eq!((code, streams(state.path())), (Some(0), 0), "{said}");
    let ids: Vec<_> = receiver.records().iter().map(|received| id_in_its_stream(received)).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    assert_eq!(ids.iter().map(|(stream, _)| stream).collect::<BTreeSet<_>>().len(), 2, "{ids:?}");
    let (code, said) = run(&[directory, ("AUDITRAIL_JOURNAL_WITHOUT", "sync")]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("entry 1: it is not a feature that the journal can work without; set directory_sync, lock"),
        "{said}"
    );
}

fn id_in_its_stream(received: &ReceivedRecord) -> (String, String) {
    let record = Record::decode(&received.bytes).unwrap();
    let text = |name| record.text(name).unwrap().to_owned();
    (text("auditrail.stream.id"), text("audit.record.id"))
}

#[test]
fn a_lock_that_nobody_lets_go_of_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let options = || {
        let mut options = JournalOptions::new(directory.path());
        options.lock_patience = Duration::from_millis(50);
        options
    };
    drop(Journal::open(options()).unwrap());
    let held = File::options().write(true).open(directory.path().join("lock")).unwrap();
    held.lock().unwrap();
    let error = Journal::open(options()).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }));
    let (said, lock) = (error.to_string(), directory.path().join("lock"));
    assert!(said.contains("held the lock for more than 50ms") && said.contains(&shown(&lock)), "{said}");
    assert!(said.contains(&format!("`fuser {}`", shown(&lock))), "{said}");
    drop(held);
    drop(Journal::open(options()).unwrap());
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
