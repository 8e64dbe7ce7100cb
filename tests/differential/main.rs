//! What servers that we did not write run of what a client sends through the proxy, beside what is recorded of it.
//!
//! 1. What ran is recorded: each run of a tool has a pair of records with its name, which does not tell of a failure.
//! 2. Where calls may be refused, what was refused did not run.
//! 3. Where every call is refused, nothing runs, in whatever way it is written.
//!
//! The victims tell what they ran by a file, which MCP has no part in. `corpus/` has what is sent to them; more of that kind is
//! made of it by chance, for as many seconds as `AUDITRAIL_DIFFERENTIAL_SECONDS` says, from the seed
//! `AUDITRAIL_DIFFERENTIAL_SEED`. What is known to be otherwise stands in `known.txt`, until it is mended.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

mod bodies;
mod chance;
mod corpus;
#[path = "../examples/mod.rs"]
mod examples;
mod frames;
mod known;
mod lines;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy_http/message.rs"]
mod message;
#[path = "../peers/mod.rs"]
mod peers;
mod proxy;
mod rounds;
mod stories;
mod streams;
mod verdict;
mod victim;

use std::process::ExitCode;

fn main() -> ExitCode {
    peers::run(rounds::trials())
}
