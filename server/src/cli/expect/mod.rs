//! `auditrail expect`: runs a server over stdio behind the proxy, with everything in memory, and compares what was audited with
//! a file.

mod file;
mod run;

pub(super) use self::run::run;
