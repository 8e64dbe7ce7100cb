//! What is held does not grow (2).

use std::sync::Arc;

use super::super::super::message::{MAX_ID, MAX_TEXT, MAX_TOOL, Message};
use crate::capture::mcp::scan::framing::Lines;
use crate::capture::mcp::scan::reference::oracle;
use crate::capture::mcp::scan::scanner::{Documents, Scanner};
use crate::trail::MAX_CONTENT;

/// All texts that are being read, one definition of a tool, and what `Vec` adds to them.
const MAX_HELD: usize = 2 * (2 * MAX_TEXT + MAX_ID + MAX_ID + MAX_TOOL + 2 * MAX_CONTENT);

#[test]
fn a_million_messages_leave_nothing_behind() {
    let mut lines = Lines::new(Arc::new(oracle::everything()));
    let message = b"{\"id\":\"a\",\"method\":\"tools/call\",\"params\":{\"name\":\"b\",\"requestState\":\"c\"}}\n[{\"id\":1}]\nx\n";
    let mut held = None;
    for _ in 0..333_334 {
        let mut rest = &message[..];
        while !rest.is_empty() {
            let read = lines.read(rest, &mut drop::<Message>);
            rest = &rest[read..];
        }
        assert_eq!(lines.held(), *held.get_or_insert(lines.held()));
    }
}

#[test]
fn one_large_message_is_not_held() {
    let (mut scanner, mut messages) = (Scanner::new(Arc::new(oracle::everything()), Documents::One), Vec::new());
    let mut read = |bytes: &[u8]| {
        scanner.read(bytes, &mut |message| messages.push(message));
        assert!(scanner.held() <= MAX_HELD, "{} bytes are held", scanner.held());
    };
    let piece = "é".repeat(32 * 1024);
    let mut length = 0;
    for (before, pieces) in [
        ("{\"", 50),
        ("\":1,\"id\":\"", 50),
        // 50 MiB in one string.
        ("\",\"method\":\"", 800),
        ("\",\"params\":{\"requestState\":\"", 50),
        ("\"},\"result\":{\"isError\":true,\"content\":[{\"text\":\"", 50),
        ("\"}],\"tools\":[{\"name\":\"", 50),
    ] {
        read(before.as_bytes());
        (0..pieces).for_each(|_| read(piece.as_bytes()));
        length += before.len() + pieces * piece.len();
    }
    let (before, digits, end) = ("\"}]},\"error\":{\"code\":", [b'9'; 64 * 1024], "}}");
    read(before.as_bytes());
    (0..50).for_each(|_| read(&digits));
    read(end.as_bytes());
    length += before.len() + 50 * digits.len() + end.len();
    scanner.end(&mut |message| messages.push(message));
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!((message.flaw, message.bytes), (None, length as u64));
    let text = message.result.text.as_ref().unwrap();
    assert_eq!((text.len(), message.method.as_ref().unwrap().len()), (MAX_TEXT, MAX_TEXT));
    assert!(message.params.request_state.is_some() && message.result.tools.is_empty());
}
