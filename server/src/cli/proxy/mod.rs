//! `auditrail proxy`.

mod config;
mod failure;
mod http;
mod run;
mod stdio;
#[cfg(test)]
mod tests;
mod tracer;

pub(super) use self::run::{launched, run};
