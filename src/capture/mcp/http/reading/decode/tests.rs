use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::decoder::{Decoder, MAY_GIVE, MAY_GIVE_PER_BYTE};
use super::layer::Undecodable;
use super::piece::MAX_PIECE;
use crate::capture::mcp::http::reading::content::Coding;

/// What the pieces of a body become, each with what was known after it.
fn decoded(coding: Coding, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), Undecodable>) {
    decoded_of(&[coding], pieces)
}

fn decoded_of(codings: &[Coding], pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), Undecodable>) {
    let mut decoder = Decoder::new(Some(codings.to_vec())).unwrap();
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
        (Coding::Zstd, zstd_halves()),
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
    assert_eq!(decoded(Coding::Zstd, &[json]).1, Err(Undecodable::Damaged));
    assert!(matches!(Decoder::new(None), Err(Undecodable::Unknown)));
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

    let zstd = zstd::stream::encode_all(&vec![b' '; 256 << 20][..], 3).unwrap();
    assert_eq!(decoded(Coding::Zstd, &[&zstd]).1, Err(Undecodable::Expands), "{} bytes", zstd.len());

    // 256 MiB of spaces in 421 bytes.
    let (_, result) = decoded(Coding::Brotli, &[&hex(BROTLI_OF_SPACES)]);
    assert_eq!(result, Err(Undecodable::Expands));
}

#[test]
fn what_only_begins_gives_nothing() {
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
    let mut decoder = Decoder::new(Some(vec![Coding::Gzip])).unwrap();
    assert_eq!(decoder.decode(&gzip, &mut |bytes| assert!(bytes.is_empty())), Ok(()));
    assert_eq!(decoder.end(), Err(Undecodable::Damaged));
}

#[test]
fn zstd_may_have_several_frames() {
    let frame = |bytes: &[u8]| zstd::stream::encode_all(bytes, 3).unwrap();
    let (given, result) = decoded(Coding::Zstd, &[&[frame(FIRST), frame(SECOND)].concat()]);
    assert_eq!((given.concat(), result), ([FIRST, SECOND].concat(), Ok(())));
}

/// The header of a frame whose window is 16 MiB, and a block: more than HTTP allows (RFC 9659).
#[test]
fn large_windows_of_zstd_are_refused() {
    let frame = |window: &str| hex(&format!("28b52ffd00{window}1900007b7d7d"));
    assert_eq!(decoded(Coding::Zstd, &[&frame("68")]).1, Ok(()), "8 MiB");
    assert_eq!(decoded(Coding::Zstd, &[&frame("70")]).1, Err(Undecodable::Damaged), "16 MiB");
}

/// What was flushed through both of them is known when it passes, however it is cut.
#[test]
fn codings_upon_each_other_are_read() {
    let (first, second) = zstd_halves();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&first).unwrap();
    gzip.flush().unwrap();
    let outer = std::mem::take(gzip.get_mut());
    gzip.write_all(&second).unwrap();
    let pieces = [outer, gzip.finish().unwrap()];
    let codings = [Coding::Zstd, Coding::Gzip];
    let (given, result) = decoded_of(&codings, &[&pieces[0], &pieces[1]]);
    assert_eq!((given, result), (vec![FIRST.to_vec(), SECOND.to_vec()], Ok(())));
    let bytes = pieces.concat();
    let (given, result) = decoded_of(&codings, &bytes.chunks(1).collect::<Vec<_>>());
    assert_eq!((given.concat(), result), ([FIRST, SECOND].concat(), Ok(())));
    let wrong = decoded_of(&[Coding::Gzip, Coding::Zstd], &[&bytes]).1;
    assert_eq!(wrong, Err(Undecodable::Damaged), "the last that was applied comes off first");

    let spaces = (0..2).fold(vec![b' '; 64 << 20], |bytes, _| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes).unwrap();
        gzip.finish().unwrap()
    });
    assert_eq!(decoded_of(&[Coding::Gzip; 2], &[&spaces]).1, Err(Undecodable::Expands));
}

fn zstd_halves() -> (Vec<u8>, Vec<u8>) {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(FIRST).unwrap();
    encoder.flush().unwrap();
    let first = std::mem::take(encoder.get_mut());
    encoder.write_all(SECOND).unwrap();
    (first, encoder.finish().unwrap())
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
