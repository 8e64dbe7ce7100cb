//! The command line: arguments and printing. What it does is done by the other modules, and `docs/cli.md` describes it.
//!
//! Invariants:
//! 1. Results go to standard output, in one piece; everything else goes to standard error.
//! 2. A reader that closes standard output early is no failure.
//! 3. What stands in a journal was said by others: it is shown without control characters and others that are not seen, also
//!    as JSON, and on standard error.

mod args;
mod drain;
mod fsck;
mod ledger;
mod location;
mod outcome;
mod progress;
mod proxy;
mod quarantine;
mod run;
mod shown;
mod stat;
#[cfg(test)]
mod tests;
mod words;

pub use self::run::main;
