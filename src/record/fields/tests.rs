use bytes::Buf as _;
use proptest::prelude::*;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::{NoVarint, leading, leading_fixed64, varint};
use crate::record::time_of;

#[test]
fn numbers_are_split_off() {
    let longest = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 7];
    let too_long = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02, 7];
    assert_eq!(varint(&[0, 7]), Ok((0, &[7][..])));
    assert_eq!(varint(&[0x7F]), Ok((127, &[][..])));
    assert_eq!(varint(&[0xAC, 0x02, 7]), Ok((300, &[7][..])));
    assert_eq!(varint(&longest), Ok((u64::MAX, &[7][..])));
    assert_eq!(varint(&too_long), Err(NoVarint::TooLong));
    assert_eq!(varint(&longest[..9]), Err(NoVarint::Truncated));
    assert_eq!(varint(&[]), Err(NoVarint::Truncated));
}

#[test]
fn only_the_field_of_that_key_is_read() {
    let bytes = [0x0A, 2, b'h', b'i', 0x10, 1];
    assert_eq!(leading(&bytes, 0x0A), Some((&b"hi"[..], &[0x10, 1][..])));
    assert_eq!(leading(&bytes, 0x12), None);
    assert_eq!(leading(&bytes[..3], 0x0A), None, "it is cut");
    assert_eq!(leading(&[], 0x0A), None);
    assert_eq!(time_of(&[0x09, 1, 2, 0, 0, 0, 0, 0, 0, 0xFF]), Some(0x0201));
    assert_eq!(time_of(&[0x09, 1, 2, 0, 0, 0, 0, 0]), None, "it is cut");
    assert_eq!(time_of(&[0x11, 1, 2, 0, 0, 0, 0, 0, 0]), None, "another field");
}

/// What prost makes of the first field, if it is of a length, or of eight bytes.
fn first_by_prost(mut bytes: &[u8]) -> Option<(u32, WireType, Vec<u8>, Vec<u8>)> {
    let (number, wire_type) = decode_key(&mut bytes).ok()?;
    let length = match wire_type {
        WireType::LengthDelimited => usize::try_from(decode_varint(&mut bytes).ok()?).ok()?,
        WireType::SixtyFourBit => 8,
        _ => return None,
    };
    (length <= bytes.remaining()).then(|| (number, wire_type, bytes[..length].to_vec(), bytes[length..].to_vec()))
}

/// Keys of one byte, lengths that fit as a rule, and numbers of many bytes.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof![Just(0x0A_u8), Just(0x12), Just(0x09), Just(0x61), any::<u8>()];
    let byte = prop_oneof![2 => 0_u8..=0x10, 1 => 0x80_u8..=0xFF, 1 => any::<u8>()];
    (key, prop::collection::vec(byte, 0..40)).prop_map(|(key, mut rest)| {
        rest.insert(0, key);
        rest
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_what_prost_reads(bytes in prop_oneof![likely(), prop::collection::vec(any::<u8>(), 0..16)]) {
        let mut rest = &bytes[..];
        let by_prost = decode_varint(&mut rest).ok().map(|number| (number, rest));
        prop_assert_eq!(varint(&bytes).ok(), by_prost);
    }

    #[test]
    fn first_fields_are_what_prost_reads(bytes in likely()) {
        let expected = first_by_prost(&bytes);
        // Keys of several bytes are none that the encoder writes.
        let key = *bytes.first().unwrap();
        let of_length = expected.clone().filter(|(_, wire_type, ..)| *wire_type == WireType::LengthDelimited && key < 0x80);
        let read = leading(&bytes, key).map(|(content, rest)| (content.to_vec(), rest.to_vec()));
        if let Some((number, _, content, rest)) = of_length {
            prop_assert_eq!(number, u32::from(key >> 3));
            prop_assert_eq!(read, Some((content, rest)));
        } else if key & 7 == 2 && key < 0x80 && key > 7 {
            prop_assert_eq!(read, None);
        }
        if key & 7 == 1 && key < 0x80 && key > 7 {
            let value = expected.map(|(_, _, content, _)| u64::from_le_bytes(content.try_into().unwrap()));
            prop_assert_eq!(leading_fixed64(&bytes, key), value);
        }
    }
}
