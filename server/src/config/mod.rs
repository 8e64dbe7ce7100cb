//! What the command line and the configuration file say.

mod address;
pub mod file;

pub(crate) use self::address::address;
pub(crate) use auditrail::policy::file::duration;
