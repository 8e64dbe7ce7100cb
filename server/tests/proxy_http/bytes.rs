//! Bodies, whatever they are and however they are cut.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};

use crate::message::Message;
use crate::rig::{Proxy, Server, call, result, reverse};
use crate::support::Bench;

/// A body, how it is announced, and how it is cut on the wire.
#[derive(Debug, Clone)]
struct Sent {
    kind: &'static str,
    coding: Option<&'static str>,
    body: Vec<u8>,
    framing: Framing,
    trailers: Vec<&'static str>,
    cut: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// Responses only.
    Close,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_1_bodies_pass_as_they_are_however_they_are_cut() {
    let bench = Arc::new(Bench::new());
    for seed in 0..200 {
        relayed(seed, &bench).await;
    }
}

async fn relayed(seed: u64, bench: &Arc<Bench>) {
    let mut random = StdRng::seed_from_u64(seed);
    let (request, mut response) = (any(&mut random, false), any(&mut random, true));
    if response.framing != Framing::Chunked {
        response.trailers.clear();
    }
    let (head, body) = (response_head(&response), wire(&response));
    let cut = response.cut;
    let server = Server::writing(move |_| [head.clone(), body.clone()].concat(), move |bytes| pieces(bytes, cut)).await;
    let proxy = Proxy::with(bench.clone(), reverse(server.address)).await;
    let mut client = proxy.client().await;
    for piece in pieces([request_head(&request), wire(&request)].concat(), request.cut) {
        client.send(piece).await;
    }
    let answer = client.response("POST").await;
    let seen = server.last();
    assert_same(&seen, &request, &request_head(&request), seed);
    assert_same(&answer, &response, &response_head(&response), seed);
}

fn assert_same(seen: &Message, sent: &Sent, head: &[u8], seed: u64) {
    let lines = head.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("Transfer-Encoding"));
    assert_eq!(seen.end_to_end(), lines.collect::<Vec<_>>(), "seed {seed}");
    assert!(seen.body == sent.body, "seed {seed}: {} bytes became {}", sent.body.len(), seen.body.len());
    assert!(seen.is_complete, "seed {seed}");
    let trailers: Vec<_> = seen.trailers.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    assert_eq!(trailers, sent.trailers, "seed {seed}");
}

fn any(random: &mut StdRng, is_response: bool) -> Sent {
    let (kind, coding, body) = match random.random_range(0..7) {
        0 => ("application/json", None, call(7, "echo").into_bytes()),
        1 => ("application/json", None, result(7).into_bytes()),
        2 => ("text/event-stream", None, events(random)),
        // Not UTF-8, not JSON, and called JSON.
        3 => ("application/json", None, noise(random)),
        // Not what the coding says.
        4 => ("application/json", Some("gzip"), noise(random)),
        5 => ("application/json", Some("gzip"), gzip(call(7, "echo").as_bytes())),
        _ => ("application/octet-stream", Some("zstd"), noise(random)),
    };
    let framing = match random.random_range(0..if is_response { 3 } else { 2 }) {
        0 => Framing::Length,
        1 => Framing::Chunked,
        _ => Framing::Close,
    };
    let has_trailers = framing == Framing::Chunked && random.random_bool(0.3);
    let trailers = if has_trailers { vec!["X-Check: 1", "X-End: yes"] } else { Vec::new() };
    let cut = [1, 2, 7, 100, 4096, usize::MAX][random.random_range(0..6)];
    let cut = if body.len() > 20_000 { cut.max(100) } else { cut };
    Sent { kind, coding, body, framing, trailers, cut }
}

fn noise(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; [0, 1, 300, 70_000][random.random_range(0..4)]];
    random.fill_bytes(&mut bytes);
    bytes
}

/// With every end of line that there is, comments, a byte order mark and an event that is not complete.
fn events(random: &mut StdRng) -> Vec<u8> {
    let mut stream = "\u{feff}: hello\r\n\r\n".as_bytes().to_vec();
    for id in 0..random.random_range(1..20) {
        let end = ["\n", "\r\n", "\r"][random.random_range(0..3)];
        stream.extend(format!("id: {id}{end}data: {}{end}{end}: keep-alive{end}", result(id)).as_bytes());
    }
    stream.extend(b"data: {\"unfinished");
    stream
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn request_head(sent: &Sent) -> Vec<u8> {
    let first = "POST /mcp?a=%2F&b HTTP/1.1\r\nHost: mcp.example\r\nX-ODD-case: Yes\r\nTE: trailers";
    format!("{first}\r\n{}\r\n", fields(sent)).into_bytes()
}

fn response_head(sent: &Sent) -> Vec<u8> {
    format!("HTTP/1.1 200 Fine by me\r\nx-odd-CASE: a\r\n{}\r\n", fields(sent)).into_bytes()
}

fn fields(sent: &Sent) -> String {
    let mut fields = format!("Content-Type: {}\r\n", sent.kind);
    if let Some(coding) = sent.coding {
        fields += &format!("Content-Encoding: {coding}\r\n");
    }
    if !sent.trailers.is_empty() {
        fields += "Trailer: X-Check, X-End\r\n";
    }
    match sent.framing {
        Framing::Length => fields += &format!("Content-Length: {}\r\n", sent.body.len()),
        Framing::Chunked => fields += "Transfer-Encoding: chunked\r\n",
        Framing::Close => {}
    }
    fields
}

fn wire(sent: &Sent) -> Vec<u8> {
    if sent.framing != Framing::Chunked {
        return sent.body.clone();
    }
    let mut bytes = Vec::new();
    for chunk in sent.body.chunks(sent.cut.clamp(1, 5000)) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n");
    sent.trailers.iter().for_each(|line| bytes.extend(format!("{line}\r\n").as_bytes()));
    bytes.extend(b"\r\n");
    bytes
}

fn pieces(bytes: Vec<u8>, cut: usize) -> Vec<Vec<u8>> {
    bytes.chunks(cut).map(<[u8]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_1_twenty_megabytes_pass_both_ways() {
    let mut large = vec![0; 20_000_000];
    StdRng::seed_from_u64(1).fill_bytes(&mut large);
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"blob":"{}"}}}}"#, "ü\\n".repeat(5_000_000));
    for (kind, body) in [("application/json", text.into_bytes()), ("application/octet-stream", large)] {
        let head = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = [format!("HTTP/1.1 200 OK\r\n{head}").as_bytes(), &body].concat();
        let server = Server::answering(move |_| answer.clone()).await;
        let proxy = Proxy::before(server.address).await;
        let mut client = proxy.client().await;
        let request = [format!("POST /mcp HTTP/1.1\r\nHost: a\r\n{head}").as_bytes(), &body].concat();
        client.send(request).await;
        let answer = client.response("POST").await;
        assert!(answer.is_complete && answer.body == body);
        assert!(server.last().body == body);
    }
}
