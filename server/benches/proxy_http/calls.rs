//! The latency of calls.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::beside::{self, Caller, KNOWN, SPANLESS, SYNCED};
use crate::oauth::{SigningKey, Token};
use crate::processes::{Process, read_message, request};

pub(crate) fn run(turns: (usize, usize)) {
    let (server, collector) = (Process::role("server", ""), Process::role("collector", ""));
    let relay = Process::role("relay", &server.address.to_string());
    let proxy = Process::proxy(server.address, collector.address, "");
    let spanless = Process::proxy(server.address, collector.address, SPANLESS);
    let known = Process::proxy(server.address, collector.address, KNOWN);
    let (keys, token) = token();
    let tokens = Process::proxy(server.address, collector.address, &configuration(&keys));
    let synced = Process::proxy(server.address, collector.address, SYNCED);
    let mut clients = [
        ("direct", Client::of(&server, "")),
        ("relay", Client::of(&relay, "")),
        ("proxy", Client::of(&proxy, "")),
        ("spanless", Client::of(&spanless, "")),
        ("known", Client::of(&known, "X-User: ada\r\n")),
        ("token", Client::of(&tokens, &format!("Authorization: Bearer {token}\r\n"))),
        ("synced", Client::of(&synced, "")),
    ];
    beside::run("calls", &mut clients, turns);
    drop(clients);
    proxy.end();
    spanless.end();
    known.end();
    tokens.end();
    synced.end();
}

/// A token, and the key of its issuer in a file.
fn token() -> (NamedTempFile, String) {
    let key = SigningKey::rsa("bench", 1);
    let mut keys = NamedTempFile::new().unwrap();
    write!(keys, "{}", serde_json::json!({ "keys": [key.jwk()] })).unwrap();
    (keys, Token::of(ISSUER, "ada").audience(AUDIENCE).claim("name", "Ada Lovelace").signed_by(&key))
}

fn configuration(keys: &NamedTempFile) -> String {
    let keys = keys.path().display();
    format!("[[identity.jwt]]\nissuer = \"{ISSUER}\"\naudience = [\"{AUDIENCE}\"]\njwks_file = \"{keys}\"\n")
}

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://mcp.example/mcp";

/// With a connection of its own.
struct Client {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Client {
    /// Sends that header with each call.
    fn of(process: &Process, header: &str) -> Self {
        let stream = TcpStream::connect(process.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, request: request(header) }
    }
}

impl Caller for Client {
    fn call(&mut self) -> Duration {
        let begun = Instant::now();
        self.stream.write_all(&self.request).unwrap();
        assert!(read_message(&mut self.stream).expect("an answer") > 900);
        begun.elapsed()
    }
}
