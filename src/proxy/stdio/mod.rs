//! A server that is started by the proxy, and spoken to over its standard input and output.
//!
//! ```text
//!  client ─► input  ─► server's stdin      a thread each, which reads, hears and writes in turn: nobody is waked up for a
//!  client ◄─ output ◄─ server's stdout     message but who gets it
//!                      server's stderr     is the proxy's own
//! ```
//!
//! Invariants:
//! 1. Bytes are written as they were read, in order, when they are there. Only the audit's copy is looked at, and where no
//!    class wants more, nothing of it is waited for but that the request's record is written. Where trace context is
//!    injected, requests are written with it, line by line.
//! 2. A request is begun before the last byte of it can be read by the server; what the server asks, before the last byte of
//!    that can be read by the client. An answer ends its call once it is written, and before what the client says because of
//!    it is heard.
//! 3. Where calls may be refused ([`Class`](crate::trail::Class), `authorize`), a line of the client is held until it is
//!    known whether all calls in it may run, up to [`HELD_BYTES`]; a longer one is refused. A refused call is answered by the
//!    proxy, between two lines of the server. Where trace context is injected and no call may be refused, a line is held,
//!    too, but a longer one passes as it is.
//! 4. A panic of the audit is contained: bytes pass unheard from then on. Where calls may be refused, the server sees the end
//!    of its input instead.
//! 5. An end that one side makes is the end that the other side sees, at once.
//! 6. The proxy ends when the server has ended, with its exit code, when everything that the server wrote was relayed. Nothing
//!    of the server's process group is left then.

mod child;
mod ear;
mod end;
mod fd;
mod held;
mod input;
mod launch;
mod output;
mod refuse;
mod signals;
mod streams;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub use self::launch::launch;
pub use self::streams::Streams;

use self::child::Child;
use self::ear::Ear;
use self::end::End;
use self::held::{Held, Line};
use self::output::Output;
use self::signals::Signals;
use super::unjoined::Unjoined;
use crate::Trail;
use crate::capture::mcp::Holding;
use crate::capture::mcp::correlate::{Carrier, Correlator};
use crate::trail::{Core, Direction, Transport};

/// The proxy of one server over stdio.
#[derive(Debug, Clone)]
pub struct StdioProxy {
    program: OsString,
    arguments: Vec<OsString>,
    launcher: Option<(PathBuf, OsString)>,
    held_bytes: usize,
    injects: bool,
}

/// The server was not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StdioError {
    /// The server did not start.
    #[error("cannot start {program:?}: {source}; name a program that is there and may be run")]
    Spawn {
        /// Its program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// Threads, signals or the runtime.
    #[error("cannot set up the relay: {0}; the process may be at its limit of threads or files")]
    Setup(#[from] io::Error),
}

impl StdioProxy {
    /// For a server that is started by that command.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments = arguments.into_iter().collect();
        Self { program: program.into(), arguments, launcher: None, held_bytes: HELD_BYTES, injects: false }
    }

    /// Starts the server by way of a program that calls [`launch`] with its second argument (the process that it must not
    /// outlive) and the others (the command); the first is the given one.
    #[must_use]
    pub fn launcher(mut self, program: PathBuf, argument: impl Into<OsString>) -> Self {
        self.launcher = Some((program, argument.into()));
        self
    }

    /// How many bytes of a message of the client are held where calls may be refused, or trace context is injected.
    #[must_use]
    pub fn held_bytes(mut self, bytes: usize) -> Self {
        self.held_bytes = bytes;
        self
    }

    /// Writes the span of each call into its request (`params._meta.traceparent`), so that the server's spans are its
    /// children. Spans have ids where a tracer is installed, such as by `Trail::install_tracing`; without one, all passes as
    /// it is.
    #[must_use]
    pub fn inject_trace(mut self, injects: bool) -> Self {
        self.injects = injects;
        self
    }

    /// Relays and audits until the server has ended, then closes the trail, and gives the exit code of the server: what it
    /// said itself, or 128 and the number of the signal that ended it. Passes on signals that this process gets.
    ///
    /// It may leave a thread behind that waits for input, so the process had better end then.
    ///
    /// # Errors
    /// If the server cannot be started, or nothing can be relayed.
    pub fn run(self, trail: Trail, streams: Streams) -> Result<u8, StdioError> {
        self.run_keeping(trail, (), streams)
    }

    /// As [`run`](Self::run), with something that is to be dropped when the trail is closed, such as `Telemetry`: in the time
    /// that there is for that, and not at all if this process is told to end meanwhile.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_keeping(self, trail: Trail, kept: impl Send + 'static, streams: Streams) -> Result<u8, StdioError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map(Arc::new)?;
        let signals = runtime.block_on(async { Signals::listen() })?;
        let (child, stdin, stdout) = Child::spawn(self.command())
            .map_err(|source| StdioError::Spawn { program: self.program.clone(), source })?;
        let ended = child.ended()?;

        let core = trail.core().clone();
        let correlator = Correlator::new(&core);
        let is_held = core.may_hold_calls();
        let exchange =
            correlator.exchange(Carrier { transport: Some(Transport::Stdio), is_held, ..Carrier::default() });
        let ear = |direction| Ear::new(&correlator, &exchange, core.notices(), direction);
        let output = Arc::new(Output::new(streams.output));

        let (to, ear_of_client) = (output.clone(), ear(Direction::ClientToServer));
        let held = self.held(&core, &runtime);
        let input_ended = on_a_thread("auditrail-in", move || {
            input::pump(streams.input, stdin, &to, ear_of_client, held);
        })?;
        let (to, ear_of_server) = (output.clone(), ear(Direction::ServerToClient));
        let output_ended = on_a_thread("auditrail-out", move || output::pump(stdout, &to, ear_of_server))?;

        let end = End { trail, kept, exchange, child, ended, signals, output, input_ended, output_ended };
        Ok(runtime.block_on(end.wait())?)
    }

    /// What holds lines of the client, if there is a reason to.
    fn held(&self, core: &Arc<Core>, runtime: &Arc<Runtime>) -> Option<Held> {
        let why = Holding { refuses: core.may_hold_calls(), joins: self.injects };
        (why.refuses || why.joins).then(|| Held {
            why,
            most: self.held_bytes,
            runtime: runtime.clone(),
            notices: core.notices().clone(),
            unjoined: Unjoined::new(core),
            line: Line::Held(Vec::new()),
            messages: Vec::new(),
        })
    }

    fn command(&self) -> Command {
        let Some((launcher, argument)) = &self.launcher else {
            let mut command = Command::new(&self.program);
            command.args(&self.arguments);
            return command;
        };
        let mut command = Command::new(launcher);
        command.arg(argument).arg(std::process::id().to_string()).arg("--").arg(&self.program).args(&self.arguments);
        command
    }
}

/// Does it, and tells when it is done.
fn on_a_thread(name: &str, act: impl FnOnce() + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (done, is_done) = oneshot::channel();
    thread::Builder::new().name(name.into()).spawn(move || {
        act();
        drop(done);
    })?;
    Ok(is_done)
}

/// How many bytes of a message of the client are held by default: what MCP servers take in one piece is
/// below that, but for files and pictures.
pub const HELD_BYTES: usize = 4 * 1024 * 1024;
