//! What `auditrail proxy` adds to a call over HTTP, and how much memory it takes when a thousand clients read slowly. All
//! participants are real processes on loopback.
//!
//! - `calls`: a request of 1 kB and an answer of 1 kB, one at a time over one connection. The variants take turns, so a slow
//!   machine slows all of them; `added` is the difference to `relay`:
//!   - `direct`: to the server itself;
//!   - `relay`: through a process that only copies bytes;
//!   - `proxy`: through the proxy, which writes two records for each call and ships them and the call's span to a collector;
//!   - `spanless`: through the proxy without the span, as the relay exports none;
//!   - `known`: through the proxy with an extractor that names the actor of each call, by a header of a trusted hop;
//!   - `token`: through the proxy with an extractor that verifies the token of each call (RS256, cached keys);
//!   - `synced`: through the proxy, where every call waits until its record survives a power loss.
//! - `crowd`: a thousand sessions at a time, each with an event stream of 2 MB in chunks of 1 kB that its client reads in small
//!   pieces with pauses, through `relay` and through `proxy`. It shows how long the slowest takes compared with the median, the
//!   processor time and the peak anonymous memory of the process in the middle, what arrived, and how many records there are.
//!
//! `cargo bench --bench proxy_http` (a minute); `-- --quick` only shows that it runs.
//!
//! The targets: a call takes at most 300 µs more than through `relay` at p50, and three times that at p99; the crowd takes at most
//! twice the time of `relay`.
//!
//! Two virtual cores (AMD EPYC), Linux 6.18, rustc 1.95, release build, 2026-11-30, nothing else running. One of four runs, with
//! the range of `added` in all four:
//!
//! ```text
//! calls          p50       p99   added p50 added p99   calls     added p50       added p99
//! direct     15.2 µs   48.8 µs    -44.9 µs -217.8 µs   10000
//! relay      60.1 µs  266.5 µs     +0.0 µs   +0.0 µs   10000
//! proxy     129.8 µs  367.3 µs    +69.7 µs +100.7 µs   10000     +66 to +70 µs   +85 to +101 µs
//! spanless  111.2 µs  256.6 µs    +51.1 µs   -9.9 µs   10000     +44 to +51 µs   -10 to +54 µs
//! synced    395.2 µs 1937.1 µs   +335.2 µs +1670.6 µs  10000
//!
//! crowd    complete   median  slowest    ratio      cpu   memory
//! relay        1000   6.05 s   9.84 s     1.63   2.81 s   0.2 MB idle, 88.2 MB at most, 88 kB a session
//! proxy        1000   3.46 s   6.07 s     1.76   2.43 s   1.6 MB idle, 73.8 MB at most, 72 kB a session
//! 1000 calls of 1000 have their pair of records
//! ```
//!
//! In six runs of 2026-11-22 the crowd took 0.67 to 1.25 times as long as through `relay` (medians), and 1.3 to 1.9 times the
//! processor time: 1.6 µs for each of the two million chunks. Three quarters of that are the kernel's, for reading and writing
//! sockets: the proxy writes 16 chunks at a time, `relay` 64 kB. The last quarter reads the framing, looks for messages and
//! writes the framing again.
//!
//! The tail depends on the load: while four busy loops used the two cores, `proxy` added 59 µs at p50 and 470 µs at p99. `synced`
//! waits for the disk.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench prints and stops at a surprise"
)]

#[path = "../proxy/beside.rs"]
mod beside;
mod calls;
mod crowd;
#[allow(dead_code, unused_imports, reason = "tests use the rest")]
#[path = "../../../tests/support/oauth/mod.rs"]
mod oauth;
mod processes;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = arguments.iter().position(|argument| argument == "--role") {
        return processes::play(&arguments[role + 1], &arguments[role + 2..]);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    calls::run(if quick { (2, 20) } else { (200, 50) });
    crowd::run(if quick { 20 } else { 1000 });
}
