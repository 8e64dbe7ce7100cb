//! Any bytes, in pieces of any sizes: the scanner of MCP messages finds what serde_json finds in all of them at once.

#![no_main]

use auditrail::capture::mcp::check_scanner;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    // The end of the input is taken as it is, so that a corpus can hold messages that people can read.
    let (sizes, bytes) = input;
    // `IgnoredAny` follows the grammar and looks neither at the text in strings nor at the range of numbers.
    let is_json = str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    check_scanner(bytes, &sizes, is_json);
});
