//! The server's process, in its own process group.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::oneshot;

/// The process runs, or was not waited for yet, so that its group id is not reused. Its group does not outlive this
/// value.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    group: Pid,
    is_reaped: bool,
    is_gone: bool,
}

impl Child {
    /// Starts it, with its standard input and output in our hands; it inherits standard error.
    pub(super) fn spawn(mut command: Command) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn()?;
        let missing = || io::Error::other("the server has no standard streams");
        let group = Pid::from_child(&process);
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let child = Self { process, group, is_reaped: false, is_gone: false };
        Ok((child, input.ok_or_else(missing)?, output.ok_or_else(missing)?))
    }

    /// Reports when it has ended. It keeps its process id until it is reaped.
    pub(super) fn ended(&self) -> io::Result<oneshot::Receiver<()>> {
        let (tell, ended) = oneshot::channel();
        let pid = self.group;
        thread::Builder::new().name("auditrail-child".into()).spawn(move || {
            let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(rustix::process::waitid(WaitId::Pid(pid), how), Err(rustix::io::Errno::INTR)) {}
            // Nobody may wait for it any more.
            let _told = tell.send(());
        })?;
        Ok(ended)
    }

    /// Forwards a signal to its group. A group that has ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.is_gone {
            let _told = rustix::process::kill_process_group(self.group, signal);
        }
    }

    /// Its exit code, as a shell reports it. Call it only when the process has ended, because it waits.
    pub(super) fn reap(&mut self) -> io::Result<u8> {
        let status = self.process.wait()?;
        self.is_reaped = true;
        Ok(code(status))
    }

    /// Whether its group has other processes. Once there were none, the id may belong to another group.
    pub(super) fn has_others(&mut self) -> bool {
        self.is_gone = self.is_gone || rustix::process::test_kill_process_group(self.group).is_err();
        !self.is_gone
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if !self.is_reaped {
            // It was killed, so this does not take long.
            drop(self.process.wait());
        }
    }
}

/// Its own exit code, or 128 plus the number of the signal that ended it.
fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| signal.saturating_add(128));
    let code = status.code().or(signal).unwrap_or(1);
    // The system keeps the last byte of what a process says.
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}
