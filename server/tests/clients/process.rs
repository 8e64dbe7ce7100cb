//! Programs that run until they end, or until they are told to end.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The lines of a client, which ends by itself.
pub(crate) async fn printed(mut command: Command) -> Vec<Value> {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the client ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A server or a proxy that listens.
pub(crate) struct Serving {
    process: Child,
    address: String,
}

impl Serving {
    /// Its address stands at the end of the first line that it says, with or without what makes it a URL.
    pub(crate) async fn of(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it says where it listens");
        let line = line.unwrap().unwrap();
        let address =
            line.rsplit_once(' ').unwrap().1.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        // What else it says is for people.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("server: {line}");
            }
        });
        Self { process, address }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// By SIGTERM, as an orchestrator does it.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let pid = self.process.id().unwrap().to_string();
        assert!(
            Command::new("sh").args(["-c", "kill \"$@\"", "kill", "-TERM", &pid]).status().await.unwrap().success()
        );
        tokio::time::timeout(PATIENCE, self.process.wait()).await.expect("it ends by itself").unwrap()
    }
}

/// Clients close their server's input, and then take some time until they kill it: nothing of it outlives them for long.
pub(crate) async fn nobody_is_left(mark: &Path) {
    let mark = mark.as_os_str().as_bytes();
    let is_alive = || {
        let commands = std::fs::read_dir("/proc").into_iter().flatten();
        let mut commands = commands.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
        commands.any(|command| command.split(|byte| *byte == 0).any(|word| word == mark))
    };
    let gone = async {
        while is_alive() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("a process of the server is left");
}

/// Far more than it takes; only there so that a hang is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
