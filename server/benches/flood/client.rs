//! Clients of the proxy, and the server behind it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// With a connection of its own.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn ask(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).unwrap();
        read_message(&mut self.0).expect("an answer");
    }
}

/// A request as a client of MCP sends it.
pub(crate) fn post(fields: &str, body: &str) -> Vec<u8> {
    let fields = format!("Host: a\r\nContent-Type: application/json\r\nMCP-Protocol-Version: 2025-06-18\r\n{fields}");
    format!("POST /mcp HTTP/1.1\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A server that takes everything, with a session for each request: a thread for each connection.
pub(crate) fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let (mut reader, mut sessions) = (BufReader::new(stream), 0);
                while read_message(&mut reader).is_some() {
                    sessions += 1;
                    let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
                    let fields = format!("Content-Type: application/json\r\nMcp-Session-Id: {number}-{sessions}");
                    let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\nContent-Length: {}\r\n\r\n", body.len());
                    if reader.get_mut().write_all((head + body).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Reads a head, and the body that it announces.
pub(crate) fn read_message(from: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        from.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap()
            }
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body).ok().filter(|read| *read as u64 == length)?;
    Some(body)
}
