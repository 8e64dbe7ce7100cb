//! The other processes: this program once more.

use std::ffi::OsString;
use std::io::{BufRead as _, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::beside;

/// A request of 1 kB.
pub(crate) fn request(id: u64) -> Vec<u8> {
    let padding = "x".repeat(900);
    let params = format!("{{\"name\":\"echo\",\"arguments\":{{\"text\":\"{padding}\"}}}}");
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{params}}}\n").into_bytes()
}

pub(crate) fn words(role: &str, arguments: &[&str]) -> Vec<OsString> {
    let own = std::env::current_exe().unwrap().into_os_string();
    [own, "--role".into(), role.into()].into_iter().chain(arguments.iter().map(Into::into)).collect()
}

pub(crate) fn command(role: &str, arguments: &[&str]) -> Command {
    let words = words(role, arguments);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

pub(crate) fn play(role: &str, _: &[String]) {
    match role {
        "server" => server(),
        "relay" => relay(),
        "collector" => beside::collector(),
        _ => panic!("no role is called {role}"),
    }
}

/// Answers each line at once.
fn server() {
    let (mut input, mut output) = (std::io::stdin().lock(), raw(1));
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).unwrap() > 0 {
        // Where the client of the bench has its ids.
        let id = line.split(|byte| *byte == b':').nth(2).unwrap().split(|byte| *byte == b',').next().unwrap();
        let id = std::str::from_utf8(id).unwrap();
        let text = "y".repeat(900);
        let content = format!("{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}");
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{content}}}\n");
        output.write_all(answer.as_bytes()).unwrap();
        line.clear();
    }
}

/// The least that something between client and server can be.
fn relay() {
    let mut server = command("server", &[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (to, from) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    thread::spawn(move || copy(raw(0), to));
    copy(from, raw(1));
    assert!(server.wait().unwrap().success());
}

fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer)
        && length > 0
    {
        to.write_all(&buffer[..length]).unwrap();
    }
}

/// Without the buffers of std.
fn raw(number: u8) -> std::fs::File {
    use std::os::fd::AsFd as _;
    let stream = match number {
        0 => std::io::stdin().as_fd().try_clone_to_owned(),
        _ => std::io::stdout().as_fd().try_clone_to_owned(),
    };
    stream.unwrap().into()
}
