//! The numbers in brackets are those of the invariants in `scan/mod.rs`.

mod bounds;
mod contents;
mod encodings;
mod facts;
mod flaws;
mod framing;
mod ids;
mod properties;
mod readers;

use std::sync::Arc;

use super::super::message::{Message, ScanOptions};
use crate::capture::mcp::scan::reference::oracle;
use crate::capture::mcp::scan::scanner::Documents;

/// The messages of one unit, read in one piece, which are the same byte by byte (1).
fn read_as(reading: &Arc<ScanOptions>, documents: Documents, unit: &[u8]) -> Vec<Message> {
    let whole = oracle::scan(reading, documents, [unit]);
    let bytewise = oracle::scan(reading, documents, unit.chunks(1));
    assert_eq!(whole, bytewise, "[1] byte by byte it is something else: {}", String::from_utf8_lossy(unit));
    whole
}

fn read(unit: impl AsRef<[u8]>) -> Vec<Message> {
    read_as(&Arc::default(), Documents::One, unit.as_ref())
}

fn read_many(unit: impl AsRef<[u8]>) -> Vec<Message> {
    read_as(&Arc::default(), Documents::Many, unit.as_ref())
}

fn read_one(unit: impl AsRef<[u8]>) -> Message {
    let mut messages = read(unit);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0)
}
