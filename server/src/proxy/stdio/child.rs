//! The server's process, in a group of its own.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::oneshot;

/// It runs, or was not waited for yet; so its group's number is nobody else's. Whatever happens, its group does not outlive
/// this.
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

    /// Tells when it has ended. It keeps its number until it is reaped.
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

    /// Passes a signal on to its group. One that is gone needs none.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.is_gone {
            let _told = rustix::process::kill_process_group(self.group, signal);
        }
    }

    /// Its exit code, as a shell has it. Only when it has ended: it waits.
    pub(super) fn reap(&mut self) -> io::Result<u8> {
        let status = self.process.wait()?;
        self.is_reaped = true;
        Ok(code(status))
    }

    /// Whether there are others in its group. Once there were none, its number may be another's.
    pub(super) fn has_others(&mut self) -> bool {
        self.is_gone = self.is_gone || rustix::process::test_kill_process_group(self.group).is_err();
        !self.is_gone
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if !self.is_reaped {
            // It was killed, so this is not long.
            drop(self.process.wait());
        }
    }
}

/// What it said itself, or 128 and the number of the signal that ended it.
fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| signal.saturating_add(128));
    let code = status.code().or(signal).unwrap_or(1);
    // The system keeps the last byte of what a process says.
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}
