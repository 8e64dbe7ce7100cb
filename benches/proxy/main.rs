//! What `auditrail proxy` adds to a call over stdio, beside a relay that only copies bytes, in the same run. All are real
//! processes with pipes between them.
//!
//! - `direct`: the client and the server, with nothing between them.
//! - `relay`: two threads that read and write, the least that something between them can be.
//! - `proxy`: `auditrail proxy`, which writes two records for each call, and ships them to a collector.
//! - `synced`: the same where every call waits until its record survives a power loss: what a disk costs.
//!
//! Candidates take turns, so that a machine that slows down slows all. One call at a time: a request of 1 kB, an answer of
//! 1 kB. `added` is the difference of the quantiles to those of `relay`.
//!
//! `cargo bench --bench proxy` (half a minute); `-- --quick` only shows that it runs.
//!
//! 2 vCPU of a cloud machine (Linux 6, ext4 on a virtual disk), which others use, too: load average 7.
//!
//! ```text
//!                p50       p99   added p50 added p99   calls
//! direct      9.0 µs   94.6 µs    -29.3 µs  -71.6 µs   10000
//! relay      38.3 µs  166.2 µs     +0.0 µs   +0.0 µs   10000
//! proxy      43.4 µs  279.8 µs     +5.1 µs +113.6 µs   10000
//! synced    345.7 µs 7892.4 µs   +307.4 µs +7726.2 µs   10000
//! ```
//!
//! On loaded machines the p50 of all three hangs on who shares a core with whom: other runs added up to 20 µs. The limits
//! are 150 µs at p50, and three times that at p99.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench prints and stops at a surprise"
)]

mod roles;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = arguments.iter().position(|argument| argument == "--role") {
        return roles::play(&arguments[role + 1], &arguments[role + 2..]);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let (rounds, burst) = if quick { (2, 20) } else { (200, 50) };
    let collector = Collector::start();
    let mut candidates = [
        Candidate::start("direct", roles::command("server", &[])),
        Candidate::start("relay", roles::command("relay", &[])),
        Candidate::start("proxy", proxy(&collector, "")),
        Candidate::start("synced", proxy(&collector, SYNCED)),
    ];
    // The first calls find nothing warm.
    candidates.iter_mut().for_each(|candidate| candidate.calls(burst));
    candidates.iter_mut().for_each(|candidate| candidate.times.clear());
    for round in 0..rounds {
        for turn in 0..candidates.len() {
            let at = (round + turn) % candidates.len();
            candidates[at].calls(burst);
        }
    }
    let relay = candidates[1].quantiles();
    println!("{:8} {:>9} {:>9}   {:>9} {:>9}   calls", "", "p50", "p99", "added p50", "added p99");
    for candidate in &mut candidates {
        let [p50, p99] = candidate.quantiles();
        let added = |mine: Duration, relays: Duration| (mine.as_secs_f64() - relays.as_secs_f64()) * 1e6;
        println!(
            "{:8} {:>6.1} µs {:>6.1} µs   {:>+6.1} µs {:>+6.1} µs   {}",
            candidate.name,
            p50.as_secs_f64() * 1e6,
            p99.as_secs_f64() * 1e6,
            added(p50, relay[0]),
            added(p99, relay[1]),
            candidate.times.len()
        );
    }
    candidates.into_iter().for_each(Candidate::end);
}

/// Something that a client can call.
struct Candidate {
    name: &'static str,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
    times: Vec<Duration>,
}

impl Candidate {
    fn start(name: &'static str, mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { name, process, input, output: BufReader::new(output), next: 0, times: Vec::new() }
    }

    fn calls(&mut self, count: usize) {
        let mut answer = Vec::new();
        for _ in 0..count {
            self.next += 1;
            let request = roles::request(self.next);
            answer.clear();
            let begun = Instant::now();
            self.input.write_all(&request).unwrap();
            self.output.read_until(b'\n', &mut answer).unwrap();
            self.times.push(begun.elapsed());
            assert!(
                answer.starts_with(b"{\"jsonrpc\":\"2.0\",\"id\":"),
                "no answer: {:?}",
                String::from_utf8_lossy(&answer)
            );
        }
    }

    fn quantiles(&mut self) -> [Duration; 2] {
        self.times.sort_unstable();
        [50, 99].map(|percent| self.times[self.times.len() * percent / 100])
    }

    fn end(mut self) {
        drop(self.input);
        assert!(self.process.wait().unwrap().success(), "{}", self.name);
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
    command.env("AUDITRAIL_FLUSH_TIMEOUT", "20000");
    command
}

const SYNCED: &str = "[class.c]\nacknowledge = \"synced\"\n[[rule]]\nmatch = {}\nclass = \"c\"\n";
