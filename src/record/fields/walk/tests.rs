use bytes::Buf;
use proptest::prelude::*;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::*;

fn walk(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
    Slice::whole(bytes).fields().collect()
}

#[test]
fn fields_are_sliced_where_they_stand() {
    // 1: varint 300, 2: "hi", 3: fixed32, 4: fixed64, 5: group { 1: varint, 6: group {} }, 6: ""
    let bytes = [
        0x08, 0xac, 0x02, 0x12, 0x02, b'h', b'i', 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2b, 0x08, 0x01,
        0x33, 0x34, 0x2c, 0x32, 0x00,
    ];
    let fields = walk(&bytes).unwrap();
    let numbers: Vec<_> = fields.iter().map(|field| (field.number, field.offset)).collect();
    assert_eq!(numbers, [(1, 0), (2, 3), (3, 7), (4, 12), (5, 21), (6, 27)]);
    assert_eq!(fields[1].content(), Ok(Slice { bytes: b"hi", offset: 5 }));
    assert_eq!(fields[5].content(), Ok(Slice { bytes: b"", offset: 29 }));
    assert_eq!(fields[0].content(), Err(WireError::Type { offset: 0 }));
    let inner = Slice { bytes: &bytes, offset: 100 };
    assert_eq!(inner.fields().nth(1).unwrap().unwrap().offset, 103, "invariant 3");
}

#[test]
fn what_is_no_message_is_refused_with_the_place() {
    let cases: [(&[u8], WireError); 12] = [
        (&[0x80], WireError::Truncated { offset: 0 }),
        (&[0x08], WireError::Truncated { offset: 1 }),
        (&[0x0a, 0x02, 0x00], WireError::Truncated { offset: 0 }),
        (&[0x08, 0x01, 0x15, 0, 0, 0], WireError::Truncated { offset: 2 }),
        (&[0x11, 0, 0, 0, 0, 0, 0, 0], WireError::Truncated { offset: 0 }),
        (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], WireError::Truncated { offset: 0 }),
        (&[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02], WireError::Varint { offset: 1 }),
        (&[0x00, 0x00], WireError::Key { offset: 0 }),
        (&[0x0e], WireError::Key { offset: 0 }),
        (&[0x88, 0x80, 0x80, 0x80, 0x10, 0x00], WireError::Key { offset: 0 }),
        (&[0x0c], WireError::Group { offset: 0 }),
        (&[0x0b, 0x14], WireError::Group { offset: 0 }),
    ];
    for (bytes, error) in cases {
        assert_eq!(walk(bytes), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn nested_groups_are_bounded() {
    let nested = |depth: usize| [vec![0x0b; depth], vec![0x0c; depth]].concat();
    assert!(walk(&nested(MAX_OPEN_GROUPS)).is_ok());
    assert_eq!(walk(&nested(MAX_OPEN_GROUPS + 1)), Err(WireError::Group { offset: 0 }));
    assert_eq!(walk(&vec![0x0b; 1 << 20]), Err(WireError::Group { offset: 0 }));
}

/// What prost finds at the top level.
fn prost_walk(mut bytes: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    while bytes.has_remaining() {
        let (number, wire_type) = decode_key(&mut bytes).ok()?;
        skip_field(wire_type, number, &mut bytes, DecodeContext::default()).ok()?;
        numbers.push(number);
    }
    Some(numbers)
}

/// Bytes that look like protobuf more often than chance would have it.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => 0_u8..=0x35, 1 => any::<u8>(), 1 => Just(0x80), 1 => Just(0x0b), 1 => Just(0x0c)];
    prop::collection::vec(byte, 0..64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_or_fail_as_prost_does(bytes in prop_oneof![likely(), prop::collection::vec(any::<u8>(), 0..512)]) {
        let walked = walk(&bytes);
        if let Ok(fields) = &walked {
            for content in fields.iter().filter_map(|field| field.content().ok()) {
                prop_assert_eq!(bytes.get(content.offset..content.offset + content.bytes.len()), Some(content.bytes));
            }
        }
        let numbers = walked.ok().map(|fields| fields.iter().map(|field| field.number).collect::<Vec<_>>());
        prop_assert_eq!(numbers, prost_walk(&bytes));
    }
}
