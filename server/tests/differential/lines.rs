//! Lines of stdio, one entry after the other, each with a question behind it that tells when it was read.

use std::path::Path;
use std::time::Duration;

use auditrail::record::Record;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::corpus::Entry;
use crate::peers::Peers;
use crate::proxy::{Proxy, Way};
use crate::victim::Victim;

/// Sends them all. A server that ends, or answers nothing any more, is started again for the rest.
pub(crate) async fn send(
    victim: Victim,
    way: Way,
    entries: &[(usize, &Entry)],
    peers: &Peers,
    ran: &Path,
) -> Vec<Record> {
    let command = victim.command(peers, &["stdio"]);
    let command: Vec<&str> = [vec!["--"], command.iter().map(String::as_str).collect()].concat();
    let (mut records, mut entries) = (Vec::new(), entries.iter());
    while entries.len() > 0 {
        let mut proxy = Proxy::start(way, &command, ran, peers.cache()).await;
        let mut session = Session::of(&mut proxy);
        let mut heard = session.began().await;
        assert_eq!(heard, Heard::It, "{}: no answer to initialize", victim.name());
        while heard == Heard::It
            && let Some((number, entry)) = entries.next()
        {
            heard = session.took(&entry.bytes(*number), *number).await;
        }
        if heard == Heard::Nothing {
            // It may wait for the end of a message for ever.
            proxy.terminate();
        }
        session.end().await;
        records.extend(proxy.end().await);
    }
    records
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    It,
    TheEnd,
    Nothing,
}

struct Session {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn of(proxy: &mut Proxy) -> Self {
        let mut said = proxy.process.stderr.take().unwrap();
        tokio::spawn(async move { drop(tokio::io::copy(&mut said, &mut tokio::io::sink()).await) });
        let input = proxy.process.stdin.take().unwrap();
        Self { input, output: BufReader::new(proxy.process.stdout.take().unwrap()) }
    }

    async fn began(&mut self) -> Heard {
        let initialize = r#"{"jsonrpc":"2.0","id":"began","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"differential","version":"1"}}}"#;
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        self.write(format!("{initialize}\n").as_bytes()).await;
        let heard = self.heard("\"began\"", START).await;
        self.write(format!("{initialized}\n").as_bytes()).await;
        heard
    }

    /// What the server says behind it.
    async fn took(&mut self, bytes: &[u8], number: usize) -> Heard {
        let ping = format!("\n{{\"jsonrpc\":\"2.0\",\"id\":\"behind-{number}\",\"method\":\"ping\"}}\n");
        self.write(&[bytes, ping.as_bytes()].concat()).await;
        self.heard(&format!("\"behind-{number}\""), ANSWER).await
    }

    /// A server that has ended does not read; that is seen by its output.
    async fn write(&mut self, bytes: &[u8]) {
        drop(self.input.write_all(bytes).await);
        drop(self.input.flush().await);
    }

    /// Reads until there is a line with that text.
    async fn heard(&mut self, text: &str, patience: Duration) -> Heard {
        let read = async {
            let mut line = Vec::new();
            while self.output.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
                if String::from_utf8_lossy(&line).contains(text) {
                    return Heard::It;
                }
                line.clear();
            }
            Heard::TheEnd
        };
        timeout(patience, read).await.unwrap_or(Heard::Nothing)
    }

    async fn end(mut self) {
        drop(self.input);
        drop(timeout(ANSWER, tokio::io::copy(&mut self.output, &mut tokio::io::sink())).await);
    }
}

/// A server that has not begun by then hangs.
const START: Duration = Duration::from_secs(120);
/// One that has not answered by then waits for something else, and is started again.
const ANSWER: Duration = Duration::from_secs(15);
