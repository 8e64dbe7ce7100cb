//! `auditrail tail`: prints the records of a file of OTLP JSON lines, or of a journal, which it does not change.

mod file;
mod filter;
mod found;
mod journal;
mod otlp_json;
mod printer;
mod run;
mod source;
#[cfg(test)]
mod tests;

pub(super) use self::run::run;
