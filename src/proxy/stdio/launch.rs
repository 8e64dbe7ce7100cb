//! A server that does not outlive a proxy that was killed, on Linux.
//!
//! The system can send a process a signal when its parent dies, but only a process itself can ask for that, between its
//! birth and its program, where Rust lets only unsafe code act. So the proxy starts its own program once more, which asks
//! for it and then becomes the server: the wish outlives the change of the program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Becomes that program, and ends when the parent does. Returns only if that is impossible, or if the parent is gone already.
#[must_use]
pub fn launch(parent: u32, program: &OsString, arguments: &[OsString]) -> io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        return error.into();
    }
    // It may have died before anybody asked.
    if std::os::unix::process::parent_id() != parent {
        return io::Error::other("the proxy is gone");
    }
    Command::new(program).args(arguments).exec()
}
