//! What the journal costs and what it carries, each figure beside its peer, in the same run.
//!
//! - [`append`]: one append, mapped and by `write(2)`: what pays for the `unsafe` of `src/journal/mapped.rs`.
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
//! Firecracker VM, 2 cores, 24 GB, virtio disk with ext4, Linux 6.18, rustc 1.95, 2026-11-22, other work on the machine at
//! the same time (load 3 to 6). Append and P4 are from a run of their own, before the last change of how far pages are made
//! ready; P7, P8 and p99 from one after it; each backlog figure is a single sample. 10 GB were not measured yet:
//!
//! | | journal | peer |
//! |---|---|---|
//! | append, 640 bytes, 1 and 8 threads, thread CPU | 190, 268 ns | by `write(2)` 2261, 3116; plain `write(2)` 1292, 1659; mutex, JSONL, flush 2682, 2964 |
//! | P4 durable records a second, 64 callers | 31 040 | raw batched `fdatasync`: 0.76 × in zeros, 1.11 × in allocated space, 1.46 × in a growing file |
//! | P7 `next` and `settle` of 1 GB from the disk | 204 MB/s | read and checksum alone 182 MB/s |
//! | P8 start with 1 GB, RssAnon | 0.67 s, 2.2 MiB; the shipper 5 MiB, over gRPC 10.5 MiB | |
//! | p99 of a call, collector away and black hole | 7.2, 7.5 µs | collector up 7.3 µs |

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
