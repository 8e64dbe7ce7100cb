//! Ends a server whose proxy was killed, on Linux.
//!
//! The kernel can send a process a signal when its parent dies, but only the process itself can request that, between fork and
//! exec, where Rust allows only unsafe code. The proxy therefore starts its own program again, which makes the request and then
//! becomes the server: the request survives exec.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Becomes that program, and ends when the parent does. Returns only if that is impossible, or if the parent has
/// already ended.
#[must_use]
pub fn launch(parent: u32, program: &OsString, arguments: &[OsString]) -> io::Error {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        return error.into();
    }
    // It may have died before the request.
    if std::os::unix::process::parent_id() != parent {
        return io::Error::other("the proxy is gone");
    }
    Command::new(program).args(arguments).exec()
}
