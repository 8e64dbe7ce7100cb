//! Any lines, in pieces of any sizes: each call that a server runs of them is read, by the rules of the servers written down
//! once more (line ends, letters of keys, which of two keys counts).

#![no_main]

use auditrail::capture::mcp::check_readers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (sizes, bytes) = input;
    // UTF-16 and byte order marks are told from the first bytes of a line: other servers than these read them.
    let has_mark =
        bytes.contains(&0) || bytes.windows(2).any(|pair| matches!(pair, [0xef, 0xbb] | [0xfe, 0xff] | [0xff, 0xfe]));
    if !has_mark && !bytes.windows(3).any(|three| three == b"NaN" || three == b"Inf") {
        check_readers(bytes, &sizes);
    }
});
