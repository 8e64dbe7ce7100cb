//! The cost and the throughput of the journal, each compared with raw files in one run.
//!
//! - [`append`]: one append, mapped and by `write(2)`: what pays for the `unsafe` of `src/journal/disk/mapped.rs`.
//! - [`durable`]: P4, sustained durable records a second with 64 callers, against raw batched `fdatasync`.
//! - [`backlog`]: P7 and P8, starting with a large backlog and draining it.
//! - [`caller`]: what a caller feels of a dead sink.
//!
//! Candidates take turns and medians are compared, so that a machine that slows down slows all of them. The directory
//! must be on a real disk (`TMPDIR`): on a tmpfs nothing is durable and `fdatasync` costs nothing.
//!
//! `cargo bench --bench journal` (some minutes); `-- --quick` only shows that it runs; `-- --backlog 10G` for P7 and P8
//! as the target states them; `-- append durable backlog caller` chooses.
//!
//! Firecracker VM, 2 cores, 24 GB, virtio disk with ext4, Linux 6.18, rustc 1.95, 2026-11-22, load 1; what is said of 10 GB
//! is from an earlier run with `-- backlog --backlog 10G` under `ulimit -n 1024`:
//!
//! | | journal | peer |
//! |---|---|---|
//! | append, 640 bytes, 1 and 8 threads, thread CPU | 123, 182 ns | by `write(2)` 2412, 3369; plain `write(2)` 1444, 2245; mutex, JSONL, flush 3048, 4450 |
//! | P4 durable records a second, 64 callers | 130 015 | raw batched `fdatasync`: 0.76 × in zeros, 1.24 × in allocated space, 1.51 × in a growing file |
//! | P7 `next` and `settle` from the disk | 685 MB/s (10 GB: 589) | read and checksum alone 613 MB/s (10 GB: 444) |
//! | P7 the shipper, a sink that takes all; over gRPC to a receiver that decodes | 1159, 190 MB/s (10 GB: 581, 141) | |
//! | P8 open, orphans, adopt; the whole trail | 0.039, 0.005 s (10 GB: 0.315, 0.009) | |
//! | P8 RssAnon: reader, shipper, over gRPC | 2.1, 5.5, 10.9 MiB (10 GB: 2.5, 6.4, 13.0) | |
//! | p99 of a call, collector away and black hole, five runs | 0.97 × (0.63 to 1.26), 1.00 × (0.57 to 1.11) | collector up 4 to 8 µs |
//! | p99 of a moment, the same | 1.02 × (0.98 to 1.03), 1.00 × (0.98 to 1.03) | collector up 0.7 µs |

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::let_underscore_must_use,
    reason = "a bench prints and stops at a surprise"
)]

mod append;
mod backlog;
mod caller;
mod durable;
mod samples;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some([what, rest @ ..]) = arguments.strip_prefix(&[backlog::CHILD.to_owned()]) {
        backlog::child(what, rest);
        return;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let chosen = |what: &str| {
        let mut parts = arguments.iter().filter(|argument| PARTS.contains(&argument.as_str())).peekable();
        parts.peek().is_none() || parts.any(|part| part == what)
    };
    if chosen("append") {
        append::run(quick);
    }
    if chosen("durable") {
        durable::run(quick);
    }
    if chosen("backlog") {
        backlog::run(quick, &arguments);
    }
    if chosen("caller") {
        caller::run(quick);
    }
}

const PARTS: [&str; 4] = ["append", "durable", "backlog", "caller"];
