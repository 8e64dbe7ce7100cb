//! How long the calls of one client take while others send far too much through the same proxy, compared with the same calls
//! alone; and the peak memory of the proxy.
//!
//! - `alone`: calls of 1 kB, one at a time over one connection.
//! - `calls`: the same while two clients send batches of 190 000 tiny calls, one after the other, with a `User-Agent` of 60 kB.
//! - `garbage`: while two clients send batches of 100 000 elements that are not messages.
//! - `sessions`: while two clients begin sessions, one after the other.
//!
//! Each has its own proxy, whose collector is away.
//!
//! `cargo bench --bench flood` (a minute); `-- --quick` only shows that it runs. The targets, on two cores: p99 below 200 ms, and
//! at most 150 MB.
//!
//! `-- --seconds 3600` is another run: one client sends all floods together for an hour while another makes calls, and the
//! collector accepts the records. At the end it prints what was sent, recorded and refused, and the peak memory. It fails if a
//! record is missing that no gap record reports, or if any record of the other client is missing.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench prints and stops at a surprise"
)]

mod client;
mod collector;
mod long;
mod proxy;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::client::{Client, post};
use self::proxy::Proxy;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    if let Some(at) = arguments.iter().position(|argument| argument == "--seconds") {
        let seconds = arguments.get(at + 1).and_then(|seconds| seconds.parse().ok()).expect("--seconds and a number");
        return long::run(Duration::from_secs(seconds));
    }
    let time = Duration::from_secs(if quick { 1 } else { 15 });
    let [calls, garbage, sessions] = floods(if quick { 100 } else { 1 }, "");
    println!("{:9} {:>9} {:>9} {:>9}   calls  floods  memory", "", "p50", "p99", "most");
    for (name, flood) in
        [("alone", None), ("calls", Some(calls)), ("garbage", Some(garbage)), ("sessions", Some(sessions))]
    {
        beside(name, flood, time);
    }
    ExitCode::SUCCESS
}

/// The requests of the three floods: calls, garbage, sessions. A larger `scale` makes their batches smaller.
fn floods(scale: usize, fields: &str) -> [Vec<u8>; 3] {
    let long = format!("{fields}User-Agent: {}\r\n", "u".repeat(60_000));
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    let calls = post(&long, &batch(r#"{"id":1,"method":"a"}"#, CALLS / scale));
    [calls, post(fields, &batch(r#"{"result":{}}"#, GARBAGE / scale)), post(&long, initialize)]
}

/// A call of 1 kB.
fn echo() -> String {
    let params = format!(r#"{{"name":"{ECHO}","arguments":{{"text":"{}"}}}}"#, "x".repeat(900));
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

fn batch(element: &str, count: usize) -> String {
    format!("[{}]", vec![element; count].join(","))
}

fn beside(name: &str, flood: Option<Vec<u8>>, time: Duration) {
    let proxy = Proxy::start();
    let (stop, address) = (Arc::<AtomicBool>::default(), proxy.address);
    let flooders = flood.iter().flat_map(|flood| [flood.clone(), flood.clone()]);
    let flooders: Vec<_> = flooders
        .map(|flood| {
            let stop = stop.clone();
            thread::spawn(move || {
                let (mut client, mut sent) = (Client::of(address), 0);
                while !stop.load(Ordering::Relaxed) {
                    client.ask(&flood);
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let call = post("", &echo());
    let (mut client, mut times, begun) = (Client::of(address), Vec::new(), Instant::now());
    while begun.elapsed() < time {
        let asked = Instant::now();
        client.ask(&call);
        times.push(asked.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let floods: usize = flooders.into_iter().map(|flooder| flooder.join().unwrap()).sum();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let ([p50, p99, most], calls) = ([50, 99, 100].map(at), times.len());
    let memory = proxy.most_memory() >> 20;
    println!("{name:9} {p50:>6.2} ms {p99:>6.2} ms {most:>6.2} ms  {calls:>6} {floods:>7}  {memory} MB");
}

/// The number of elements of one batch.
const CALLS: usize = 190_000;
const GARBAGE: usize = 100_000;
/// The tool that the other client calls.
const ECHO: &str = "echo";
