//! What the command line and the configuration file say.

mod address;
mod duration;
pub mod file;

pub(crate) use self::address::address;
pub(crate) use self::duration::duration;
