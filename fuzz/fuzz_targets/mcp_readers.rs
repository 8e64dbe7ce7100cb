//! Arbitrary lines, in pieces of any sizes: the scanner reads each call that a server would run. The rules of the servers (line
//! ends, case of keys, which of two equal keys counts) are written a second time for this check.

#![no_main]

use auditrail::capture::mcp::check_readers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (sizes, bytes) = input;
    // The first bytes of a line reveal UTF-16 and byte order marks, which only servers read that are not checked here.
    let has_mark =
        bytes.contains(&0) || bytes.windows(2).any(|pair| matches!(pair, [0xef, 0xbb] | [0xfe, 0xff] | [0xff, 0xfe]));
    if !has_mark && !bytes.windows(3).any(|three| three == b"NaN" || three == b"Inf") {
        check_readers(bytes, &sizes);
    }
});
