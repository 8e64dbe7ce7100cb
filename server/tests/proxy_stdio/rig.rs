//! A client that sends bytes to a server through the proxy.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use auditrail::record::Record;
use tempfile::TempDir;

/// Far more than it takes; only there so that a hang is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A proxy that does not run yet. Nobody listens where its collector should be.
pub(crate) struct Proxy {
    command: Command,
    server: Vec<String>,
    pub(crate) directory: TempDir,
}

impl Proxy {
    /// In front of a shell script, which has `$DIR` for its own files.
    pub(crate) fn of_script(script: &str) -> Self {
        Self::of(&["sh", "-c", script])
    }

    pub(crate) fn of(server: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_")) {
                command.env_remove(name);
            }
        }
        command
            .arg("proxy")
            .env("DIR", directory.path())
            .env("AUDITRAIL_DIR", directory.path().join("state"))
            .env("AUDITRAIL_FLUSH_TIMEOUT", "1")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        Self { command, server: server.iter().map(ToString::to_string).collect(), directory }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// With a configuration file.
    pub(crate) fn configured(self, text: &str) -> Self {
        let path = self.file("auditrail.toml");
        std::fs::write(&path, text).unwrap();
        self.argument("--config").argument(path.to_str().unwrap())
    }

    /// With a collector, that gets everything in time.
    pub(crate) fn collector(self, receiver: &auditrail::serve::Receiver) -> Self {
        let endpoint = receiver.grpc_endpoint().unwrap();
        self.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint).env("AUDITRAIL_FLUSH_TIMEOUT", "100000")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn start(mut self) -> Running {
        if !self.server.is_empty() {
            self.command.arg("--").args(&self.server);
        }
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = self.command.spawn().unwrap();
        let (input, mut output) = (process.stdin.take(), process.stdout.take().unwrap());
        let (send, chunks) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = output.read(&mut buffer)
                && length > 0
                && send.send(buffer[..length].to_vec()).is_ok()
            {}
        });
        let mut errors = process.stderr.take().unwrap();
        let (send, said) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            // What is not UTF-8 is shown as far as it can be.
            drop(errors.read_to_end(&mut text));
            drop(send.send(String::from_utf8_lossy(&text).into_owned()));
        });
        Running { process, input, chunks, said, directory: self.directory, read: Vec::new() }
    }

    /// Sends all of it, closes, and waits for the end.
    pub(crate) fn play(self, chunks: Vec<Vec<u8>>) -> Played {
        let mut running = self.start();
        let mut input = running.input.take().unwrap();
        let client = thread::spawn(move || {
            for chunk in chunks {
                input.write_all(&chunk).unwrap();
            }
        });
        let played = running.end();
        client.join().unwrap();
        played
    }

    pub(crate) fn send(self, text: &str) -> Played {
        self.play(vec![text.into()])
    }
}

/// A proxy that runs.
pub(crate) struct Running {
    pub(crate) process: Child,
    pub(crate) input: Option<ChildStdin>,
    chunks: Receiver<Vec<u8>>,
    said: Receiver<String>,
    pub(crate) directory: TempDir,
    read: Vec<u8>,
}

/// What came of it.
pub(crate) struct Played {
    pub(crate) output: Vec<u8>,
    pub(crate) said: String,
    pub(crate) status: ExitStatus,
    pub(crate) directory: TempDir,
}

impl Running {
    pub(crate) fn send(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Reads until that is there.
    pub(crate) fn read_until(&mut self, text: &str) {
        while !self.has_read(text) {
            let chunk = self.chunks.recv_timeout(PATIENCE);
            let chunk = chunk.unwrap_or_else(|_| panic!("no {text:?} in {:?}", String::from_utf8_lossy(&self.read)));
            self.read.extend(chunk);
        }
    }

    /// Reads until the server's output is closed.
    pub(crate) fn read_to_end(&mut self) {
        let begun = Instant::now();
        while let Ok(chunk) = self.chunks.recv_timeout(PATIENCE) {
            self.read.extend(chunk);
        }
        assert!(begun.elapsed() < PATIENCE, "the output is not closed");
    }

    fn has_read(&self, text: &str) -> bool {
        self.read.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill \"$@\"", "kill", "-s", name, &pid]).status().unwrap().success());
    }

    /// Closes what is open, and waits.
    pub(crate) fn end(mut self) -> Played {
        drop(self.input.take());
        self.ended()
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Played {
        self.read_to_end();
        let status = within(PATIENCE, || self.process.try_wait().unwrap());
        let status = status.unwrap_or_else(|| {
            drop(self.process.kill());
            panic!("the proxy does not end")
        });
        let said = self.said.recv_timeout(PATIENCE).expect("somebody holds standard error");
        Played { output: self.read, said, status, directory: self.directory }
    }
}

impl Played {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{}: {}", self.status, self.said))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.output.clone()).unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join(name)).unwrap()
    }

    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
    }
}

/// Asks until there is an answer.
pub(crate) fn within<T>(time: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        match ask() {
            None if begun.elapsed() < time => thread::sleep(Duration::from_millis(5)),
            answer => return answer,
        }
    }
}

/// Everything that a collector got, but for what the trail tells of itself, in the order of what happened: requests that are
/// on their way at the same time may arrive in another.
pub(crate) fn records(receiver: &auditrail::serve::Receiver) -> Vec<Record> {
    let records = receiver.records();
    let records = records.iter().map(|received| Record::decode(&received.bytes).unwrap());
    let mut records: Vec<_> = records.filter(|record| record.event_name != "auditrail.lifecycle").collect();
    records.sort_by_key(|record| record.time_unix_nano);
    records
}

/// A call of a tool.
pub(crate) fn call(id: u64, tool: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\"}}}}\n")
}
