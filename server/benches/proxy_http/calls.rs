//! The latency of calls.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::beside::{self, Caller, SPANLESS, SYNCED};
use crate::processes::{Process, read_message, request};

pub(crate) fn run(turns: (usize, usize)) {
    let (server, collector) = (Process::role("server", ""), Process::role("collector", ""));
    let relay = Process::role("relay", &server.address.to_string());
    let proxy = Process::proxy(server.address, collector.address, "");
    let spanless = Process::proxy(server.address, collector.address, SPANLESS);
    let synced = Process::proxy(server.address, collector.address, SYNCED);
    let processes =
        [("direct", &server), ("relay", &relay), ("proxy", &proxy), ("spanless", &spanless), ("synced", &synced)];
    let mut clients = processes.map(|(name, process)| (name, Client::of(process)));
    beside::run("calls", &mut clients, turns);
    drop(clients);
    proxy.end();
    spanless.end();
    synced.end();
}

/// With a connection of its own.
struct Client {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Client {
    fn of(process: &Process) -> Self {
        let stream = TcpStream::connect(process.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, request: request() }
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
