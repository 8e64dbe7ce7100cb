//! The latency of calls.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::processes::{Process, read_message, request};

pub(crate) fn run((rounds, burst): (usize, usize)) {
    let (server, collector) = (Process::role("server", ""), Process::role("collector", ""));
    let relay = Process::role("relay", &server.address.to_string());
    let proxy = Process::proxy(server.address, collector.address, "");
    let synced = Process::proxy(server.address, collector.address, SYNCED);
    let mut candidates = [("direct", &server), ("relay", &relay), ("proxy", &proxy), ("synced", &synced)]
        .map(|(name, process)| Candidate::new(name, process));
    // The first calls find nothing warm.
    candidates.iter_mut().for_each(|candidate| candidate.calls(burst));
    candidates.iter_mut().for_each(|candidate| candidate.times.clear());
    for round in 0..rounds {
        for turn in 0..candidates.len() {
            let at = (round + turn) % candidates.len();
            candidates[at].calls(burst);
        }
    }
    let beside = candidates[1].quantiles();
    println!("{:8} {:>9} {:>9}   {:>9} {:>9}   calls", "calls", "p50", "p99", "added p50", "added p99");
    for candidate in &mut candidates {
        let own = candidate.quantiles();
        let [p50, p99] = own.map(|time| time.as_secs_f64() * 1e6);
        let [more50, more99] = [0, 1].map(|at| (own[at].as_secs_f64() - beside[at].as_secs_f64()) * 1e6);
        let count = candidate.times.len();
        println!("{:8} {p50:>6.1} µs {p99:>6.1} µs   {more50:>+6.1} µs {more99:>+6.1} µs   {count}", candidate.name);
    }
    drop(candidates);
    proxy.end();
    synced.end();
}

struct Candidate {
    name: &'static str,
    stream: TcpStream,
    times: Vec<Duration>,
}

impl Candidate {
    fn new(name: &'static str, process: &Process) -> Self {
        let stream = TcpStream::connect(process.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { name, stream, times: Vec::new() }
    }

    fn calls(&mut self, count: usize) {
        let request = request();
        for _ in 0..count {
            let begun = Instant::now();
            self.stream.write_all(&request).unwrap();
            assert!(read_message(&mut self.stream).expect("an answer") > 900);
            self.times.push(begun.elapsed());
        }
    }

    fn quantiles(&mut self) -> [Duration; 2] {
        self.times.sort_unstable();
        [50, 99].map(|percent| self.times[(self.times.len() * percent / 100).min(self.times.len() - 1)])
    }
}

const SYNCED: &str = "[class.c]\nacknowledge = \"synced\"\n[[rule]]\nmatch = {}\nclass = \"c\"\n";
