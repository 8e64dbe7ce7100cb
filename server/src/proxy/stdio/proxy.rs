//! Starts the server and its relay.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use auditrail::Trail;
use auditrail::internals::TrailInside as _;
use auditrail::internals::correlate::{Correlator, MessageOrigin};
use auditrail::internals::mcp::{DirectionReader, HoldReasons};
use auditrail::internals::trail::Core;
use auditrail::trail::Direction;
use tokio::runtime::Runtime;

use super::child::Child;
use super::error::StdioError;
use super::hold::{Line, LineHold};
use super::output::Output;
use super::shutdown::Shutdown;
use super::signals::Signals;
use super::streams::Streams;
use super::threads::on_a_thread;
use super::{input, output};
use crate::proxy::unjoined::Unjoined;

/// Runs and audits one server over stdio.
#[derive(Debug, Clone)]
pub struct StdioProxy {
    program: OsString,
    arguments: Vec<OsString>,
    launcher: Option<(PathBuf, OsString)>,
    held_bytes: usize,
    injects: bool,
}

impl StdioProxy {
    /// Creates a proxy for a server that this command starts.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments = arguments.into_iter().collect();
        Self { program: program.into(), arguments, launcher: None, held_bytes: HELD_BYTES, injects: false }
    }

    /// Starts the server through a program that calls [`launch`](super::launch). That program gets `argument` first,
    /// then the id of the process that it must not outlive, then the command.
    #[must_use]
    pub fn launcher(mut self, program: PathBuf, argument: impl Into<OsString>) -> Self {
        self.launcher = Some((program, argument.into()));
        self
    }

    /// Limits how many bytes of a client's message are held if calls may be refused, or trace context is injected
    /// (default: [`HELD_BYTES`], 4 MiB).
    #[must_use]
    pub fn held_bytes(mut self, bytes: usize) -> Self {
        self.held_bytes = bytes;
        self
    }

    /// Writes the span of each call into its request (`params._meta.traceparent`), so that the server's spans are its
    /// children (default: off). Spans have ids if a tracer is installed, for example by `Trail::install_tracing`;
    /// without one, everything passes unchanged.
    #[must_use]
    pub fn inject_trace(mut self, injects: bool) -> Self {
        self.injects = injects;
        self
    }

    /// Relays and audits until the server has ended, then closes the trail, and returns the server's exit code: its
    /// own, or 128 plus the number of the signal that ended it. Forwards signals that this process receives.
    ///
    /// It may leave a thread that waits for input, so the process should end afterwards.
    ///
    /// # Errors
    /// If the server cannot be started, or nothing can be relayed.
    pub fn run(self, trail: Trail, streams: Streams) -> Result<u8, StdioError> {
        self.run_keeping(trail, (), streams)
    }

    /// Like [`run`](Self::run), with a value that is dropped when the trail is closed, such as `Telemetry`: within
    /// the time for that, and not at all if this process is told to end in the meantime.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_keeping(self, trail: Trail, kept: impl Send + 'static, streams: Streams) -> Result<u8, StdioError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map(Arc::new)?;
        let signals = runtime.block_on(async { Signals::listen() })?;
        let (child, stdin, stdout) = Child::spawn(self.command())
            .map_err(|source| StdioError::Spawn { program: self.program.clone(), source })?;
        let ended = child.ended()?;

        let core = trail.core().clone();
        let correlator = Correlator::new(&core);
        let is_held = core.holds_calls_from_now_on();
        let exchange = correlator.exchange(MessageOrigin::of_stdio(is_held));
        let reader = |direction| DirectionReader::new(&core, &correlator, &exchange, direction);
        let output = Arc::new(Output::new(streams.output));

        let (to, of_client) = (output.clone(), reader(Direction::ClientToServer));
        let held = self.held(&core, &runtime);
        let input_ended = on_a_thread("auditrail-in", move || {
            input::pump(streams.input, stdin, &to, of_client, held);
        })?;
        let (to, of_server) = (output.clone(), reader(Direction::ServerToClient));
        let output_ended = on_a_thread("auditrail-out", move || output::pump(stdout, &to, of_server))?;

        let end = Shutdown { trail, kept, exchange, child, ended, signals, output, input_ended, output_ended };
        Ok(runtime.block_on(end.wait())?)
    }

    /// What holds lines of the client, if there is a reason to.
    fn held(&self, core: &Arc<Core>, runtime: &Arc<Runtime>) -> Option<LineHold> {
        let why = HoldReasons { refuses: core.holds_calls_from_now_on(), joins: self.injects };
        (why.refuses || why.joins).then(|| LineHold {
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

/// The default limit of a held message, 4 MiB: messages of MCP are below that, except files and pictures.
pub const HELD_BYTES: usize = 4 * 1024 * 1024;
