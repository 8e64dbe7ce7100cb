//! Compares event streams that answer a call, as third-party clients understand them, with the recorded outcome.
//!
//! A server that does what an entry says answers the calls of three clients behind the proxy, each with the parser and the
//! schema of an official SDK: `eventsource-parser` (TypeScript), `httpx-sse` (Python 1.x) and `httpx2` (Python 2.x). What they
//! understood, they print. Where they agree, that is the outcome. They differ in these, and no others:
//!
//! | the stream | who | what counts |
//! |---|---|---|
//! | begins with a byte order mark | the Python clients take it for a part of the first field's name | TypeScript: WHATWG HTML strips it (section 9.2.5) |
//! | ends with a carriage return | TypeScript waits for the byte behind it, and never ends the line | `httpx-sse`: a carriage return ends a line |
//! | the same, on a line that is not blank | `httpx2` takes it for a blank line, too | `httpx-sse`: one end is one end |
//!
//! Of a stream with a mark that ends with a carriage return, none of them reads all as it counts, and nothing is said.
//!
//! Not among them, since no parser of events has to do with it: the client of the Python SDK 2.x ends a call at the first
//! `message` that is not JSON-RPC, with an error of its own.

use std::process::Stdio;
use std::sync::Arc;

use auditrail::record::{Record, names};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::corpus::Entry;
use crate::message::Messages;
use crate::peers::{Peer, Peers};
use crate::proxy::{Proxy, Way};
use crate::victim::PATIENCE;

pub(crate) const NEEDS: &[Peer] = &[Peer::TypeScript, Peer::Python130, Peer::Python];

/// What is recorded otherwise than it was understood: the number of the entry, and how.
pub(crate) async fn differences(entries: &[Entry], peers: &Peers) -> Vec<(usize, String)> {
    let directory = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(serve(listener, Arc::from(entries)));
    let arguments = ["--listen", "127.0.0.1:0", "--upstream", &upstream];
    let mut proxy = Proxy::start(Way::Open, &arguments, &directory.path().join("ran"), peers.cache()).await;
    let address = proxy.address().await;
    let [one, other, third] = Client::ALL.map(|client| client.understood(peers, &address, entries.len()));
    let understood = tokio::join!(one, other, third);
    let understood = [understood.0, understood.1, understood.2];
    proxy.terminate();
    let records = proxy.end().await;
    server.abort();
    let all = entries.iter().enumerate();
    all.filter_map(|(number, entry)| Some((number, wrong(number, entry, &understood, &records)?))).collect()
}

fn wrong(number: usize, entry: &Entry, understood: &[Vec<String>; 3], records: &[Record]) -> Option<String> {
    let said = Client::ALL.map(|client| understood[client as usize][number].clone());
    let recorded = Client::ALL.map(|client| recorded(records, &client.tool(number)));
    let plain = entry.plain(number);
    let is_to_none = plain.starts_with(MARK) && plain.ends_with(b"\r");
    if is_to_none {
        return None;
    }
    let counts = match Client::that_counts(&plain) {
        Some(client) => said[client as usize].clone(),
        None if said.iter().any(|it| *it != said[0]) => {
            return Some(format!("the clients differ: {said:?}, recorded as {recorded:?}"));
        }
        None => said[0].clone(),
    };
    let is_right = recorded.iter().all(|it| *it == [counts.clone()]);
    (!is_right).then(|| format!("understood as {said:?}, of which {counts} counts, and recorded as {recorded:?}"))
}

/// The outcome of each pair of that tool.
fn recorded(records: &[Record], tool: &str) -> Vec<String> {
    let of_it = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
    let responses = of_it.filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
    responses.map(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL).unwrap_or_default().to_owned()).collect()
}

const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, Clone, Copy)]
enum Client {
    TypeScript,
    Python1,
    Python2,
}

impl Client {
    const ALL: [Self; 3] = [Self::TypeScript, Self::Python1, Self::Python2];

    /// Whose reading of a stream counts, where they differ.
    fn that_counts(stream: &[u8]) -> Option<Self> {
        match (stream.starts_with(MARK), stream.ends_with(b"\r")) {
            (true, _) => Some(Self::TypeScript),
            (false, true) => Some(Self::Python1),
            (false, false) => None,
        }
    }

    fn tool(self, number: usize) -> String {
        format!("{self:?}-{number}")
    }

    fn command(self, peers: &Peers) -> Command {
        let (program, script) = match self {
            Self::TypeScript => (peers.node(), "tests/peers/typescript/events.mjs"),
            Self::Python1 => (peers.path(Peer::Python130), "tests/peers/python/events.py"),
            Self::Python2 => (peers.path(Peer::Python), "tests/peers/python/events.py"),
        };
        let mut command = Command::new(program);
        command.arg(script).env("PEERS_CACHE", peers.cache()).kill_on_drop(true);
        command
    }

    /// How each call ended to it.
    async fn understood(self, peers: &Peers, address: &str, calls: usize) -> Vec<String> {
        let mut process = self.command(peers).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (mut output, mut all) = (BufReader::new(output).lines(), Vec::new());
        for number in 0..calls {
            let params = json!({"name": self.tool(number), "arguments": {}});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
            let case = json!({"url": format!("http://{address}/mcp/{number}"), "body": body});
            input.write_all(format!("{case}\n").as_bytes()).await.unwrap();
            let line = timeout(PATIENCE, output.next_line()).await.expect("no word of the client").unwrap();
            let line: Value = serde_json::from_str(&line.expect("the client has ended")).unwrap();
            all.push(outcome(&line["messages"]));
        }
        all
    }
}

fn outcome(messages: &Value) -> String {
    let answer = messages.as_array().unwrap().iter().find(|message| message["id"] == 1);
    let outcome = match answer {
        None => "no_response",
        Some(answer) if answer["error"].is_object() => "jsonrpc_error",
        Some(answer) if answer["result"]["isError"] == true => "tool_error",
        Some(_) => "ok",
    };
    outcome.to_owned()
}

async fn serve(listener: TcpListener, entries: Arc<[Entry]>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, entries.clone()));
    }
}

/// Each request with the entry that its path names, in the pieces that the entry asks for.
async fn answer(stream: TcpStream, entries: Arc<[Entry]>) -> Option<()> {
    stream.set_nodelay(true).unwrap();
    let (read, mut write) = stream.into_split();
    let mut requests = Messages::new(read);
    while let Some(request) = requests.request().await {
        let line = String::from_utf8_lossy(&request.head[0]).into_owned();
        let number: usize = line.split(' ').nth(1)?.rsplit('/').next()?.parse().ok()?;
        let entry = entries.get(number)?;
        let has_type = entry.head.iter().any(|field| field.starts_with("Content-Type:"));
        let own: String = entry.head.iter().map(|field| format!("{field}\r\n")).collect();
        let kind = if has_type { "" } else { "Content-Type: text/event-stream\r\n" };
        let head = format!("HTTP/1.1 200 OK\r\n{kind}{own}Transfer-Encoding: chunked\r\n\r\n");
        write.write_all(head.as_bytes()).await.ok()?;
        for piece in entry.pieces(number) {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
            write.write_all(&chunk).await.ok()?;
            // Others may take the piece before the next one is there.
            tokio::task::yield_now().await;
        }
        write.write_all(b"0\r\n\r\n").await.ok()?;
    }
    Some(())
}
