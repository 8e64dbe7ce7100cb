//! What `auditrail proxy` adds over HTTP, and what it takes of memory when a thousand clients read slowly. All are real
//! processes on loopback.
//!
//! - `calls`: a request of 1 kB, an answer of 1 kB, one at a time over one connection: to the server itself (`direct`),
//!   through a process that only copies bytes (`relay`), through the proxy, which writes two records for each call and ships
//!   them to a collector (`proxy`), and the same where every call waits until its record survives a power loss (`synced`).
//!   They take turns, so that a machine that slows down slows all. `added` is the difference to `relay`.
//! - `crowd`: that many sessions at once, each with an event stream of 2 MB that its client reads in small pieces with
//!   pauses: through `relay` and through `proxy`. How long the slowest takes beside the median, what arrived, how many
//!   records there are, and the most anonymous memory of the process between.
//!
//! `cargo bench --bench proxy_http` (a minute); `-- --quick` only shows that it runs.
//!
//! Two virtual cores (x86-64), which other work kept busy (load 9 to 11), so that figures are upper bounds; Linux, release build:
//!
//! ```text
//! calls          p50       p99   added p50 added p99   calls
//! direct     18.9 µs  129.9 µs    -26.1 µs  -72.1 µs   10000
//! relay      44.9 µs  202.0 µs     +0.0 µs   +0.0 µs   10000
//! proxy     101.3 µs  797.2 µs    +56.4 µs +595.2 µs   10000
//! synced    458.1 µs 4001.3 µs   +413.2 µs +3799.3 µs   10000
//!
//! crowd    complete   median  slowest    ratio   memory
//! relay        1000   6.58 s  16.11 s     2.45   0.2 MB idle, 86.0 MB at most, 86 kB a session
//! proxy        1000  44.43 s  44.95 s     1.01   0.7 MB idle, 207.2 MB at most, 207 kB a session
//! 1000 calls of 1000 have their pair of records
//! ```
//!
//! `relay` copies 64 kB at a time; the proxy passes each of the two million chunks on by itself, as it came, at 22 µs a chunk
//! there.

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
