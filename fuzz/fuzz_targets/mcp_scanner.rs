//! Arbitrary bytes, in pieces of any sizes: the scanner of MCP messages finds what serde_json finds in the whole.

#![no_main]

use auditrail::capture::mcp::check_scanner;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    // The bytes come last in the input and unencoded, so that messages in a corpus are readable.
    let (sizes, bytes) = input;
    // `IgnoredAny` checks the grammar, but neither the text in strings nor the range of numbers.
    let is_json = str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    check_scanner(bytes, &sizes, is_json);
});
