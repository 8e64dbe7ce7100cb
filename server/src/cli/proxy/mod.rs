//! `auditrail proxy`.

mod config;
mod failure;
mod http;
mod identity;
mod run;
mod stdio;
#[cfg(test)]
mod tests;
mod tracer;

pub(super) use self::run::{launched, run, run_on};
