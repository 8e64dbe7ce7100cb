//! What `auditrail proxy` adds to a call over stdio, compared with a relay that only copies bytes, in one run. All
//! are real processes with pipes between them.
//!
//! - `direct`: the client and the server, with nothing between them.
//! - `relay`: two threads that read and write, which is the minimum for something in between.
//! - `proxy`: `auditrail proxy`, which writes two records for each call, and ships them and the call's span to a collector.
//! - `spanless`: without the span, which the relay does not export, either.
//! - `known`: like `proxy`, with an extractor that names the actor of each call.
//! - `synced`: like `proxy`, but every call waits until its record survives a power loss: the cost of a disk.
//!
//! Candidates take turns, so that a machine that slows down slows all. One call at a time: a request of 1 kB, an answer of
//! 1 kB. `added` is the difference of the quantiles to those of `relay`.
//!
//! `cargo bench --bench proxy` (half a minute); `-- --quick` only shows that it runs.
//!
//! 2 vCPU of a cloud machine (Linux 6.18, ext4 on a virtual disk, rustc 1.95, 2026-11-30), nothing else running. One of six runs,
//! with the range of `added` in all six:
//!
//! ```text
//!                p50       p99   added p50 added p99   calls     added p50     added p99
//! direct      5.9 µs   50.4 µs    -38.8 µs  -57.4 µs   10000
//! relay      44.7 µs  107.8 µs     +0.0 µs   +0.0 µs   10000
//! proxy      63.1 µs  492.5 µs    +18.4 µs +384.7 µs   10000     +18 to +22    +257 to +505
//! spanless   55.4 µs  228.2 µs    +10.7 µs +120.4 µs   10000     +11 to +14     -16 to +141
//! synced    268.8 µs 1737.8 µs   +224.1 µs +1630.0 µs  10000
//! ```
//!
//! The limits are 150 µs at p50, and three times that at p99. The tail of `proxy` is the SDK's thread, which exports a batch of
//! spans on one of the two cores that five processes share; two of the six runs are beyond the limit by it.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench prints and stops at a surprise"
)]

mod beside;
mod roles;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use self::beside::{Caller, KNOWN, SPANLESS, SYNCED};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = arguments.iter().position(|argument| argument == "--role") {
        return roles::play(&arguments[role + 1], &arguments[role + 2..]);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let collector = Collector::start();
    let mut clients = [
        ("direct", Client::of(roles::command("server", &[]))),
        ("relay", Client::of(roles::command("relay", &[]))),
        ("proxy", Client::of(proxy(&collector, ""))),
        ("spanless", Client::of(proxy(&collector, SPANLESS))),
        ("known", Client::of(proxy(&collector, KNOWN))),
        ("synced", Client::of(proxy(&collector, SYNCED))),
    ];
    beside::run("", &mut clients, if quick { (2, 20) } else { (200, 50) });
    clients.into_iter().for_each(|(name, client)| client.end(name));
}

/// With a process that it has started.
struct Client {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
    answer: Vec<u8>,
}

impl Client {
    fn of(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output), next: 0, answer: Vec::new() }
    }

    fn end(mut self, name: &str) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success(), "{name}");
    }
}

impl Caller for Client {
    fn call(&mut self) -> Duration {
        self.next += 1;
        let request = roles::request(self.next);
        self.answer.clear();
        let begun = Instant::now();
        self.input.write_all(&request).unwrap();
        self.output.read_until(b'\n', &mut self.answer).unwrap();
        let time = begun.elapsed();
        let is_answer = self.answer.starts_with(b"{\"jsonrpc\":\"2.0\",\"id\":");
        assert!(is_answer, "no answer: {:?}", String::from_utf8_lossy(&self.answer));
        time
    }
}

struct Collector {
    process: Child,
    endpoint: String,
    directory: tempfile::TempDir,
}

impl Collector {
    fn start() -> Self {
        let mut process = roles::command("collector", &[]).stdout(Stdio::piped()).spawn().unwrap();
        let mut endpoint = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
        Self { process, endpoint: endpoint.trim().to_owned(), directory: tempfile::tempdir().unwrap() }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn proxy(collector: &Collector, configuration: &str) -> Command {
    let file = collector.directory.path().join(format!("{}.toml", configuration.len()));
    std::fs::write(&file, configuration).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    let server = roles::words("server", &[]);
    command.arg("proxy").arg("--config").arg(&file).arg("--").args(server);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint);
    command.env("AUDITRAIL_DIR", collector.directory.path().join(format!("state-{}", configuration.len())));
    command.env("AUDITRAIL_FLUSH_TIMEOUT", "20000").env("BENCH_USER", "ada");
    command
}
