//! A process that writes, and what stands in a file, as serde reads it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::record::EventName;
use auditrail::trail::Moment;
use serde_json::Value;

const ORACLE: &str = "TEST_WRITER_ORACLE";
const MANY: &str = "TEST_WRITER_RECORDS";

/// This test as a process that writes so many records, or until it is killed; what is acknowledged stands in the oracle.
pub(crate) fn writer(state: &Path, oracle: &Path, many: u64, sink: &[(&str, &str)]) -> Command {
    let mut command = bare(&std::env::current_exe().unwrap());
    command.env("AUDITRAIL_DIR", state).env(ORACLE, oracle).env(MANY, many.to_string()).envs(sink.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// With nothing of this process's settings.
pub(crate) fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_")) {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn auditrail(arguments: &[&str]) -> Command {
    let mut command = bare(Path::new(env!("CARGO_BIN_EXE_auditrail")));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The code, what it printed, and what it said.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub(crate) fn is_writer() -> bool {
    std::env::var_os(ORACLE).is_some()
}

/// Writes, and ends the process.
pub(crate) fn write() -> ! {
    let oracle = std::env::var(ORACLE).unwrap();
    let many: usize = std::env::var(MANY).unwrap().parse().unwrap();
    let mut oracle = OpenOptions::new().create(true).append(true).open(oracle).unwrap();
    let trail = Trail::builder("writer").start().unwrap();
    for number in 1..=many {
        let text = format!("{number} {}", "x".repeat(number % 7 * 100));
        let id = trail.record(Moment::new(EventName::Context).attribute("text", text));
        // In one piece, or a kill leaves half a line.
        oracle.write_all(format!("{id}\n").as_bytes()).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(LONG)).unwrap();
    drop(trail);
    std::process::exit(0);
}

pub(crate) fn ids(oracle: &Path) -> Vec<String> {
    let text = fs::read_to_string(oracle).unwrap_or_default();
    // The last one may be torn.
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
}

/// All files of a name, the oldest first.
pub(crate) fn files(path: &Path) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    for number in 1.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        if !Path::new(&name).exists() {
            break;
        }
        files.push(name.into());
    }
    files.reverse();
    files
}

/// Every record of these files, with a check that every line is whole.
pub(crate) fn records(files: &[PathBuf]) -> Vec<Value> {
    let mut records = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{}: a torn line", file.display());
        records.extend(text.lines().map(record));
    }
    records
}

/// The one record of a line.
pub(crate) fn record(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let [record] = &line["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap()[..] else {
        panic!("{line}")
    };
    record.clone()
}

pub(crate) fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    let entry = record["attributes"].as_array().into_iter().flatten().find(|entry| entry["key"] == name);
    let value = entry.map_or(&Value::Null, |entry| &entry["value"]);
    value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap_or("")
}

/// How often each record is there.
pub(crate) fn counted(records: &[Value]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for record in records {
        *counted.entry(text(record, "audit.record.id").to_owned()).or_default() += 1;
    }
    counted
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) const LONG: Duration = Duration::from_secs(120);
