//! Invariant 1: whatever the bytes are, and however they are cut.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::rig::{Proxy, call};

/// Keeps what it gets, and gives it back.
const TEE: &str = "exec tee \"$DIR/got\"";

fn passes(proxy: Proxy, bytes: &[u8], chunks: Vec<Vec<u8>>) {
    let played = proxy.play(chunks);
    assert_eq!(played.code(), 0, "{}", played.said);
    assert!(played.file("got") == bytes, "the server gets other bytes: {}", played.said);
    assert!(played.output == bytes, "the client gets other bytes: {}", played.said);
}

#[test]
fn whatever_they_are_and_however_they_are_cut() {
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut bytes = Vec::new();
        for _ in 0..60 {
            piece(&mut rng, &mut bytes);
        }
        let chunks = cut(&mut rng, &bytes);
        eprintln!("seed {seed}: {} bytes in {} chunks", bytes.len(), chunks.len());
        passes(Proxy::of_script(TEE), &bytes, chunks);
    }
}

#[test]
fn one_byte_at_a_time() {
    let mut rng = StdRng::seed_from_u64(42);
    let mut bytes = Vec::new();
    while bytes.len() < 4096 {
        let mut more = Vec::new();
        piece(&mut rng, &mut more);
        if more.len() < 1024 {
            bytes.extend(more);
        }
    }
    let chunks = bytes.iter().map(|byte| vec![*byte]).collect();
    passes(Proxy::of_script("tee \"$DIR/got\" | dd bs=1 status=none"), &bytes, chunks);
}

#[test]
fn lines_of_20_mb() {
    let text = "é\\\"{}[],:".repeat((20 << 20) / 10);
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"a\":\"{text}\"}}}}\n");
    let mut bytes = long.into_bytes();
    assert!(bytes.len() > 20 << 20);
    bytes.extend(vec![b'x'; 20 << 20]);
    passes(Proxy::of_script(TEE), &bytes, vec![bytes.clone()]);
}

/// Invariant 3: where messages are held, those that may pass do so as they are.
#[test]
fn messages_that_are_held() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut bytes = Vec::new();
    for id in 0..300 {
        bytes.extend(call(id, if rng.random_bool(0.5) { "delete_file" } else { "read_file" }).into_bytes());
        match rng.random_range(0..4) {
            0 => bytes.extend(b"\r\n\n \t\n"),
            1 => bytes.extend(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\r\n"),
            2 => bytes
                .extend(format!("{{\"result\":{{\"a\":{}}},\"id\":\"é\\u0000\"}}\n", "[1],".repeat(9) + "1").bytes()),
            _ => {}
        }
    }
    let bytes =
        String::from_utf8(bytes).unwrap().replace("[1],[1],[1],[1],[1],[1],[1],[1],[1],1", "[[1],1]").into_bytes();
    let chunks = cut(&mut rng, &bytes);
    let config = "[class.c]\nacknowledge = \"synced\"\nwhen_full = \"refuse\"\n\
                  [[rule]]\nmatch = { tool = \"delete_*\" }\nclass = \"c\"\n";
    passes(Proxy::of_script(TEE).configured(config), &bytes, chunks);
}

/// Something that is a message, or would like to be, or is none at all.
fn piece(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    match rng.random_range(0..14) {
        0 => bytes.extend(call(rng.random_range(0..9), "delete_file").bytes()),
        1 => bytes.extend(call(1, "é漢🐤\\u0000").replace('\n', "\r\n").bytes()),
        2 => bytes.extend(b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n"),
        3 => bytes.extend(b"\0\0{\"id\":\0}\0\n"),
        4 => bytes.extend(b"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"\xff\xfe\xc3\"}\n"),
        5 => bytes.extend(b"\n\n\r\n   \n\t"),
        6 => bytes.extend(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{\"id\":1,\"error\":{\"code\":-1}}\n"),
        7 => bytes.extend(b"[{\"id\":1,\"method\":\"a\"},{\"id\":2,\"method\":\"b\"},{\"id\":1,\"result\":1}]\n"),
        8 => bytes.extend("[".repeat(600).bytes()),
        9 => bytes.extend((0..rng.random_range(0..300)).map(|_| rng.random::<u8>())),
        10 => {
            bytes.extend(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n")
        }
        11 => {
            bytes.extend(format!("{{\"id\":9,\"method\":\"{}\"}}\n", "x".repeat(rng.random_range(0..200_000))).bytes())
        }
        12 => bytes.extend(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"unfinish"),
        _ => bytes.extend(b"}\n"),
    }
}

fn cut(rng: &mut StdRng, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let most = *[3, 100, 5000, 70_000].get(rng.random_range(0..4)).unwrap();
        let (chunk, rest) = bytes.split_at(rng.random_range(1..=most).min(bytes.len()));
        chunks.push(chunk.to_vec());
        bytes = rest;
    }
    chunks
}
