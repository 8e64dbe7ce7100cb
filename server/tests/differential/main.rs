//! What servers that we did not write run of what a client sends through the proxy, beside what is recorded of it.
//!
//! 1. What ran is recorded: each run of a tool has a pair of records with its name, which does not tell of a failure.
//! 2. Where calls may be refused, what was refused did not run.
//! 3. Where every call is refused, nothing runs, in whatever way it is written.
//!
//! 4. Of sessions over HTTP, each call has the outcome that its client got (`stories.rs`).
//! 5. Of an answer that is a stream of events, what clients of others understand is the outcome (`streams.rs`).
//!
//! The victims tell what they ran by a file, which MCP has no part in. `corpus/` has what is sent to them; more of that kind is
//! made of it by chance, for as many seconds as `AUDITRAIL_DIFFERENTIAL_SECONDS` says, from the seed
//! `AUDITRAIL_DIFFERENTIAL_SEED`. If that finds a difference, it tells the fewest messages that still show it. What is known to
//! be otherwise stands in `known.txt`, until it is mended.
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
