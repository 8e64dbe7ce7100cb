//! Arbitrary bytes decode to a record or an error, and a record survives encoding and decoding.

#![no_main]

use auditrail::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::decode(bytes) else { return };
    let once = encoded(&record);
    let again = Record::decode(&once).expect("our own bytes decode");
    // Bytes are compared, not records: a NaN differs from itself.
    assert_eq!(once, encoded(&again));
});

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}
