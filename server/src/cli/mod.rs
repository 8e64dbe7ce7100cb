//! The command line: arguments and printing. The other modules do the work, and `docs/cli.md` describes it.
//!
//! Invariants:
//! 1. Results go to standard output, in one piece, but for a trail that is followed; everything else goes to standard error.
//! 2. A reader that closes standard output early is not a failure.
//! 3. The content of a journal comes from others: it is shown without control characters and other invisible
//!    characters, also as JSON, and on standard error.

mod args;
mod drain;
mod expect;
mod fsck;
mod ledger;
mod location;
mod outcome;
mod policy;
mod progress;
mod proxy;
mod quarantine;
mod run;
mod shown;
mod stat;
mod tail;
#[cfg(test)]
mod tests;
mod words;

pub use self::run::main;
