//! The standard streams of the process, which only the relay uses.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;

/// The client's ends.
#[derive(Debug)]
pub struct Streams {
    /// The client's output.
    pub input: File,
    /// The client's input.
    pub output: File,
}

impl Streams {
    /// Takes standard input and output, and puts nothing in their place: when the relay closes them they are closed,
    /// and nothing else that writes to standard output reaches the client.
    ///
    /// # Errors
    /// If the process has none, or has reached its limit of files.
    pub fn of_process() -> io::Result<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned()?.into();
        let output = io::stdout().as_fd().try_clone_to_owned()?.into();
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&nothing)?;
        rustix::stdio::dup2_stdout(&nothing)?;
        Ok(Self { input, output })
    }
}
