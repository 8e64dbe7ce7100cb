//! The other processes: this program once more, and the proxy.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

use crate::beside;

/// A process that listens somewhere. It is killed at the end.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Of a proxy.
    directory: Option<TempDir>,
}

impl Process {
    pub(crate) fn role(role: &str, argument: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.args(["--role", role, argument]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").parse().unwrap();
        Self { address, child, directory: None }
    }

    /// The proxy before that server, with that collector.
    pub(crate) fn proxy(server: SocketAddr, collector: SocketAddr, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("proxy.toml");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        command.args(["proxy", "--name", "bench", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
        command.args(["--upstream", &format!("http://{server}")]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        command.env("AUDITRAIL_DIR", directory.path().join("state"));
        command.env("AUDITRAIL_FLUSH_TIMEOUT", "20000");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "the proxy did not start");
            match line.trim().strip_prefix("auditrail: listens on ") {
                Some(address) => break address.parse().unwrap(),
                None => eprint!("{line}"),
            }
        };
        thread::spawn(move || std::io::copy(&mut said, &mut std::io::stderr()));
        Self { address, child, directory: Some(directory) }
    }

    /// `RssAnon`, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// What it has taken of the processors, all threads together, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name before them is in parentheses, and may hold anything.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
        (ticks(11) + ticks(12)) as f64 / TICKS
    }

    /// Ends it as an operator does.
    pub(crate) fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        drop(self.directory.take());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A second, as `/proc` counts (`USER_HZ`).
const TICKS: f64 = 100.0;

pub(crate) fn play(role: &str, arguments: &[String]) {
    match role {
        "server" => serve(answer),
        "streams" => serve(stream),
        "relay" => relay(arguments[0].parse().unwrap()),
        "collector" => beside::collector(),
        _ => panic!("no role is called {role}"),
    }
}

/// A request of 1 kB, with that header.
pub(crate) fn request(header: &str) -> Vec<u8> {
    let padding = "x".repeat(900);
    let params = format!(r#"{{"name":"echo","arguments":{{"text":"{padding}"}}}}"#);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    let fields = "Host: a\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream";
    format!("POST /mcp HTTP/1.1\r\n{header}{fields}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A thread for each connection.
fn serve(respond: fn(&mut TcpStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        let serve = move || {
            while read_message(&mut stream).is_some() {
                respond(&mut stream);
            }
        };
        thread::Builder::new().stack_size(128 * 1024).spawn(serve).unwrap();
    }
}

fn answer(stream: &mut TcpStream) {
    let text = "y".repeat(900);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    drop(stream.write_all((head + &body).as_bytes()));
}

/// Comments of 1 kB, as servers keep streams alive with, and then the answer.
pub(crate) const EVENTS: usize = 2000;
pub(crate) const LAST: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n";

fn stream(stream: &mut TcpStream) {
    let mut send = || -> std::io::Result<()> {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let event = format!(": {}\n\n", "z".repeat(1020));
        for _ in 0..EVENTS {
            stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
        }
        stream.write_all(format!("{:x}\r\n{LAST}\r\n0\r\n\r\n", LAST.len()).as_bytes())
    };
    drop(send());
}

/// Reads a head and as much of a body as it announces.
pub(crate) fn read_message(stream: &mut TcpStream) -> Option<usize> {
    let (mut buffer, mut length) = ([0; 8192], 0);
    loop {
        let read = stream.read(&mut buffer[length..]).ok().filter(|read| *read > 0)?;
        length += read;
        let Some(end) = buffer[..length].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
        let body = head
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
        while length < end + 4 + body {
            length += stream.read(&mut buffer[length..]).ok().filter(|read| *read > 0)?;
        }
        return Some(length);
    }
}

/// The least that something between client and server can be: two threads that copy, for each connection.
fn relay(server: SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for client in listener.incoming() {
        let client = client.unwrap();
        let server = TcpStream::connect(server).unwrap();
        let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        for (mut from, mut to) in [(from, to), (server, client)] {
            to.set_nodelay(true).unwrap();
            let copy = move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length) = from.read(&mut buffer)
                    && length > 0
                    && to.write_all(&buffer[..length]).is_ok()
                {}
                drop(to.shutdown(std::net::Shutdown::Both));
            };
            thread::Builder::new().stack_size(128 * 1024).spawn(copy).unwrap();
        }
    }
}
