//! Compares what third-party servers run of what a client sends through the proxy with what is recorded of it.
//!
//! 1. Every run is recorded: each run of a tool has a pair of records with its name, which does not report a failure.
//! 2. If calls may be refused, refused calls did not run.
//! 3. If every call is refused, nothing runs, however it is written.
//!
//! 4. In HTTP sessions, each call has the outcome that its client got (`stories.rs`).
//! 5. If an answer is an event stream, its outcome is what third-party clients understand (`streams.rs`).
//!
//! The victims report what they ran in a file, without MCP. `corpus/` contains what is sent to them; random
//! variations of it are sent for as many seconds as `AUDITRAIL_DIFFERENTIAL_SECONDS` says, from the seed
//! `AUDITRAIL_DIFFERENTIAL_SEED`. If they find a difference, the test prints the fewest messages that still show it.
//! Known differences are in `known.txt` until they are fixed.
//!
//! | what is made by chance | of what |
//! |---|---|
//! | messages (`chance.rs`) | an entry of the corpus, with one to three changes: something odd between two tokens (line ends, controls, marks, no UTF-8, laxness, depth), keys and methods in other letters and escapes, members again, members that change places, a second entry behind it, an array or object or half a notification around it |
//! | their carrier | lines; bodies that are answered with JSON; bodies that are answered with event streams |
//! | lines and bodies | UTF-16 and UTF-32, either end first |
//! | heads of bodies | method, path, codings that are so and that are only named, types and charsets, what `Connection` names, fields of sessions and of the revision of 2026 |
//! | streams of events (`frames.rs`) | line ends, alone and mixed; a mark; fields with and without colon, blank and value; data on several lines; comments, ids, retries, names of events; something odd anywhere; cut anywhere; in pieces of any sizes; gzip and deflate |
//! | stories (`stories.rs`) | two sessions or more; calls one after the other, at once, with one id, elsewhere, with the id of another session or of none, behind the end of theirs; ends, beginnings again, replays |
//! | what the proxy may do | record; refuse what it cannot read for sure; refuse everything |

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
#[path = "../../../tests/examples/mod.rs"]
mod examples;
mod frames;
mod known;
mod lines;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy_http/message.rs"]
mod message;
#[path = "../../../tests/peers/mod.rs"]
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
