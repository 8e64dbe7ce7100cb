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
//! `cargo bench --bench journal` (three minutes); `-- --quick` only shows that it runs; `-- --backlog 10G` for P7 and P8
//! as the target states them; `-- append durable backlog caller` chooses.

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
