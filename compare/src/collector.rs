//! The collector: a real one, that can be started, stopped and killed, and started again on the same port.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use rand::Rng as _;

use crate::arrived;
use crate::error::Error;
use crate::process::Process;
use crate::wait::until;

/// One collector with its folder; it may be down.
#[derive(Debug)]
pub(crate) struct Collector {
    program: PathBuf,
    folder: PathBuf,
    grpc: u16,
    health: u16,
    process: Option<Process>,
}

impl Collector {
    /// A collector that does not run yet, with everything of it in that folder.
    pub(crate) fn new(program: PathBuf, folder: PathBuf) -> Result<Self, Error> {
        let what = format!("making {}", folder.display());
        fs::create_dir_all(&folder).map_err(Error::io(what))?;
        fs::write(folder.join("config.yaml"), CONFIG).map_err(Error::io("writing the collector's configuration"))?;
        Ok(Self { program, folder, grpc: free_port()?, health: free_port()?, process: None })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    /// The folder of the files that it writes the records to.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns when every part of it is up.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        let log = self.folder.join("log");
        let stderr = File::options().create(true).append(true).open(&log).map_err(Error::io("the collector's log"))?;
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.folder.join("config.yaml"))
            .envs([("GRPC_PORT", self.grpc.to_string()), ("HEALTH_PORT", self.health.to_string())])
            .env("DATA_DIR", self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        let process = self.process.insert(Process::start("the collector", &mut command, log)?);
        let health = self.health;
        until("the collector is up", UP_WITHIN, || {
            process.must_run()?;
            Ok(is_healthy(health))
        })
    }

    /// SIGTERM, as an orchestrator stops it.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        self.process.take().map_or(Ok(()), |process| process.terminate(DOWN_WITHIN))
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Waits until its files have not grown for a while.
    pub(crate) fn quiet(&self) -> Result<(), Error> {
        let mut last = None;
        let mut looks = 0;
        until("the collector's files stop growing", QUIET_WITHIN, || {
            let size = Some(arrived::size(&self.data())?);
            looks = if size == last { looks + 1 } else { 0 };
            last = size;
            Ok(looks >= QUIET_LOOKS)
        })
    }
}

/// Where `tests/peers/install` puts the collector.
#[expect(clippy::disallowed_methods, reason = "where the peers are is no setting of the product")]
pub(crate) fn installed() -> Result<PathBuf, Error> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("PEERS_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("auditrail-peers")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/auditrail-peers")))
        .unwrap_or_else(|| Path::new(".").to_owned());
    let program = cache.join("bin/otelcol");
    if program.exists() { Ok(program) } else { Err(Error::NoCollector(program)) }
}

/// A port below those that the system hands out by itself: while the collector is down nobody else is given it, and a
/// client that tries to connect is not connected to itself.
fn free_port() -> Result<u16, Error> {
    let mut random = rand::rng();
    for _ in 0..100 {
        let port = random.random_range(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Usage("no port from 20000 to 31999 of 127.0.0.1 is free".to_owned()))
}

fn is_healthy(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok::<_, std::io::Error>(status)
    };
    ask().is_ok_and(|status| status.ends_with(b" 200"))
}

const CONFIG: &str = include_str!("collector.yaml");

/// A busy machine may need some seconds.
const UP_WITHIN: Duration = Duration::from_secs(60);
const DOWN_WITHIN: Duration = Duration::from_secs(30);
const QUIET_WITHIN: Duration = Duration::from_secs(60);
/// With a look each 20 ms: one and a half seconds.
const QUIET_LOOKS: u32 = 75;
