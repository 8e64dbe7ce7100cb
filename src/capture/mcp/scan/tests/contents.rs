//! Arguments and results: all of their bytes, or their number and a digest, wherever the message is cut (1, 2).

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::super::message::{Message, PartCounts, ScanOptions};
use crate::capture::mcp::raw_content::RawContent;
use crate::capture::mcp::scan::reference::oracle;
use crate::capture::mcp::scan::scanner::{Documents, Scanner};
use crate::trail::MAX_CONTENT;

fn one(text: &str) -> Message {
    let mut messages = super::read_as(&Arc::new(oracle::everything()), Documents::One, text.as_bytes());
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}

fn whole(text: &str) -> Option<RawContent> {
    Some(RawContent::Whole(text.as_bytes().to_vec()))
}

#[test]
fn they_are_the_bytes_of_the_value_as_they_were_written() {
    for arguments in [
        "{}",
        "[]",
        r#"{ "b" : [ 1.50 , {"arguments":{"x":1}} ],	"a":"\u0061\ud800","a":null }"#,
        r#"[{"name":"x"},[],{}]"#,
        "{\"deep\":[[[[{\"}]\\\"\":\"{[\"}]]]]}",
    ] {
        for text in [
            format!(
                r#"{{"id":1,"method":"tools/call","params":{{"name":"t","arguments": {arguments} ,"_meta":{{}}}}}}"#
            ),
            format!(r#"{{"params":{{"arguments":{arguments}}},"method":"tools/call","id":1}}"#),
        ] {
            let message = one(&text);
            assert_eq!(message.params.arguments, whole(arguments), "{text}");
            assert_eq!((message.result.content, message.flaw), (None, None));
        }
    }
}

#[test]
fn a_result_is_held_with_the_definitions_of_tools_in_it() {
    let result = r#"{"tools":[{"name":"a","inputSchema":{}}, {"name":"b"}],"content":[1,{"text":"x"},[[2]]]}"#;
    let message = one(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#));
    assert_eq!(message.result.content, whole(result));
    assert_eq!(message.result.tools.len(), 2);
    assert_eq!(message.result.counts, Some(PartCounts { content: 3, ..PartCounts::default() }));
}

#[test]
fn what_is_no_object_and_no_array_is_no_content_and_nor_is_what_is_elsewhere() {
    for text in [
        r#"{"id":1,"method":"m","params":{"arguments":null}}"#,
        r#"{"id":1,"method":"m","params":{"arguments":"{}"}}"#,
        r#"{"id":1,"method":"m","params":{"x":{"arguments":{}}},"arguments":{}}"#,
        r#"{"id":1,"method":"m","params":{"_meta":{"arguments":{}}}}"#,
        r#"{"id":1,"result":[]}"#,
    ] {
        let message = one(text);
        assert_eq!((message.params.arguments, message.result.content), (None, None), "{text}");
    }
}

#[test]
fn of_keys_that_occur_twice_the_last_counts() {
    let arguments = |params: &str| one(&format!(r#"{{"id":1,"method":"m",{params}}}"#)).params.arguments;
    assert_eq!(arguments(r#""params":{"arguments":{"a":1},"arguments":{"b":2}}"#), whole(r#"{"b":2}"#));
    assert_eq!(arguments(r#""params":{"arguments":{"a":1},"arguments":7}"#), None);
    assert_eq!(arguments(r#""params":{"arguments":{"a":1}},"params":{}"#), None);
    let message = one(r#"{"id":1,"result":{"content":[1,2]},"result":{"messages":[{},{}],"messages":[{}]}}"#);
    assert_eq!(message.result.content, whole(r#"{"messages":[{},{}],"messages":[{}]}"#));
    assert_eq!(message.result.counts, Some(PartCounts { messages: 1, ..PartCounts::default() }));
}

/// 64 KiB are held, and not a byte more. What is longer is read in any pieces, and has the digest of all its bytes.
#[test]
fn the_bound_is_exact_and_beyond_it_there_is_a_digest() {
    for length in [MAX_CONTENT - 1, MAX_CONTENT, MAX_CONTENT + 1, 10 << 20] {
        let value = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - r#"{"a":""}"#.len()));
        let expected = if length <= MAX_CONTENT {
            RawContent::Whole(value.clone().into_bytes())
        } else {
            let digest = <Hmac<Sha256>>::new_from_slice(b"key").unwrap().chain_update(&value).finalize();
            RawContent::Long { digest: digest.into_bytes().into(), bytes: length as u64 }
        };
        for (text, is_result) in [
            (format!(r#"{{"id":1,"method":"tools/call","params":{{"arguments":{value}}}}}"#), false),
            (format!(r#"{{"id":1,"result":{value}}}"#), true),
        ] {
            for pieces in [1, 7, 4096, MAX_CONTENT, usize::MAX] {
                if pieces < 4096 && length > 1 << 20 {
                    continue;
                }
                let mut scanner = Scanner::new(Arc::new(oracle::everything()), Documents::One);
                let mut found = Vec::new();
                for piece in text.as_bytes().chunks(pieces) {
                    scanner.read(piece, &mut |message| found.push(message));
                    assert!(scanner.held() <= 4 * MAX_CONTENT, "{} bytes are held", scanner.held());
                }
                scanner.end(&mut |message| found.push(message));
                let Message { params, result, .. } = found.remove(0);
                let content = if is_result { result.content } else { params.arguments };
                assert!(content.as_ref() == Some(&expected), "{length} bytes in pieces of {pieces}");
            }
        }
    }
}

#[test]
fn where_nobody_wants_them_nothing_is_held() {
    let wanted = oracle::everything();
    let keys = wanted.contents.clone().unwrap();
    for options in [ScanOptions { contents: None, ..wanted.clone() }, {
        let key = || keys.key(crate::trail::ContentPart::Arguments).clone();
        let off = crate::trail::ContentKeys::new([key(), key(), key()], String::new(), Arc::default());
        ScanOptions { contents: Some(Arc::new(off)), ..wanted.clone() }
    }] {
        let text = br#"{"id":1,"method":"m","params":{"arguments":{"a":1}},"result":{"content":[{}]}}"#;
        let message = super::read_as(&Arc::new(options), Documents::One, text).remove(0);
        assert_eq!((message.params.arguments, message.result.content, message.result.counts), (None, None, None));
    }
}
