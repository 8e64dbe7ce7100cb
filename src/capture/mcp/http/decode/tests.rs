use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

/// What the pieces of a body become, each with what was known after it.
fn decoded(coding: Coding, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), Undecodable>) {
    let mut decoder = Decoder::new(coding).unwrap();
    let mut all = Vec::new();
    for piece in pieces {
        let mut given = Vec::new();
        let result = decoder.decode(piece, &mut |bytes| given.extend_from_slice(bytes));
        all.push(given);
        if result.is_err() {
            return (all, result);
        }
    }
    (all, Ok(()))
}

/// Two flushed halves, as compressing servers send the events of a stream.
macro_rules! halves {
    ($encoder:ident) => {{
        let mut encoder = $encoder::new(Vec::new(), Compression::default());
        encoder.write_all(FIRST).unwrap();
        encoder.flush().unwrap();
        let first = std::mem::take(encoder.get_mut());
        encoder.write_all(SECOND).unwrap();
        (first, encoder.finish().unwrap())
    }};
}

#[test]
fn what_was_flushed_is_known_at_once() {
    let brotli = (
        hex("8b1580646174613a207b226a736f6e727063223a22322e30222c226964223a312c22726573756c74223a7b7d7d0a0a"),
        hex("5801805f4a86ac94602676d8620003"),
    );
    let codings = [
        (Coding::Gzip, halves!(GzEncoder)),
        (Coding::Deflate, halves!(ZlibEncoder)),
        (Coding::Deflate, halves!(DeflateEncoder)),
        (Coding::Brotli, brotli),
        (Coding::Identity, (FIRST.to_vec(), SECOND.to_vec())),
    ];
    for (coding, (first, second)) in codings {
        let (given, result) = decoded(coding, &[&first, &second]);
        assert_eq!(result, Ok(()), "{coding:?}");
        assert_eq!(given, [FIRST, SECOND], "{coding:?}");

        let bytes = [first, second].concat();
        let single: Vec<_> = bytes.chunks(1).collect();
        let (given, result) = decoded(coding, &single);
        assert_eq!(result, Ok(()), "{coding:?}, byte by byte");
        assert_eq!(given.concat(), [FIRST, SECOND].concat(), "{coding:?}, byte by byte");
    }
}

#[test]
fn gzip_may_have_several_members() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (given, result) = decoded(Coding::Gzip, &[&[gzip(FIRST), gzip(SECOND)].concat()]);
    assert_eq!((given.concat(), result), ([FIRST, SECOND].concat(), Ok(())));
}

#[test]
fn what_is_coded_otherwise_is_damaged() {
    let json: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}";
    // Block type 3 is reserved.
    for (coding, bytes) in [(Coding::Gzip, json), (Coding::Brotli, json), (Coding::Deflate, b"\x07\x00")] {
        let (_, result) = decoded(coding, &[bytes]);
        assert_eq!(result, Err(Undecodable::Damaged), "{coding:?}");
    }
    assert!(matches!(Decoder::new(Coding::Zstd), Err(Undecodable::Unknown)));
    assert!(matches!(Decoder::new(Coding::Unknown), Err(Undecodable::Unknown)));
}

#[test]
fn what_expands_without_end_is_not_read_on() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let gzip = encoder.finish().unwrap();
    let (given, result) = decoded(Coding::Gzip, &[&gzip]);
    assert_eq!(result, Err(Undecodable::Expands));
    assert!(given.concat().len() as u64 <= MAY_GIVE + MAY_GIVE_PER_BYTE * gzip.len() as u64 + MAX_PIECE as u64);

    // 256 MiB of spaces in 421 bytes.
    let (_, result) = decoded(Coding::Brotli, &[&hex(BROTLI_OF_SPACES)]);
    assert_eq!(result, Err(Undecodable::Expands));
}

/// A window of 1 GiB may be asked for only by an extension of the coding.
#[test]
fn large_windows_are_refused() {
    let (_, result) = decoded(Coding::Brotli, &[&hex("111e"), &[0; 64]]);
    assert_eq!(result, Err(Undecodable::Damaged));
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const FIRST: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
const SECOND: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n";

/// Made by Node's zlib, as is the brotli of the halves.
const BROTLI_OF_SPACES: &str = "\
    cbffff3ff82540e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f0110870500\
    baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0bdffe3ffff1ffc120071\
    5800a07bffc7ffff3ff82500e2b00040f7fe8fffff7ff04b00c4610180eefd1fffffffe0970088c30200ddfb3ffeffffc12f\
    0110870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0bdffe3ffff\
    1ffc1200715800a07bffc7ffff3ff82500e2b00040f7fe8fffff7ff04b00c4610180eefd1fffffffe0970088c30200ddfb3f\
    feffffc12f0110870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e0980382c00d0\
    bdffe3ffff1ffc1200715800a07bffc7ffff3ff82500e2b00040f7fe8fffff7ff04b00c4610180eefd1fffffffe0970088c3\
    0200ddfb3ffeffffc12f0110870500baf77ffcffff835f02200e0b0074effff8ffff07bf04401c1600e8defff1ffff0f7e09\
    80382c00d0bdffcbffff3ffc1200715800a07bff07";
