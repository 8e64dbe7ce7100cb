//! The protobuf of OTLP, as far as a record needs it: attributes written to bytes, and found again in them.
//!
//! Field numbers are those of opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto; all are below 16, so
//! that a key is one byte.

mod fixed;
#[cfg(feature = "layer")]
mod prepared;

use std::ops::Range;

use prost::encoding::encoded_len_varint;

pub(crate) use self::fixed::{fixed_attribute, fixed_length};
pub(super) use self::fixed::{fixed_double, fixed_double_length};
#[cfg(feature = "layer")]
pub(super) use self::prepared::{Head, prepared_attribute, prepared_text};
use super::fields::leading;
use super::value::{Given, Scalar};
use super::value::{Key, Value};

/// Writes an attribute of a record: a `KeyValue` with its field's key and length before it.
pub(super) fn attribute(buffer: &mut Vec<u8>, key: &str, any: &Value) {
    key_value(buffer, ATTRIBUTES, key, any);
}

/// Writes an attribute of a record that is a string.
#[inline]
pub(super) fn text_attribute(buffer: &mut Vec<u8>, key: &str, text: &[u8]) {
    key_value_header(buffer, ATTRIBUTES, key, text_length(text));
    text_value(buffer, text);
}

/// Writes an attribute of a record that is what a field of a span holds.
pub(super) fn given_attribute(buffer: &mut Vec<u8>, key: &str, given: Given<'_>) {
    let length = scalar_length(given.scalar);
    if !given.in_list {
        key_value_header(buffer, ATTRIBUTES, key, length);
    } else {
        let item = 1 + delimited(length);
        key_value_header(buffer, ATTRIBUTES, key, 1 + delimited(item));
        length_field(buffer, ARRAY_VALUE, item);
        length_field(buffer, ITEMS, length);
    }
    scalar(buffer, given.scalar);
}

/// One attribute among the bytes of many.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Where it stands, with its field's key and length.
    pub(super) range: Range<usize>,
    pub(super) key: &'a [u8],
    /// The content of its `AnyValue`.
    pub(super) any: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The attribute that begins there, if it is one that [`attribute`] has written.
    pub(super) fn at(bytes: &'a [u8], start: usize) -> Option<Self> {
        let rest = bytes.get(start..)?;
        let (content, after) = leading(rest, tag(ATTRIBUTES))?;
        // prost leaves an empty string out.
        let (key, content) = leading(content, tag(KEY)).unwrap_or((&[], content));
        let (any, _) = leading(content, tag(VALUE))?;
        Some(Self { range: start..start + (rest.len() - after.len()), key, any })
    }

    /// The value, if it is a string.
    pub(super) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.text_bytes()?).ok()
    }

    /// The bytes of the value, if it is a string, without a check that they are one: they were when they were written.
    #[inline]
    pub(super) fn text_bytes(&self) -> Option<&'a [u8]> {
        Some(leading(self.any, tag(STRING_VALUE))?.0)
    }
}

/// The text of the string attribute that begins there, whose key has that length, if it is as short as nearly all are: then
/// nothing has to be searched. Of any other attribute nothing.
#[inline]
pub(super) fn short_text(bytes: &[u8], start: usize, key_length: usize) -> Option<&[u8]> {
    let (head, text) = bytes.get(start..)?.split_at_checked(SHORT_HEAD + key_length)?;
    match (head, head) {
        ([_, ..0x80, ..], [.., SHORT_TEXT, length]) => text.get(..usize::from(*length)),
        _ => None,
    }
}

/// The attributes of a record that are written one after the other.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let entry = Entry::at(bytes, start)?;
        start = entry.range.end;
        Some(entry)
    })
}

/// Number and type of a field that has a length.
#[inline]
pub(super) const fn tag(number: u8) -> u8 {
    (number << 3) | LENGTH_DELIMITED
}

fn key_value(buffer: &mut Vec<u8>, number: u8, key: &str, any: &Value) {
    key_value_header(buffer, number, key, value_length(any));
    value(buffer, any);
}

/// Everything of a `KeyValue` up to the content of its `AnyValue`.
#[inline]
fn key_value_header(buffer: &mut Vec<u8>, number: u8, key: &str, any_length: usize) {
    let length = key_value_length(key, any_length);
    if let (Ok(all @ ..0x80), Ok(key_length @ 1..), Ok(any)) =
        (u8::try_from(length), u8::try_from(key.len()), u8::try_from(any_length))
    {
        // Nearly all attributes: every length is one byte.
        buffer.reserve(2 + length);
        buffer.extend_from_slice(&[tag(number), all, tag(KEY), key_length]);
        buffer.extend_from_slice(key.as_bytes());
        buffer.extend_from_slice(&[tag(VALUE), any]);
    } else {
        length_field(buffer, number, length);
        bytes_field(buffer, KEY, key.as_bytes());
        length_field(buffer, VALUE, any_length);
    }
}

#[inline]
fn key_value_length(key: &str, any_length: usize) -> usize {
    let key_length = if key.is_empty() { 0 } else { 1 + delimited(key.len()) };
    key_length + 1 + delimited(any_length)
}

/// The content of an `AnyValue`.
pub(super) fn value(buffer: &mut Vec<u8>, any: &Value) {
    match any {
        Value::Empty => {}
        Value::Str(text) => text_value(buffer, text.as_bytes()),
        Value::Bool(flag) => scalar(buffer, Scalar::Bool(*flag)),
        Value::Int(number) => scalar(buffer, Scalar::Int(*number)),
        Value::Double(number) => scalar(buffer, Scalar::Double(*number)),
        Value::Bytes(bytes) => {
            length_field(buffer, BYTES_VALUE, bytes.len());
            buffer.extend_from_slice(bytes);
        }
        Value::Array(items) => {
            length_field(buffer, ARRAY_VALUE, array_length(items));
            for item in items {
                length_field(buffer, ITEMS, value_length(item));
                value(buffer, item);
            }
        }
        Value::Map(entries) => {
            length_field(buffer, MAP_VALUE, map_length(entries));
            for (key, entry) in entries {
                key_value(buffer, ITEMS, key, entry);
            }
        }
    }
}

#[inline]
fn scalar(buffer: &mut Vec<u8>, scalar: Scalar<'_>) {
    match scalar {
        Scalar::Str(text) => text_value(buffer, text.as_bytes()),
        Scalar::Bool(flag) => {
            buffer.extend_from_slice(&[(BOOL_VALUE << 3) | VARINT, u8::from(flag)]);
        }
        Scalar::Int(number) => {
            buffer.push((INT_VALUE << 3) | VARINT);
            varint(buffer, number.cast_unsigned());
        }
        Scalar::Double(number) => {
            sixty_four_bits(buffer, DOUBLE_VALUE, number.to_le_bytes());
        }
    }
}

pub(super) fn value_length(any: &Value) -> usize {
    match any {
        Value::Empty => 0,
        Value::Str(text) => text_length(text.as_bytes()),
        Value::Bool(flag) => scalar_length(Scalar::Bool(*flag)),
        Value::Int(number) => scalar_length(Scalar::Int(*number)),
        Value::Double(number) => scalar_length(Scalar::Double(*number)),
        Value::Bytes(bytes) => 1 + delimited(bytes.len()),
        Value::Array(items) => 1 + delimited(array_length(items)),
        Value::Map(entries) => 1 + delimited(map_length(entries)),
    }
}

#[inline]
fn scalar_length(scalar: Scalar<'_>) -> usize {
    match scalar {
        Scalar::Str(text) => text_length(text.as_bytes()),
        Scalar::Bool(_) => 2,
        Scalar::Int(number) => 1 + encoded_len_varint(number.cast_unsigned()),
        Scalar::Double(_) => 9,
    }
}

fn array_length(items: &[Value]) -> usize {
    items.iter().map(|item| 1 + delimited(value_length(item))).sum()
}

fn map_length(entries: &[(Key, Value)]) -> usize {
    entries.iter().map(|(key, entry)| 1 + delimited(key_value_length(key, value_length(entry)))).sum()
}

#[inline]
fn text_value(buffer: &mut Vec<u8>, text: &[u8]) {
    length_field(buffer, STRING_VALUE, text.len());
    buffer.extend_from_slice(text);
}

#[inline]
fn text_length(text: &[u8]) -> usize {
    1 + delimited(text.len())
}

/// A string in parts, as the content of an `AnyValue` in a field.
pub(super) fn text_parts(buffer: &mut Vec<u8>, number: u8, parts: &[impl AsRef<[u8]>]) {
    let length: usize = parts.iter().map(|part| part.as_ref().len()).sum();
    match u8::try_from(length) {
        Ok(short @ ..0x7E) => buffer.extend_from_slice(&[tag(number), 2 + short, SHORT_TEXT, short]),
        _ => {
            length_field(buffer, number, 1 + delimited(length));
            length_field(buffer, STRING_VALUE, length);
        }
    }
    for part in parts {
        buffer.extend_from_slice(part.as_ref());
    }
}

/// Nothing if there are no bytes, as protobuf wants it.
#[inline]
pub(super) fn bytes_field(buffer: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        length_field(buffer, number, bytes.len());
        buffer.extend_from_slice(bytes);
    }
}

/// Nothing if it is 0, as protobuf wants it.
#[inline]
pub(super) fn fixed64(buffer: &mut Vec<u8>, number: u8, value: u64) {
    if value != 0 {
        sixty_four_bits(buffer, number, value.to_le_bytes());
    }
}

#[inline]
fn sixty_four_bits(buffer: &mut Vec<u8>, number: u8, bytes: [u8; 8]) {
    let mut field = [(number << 3) | SIXTY_FOUR_BIT; 9];
    if let Some(place) = field.last_chunk_mut() {
        *place = bytes;
    }
    buffer.extend_from_slice(&field);
}

#[inline]
pub(super) fn length_field(buffer: &mut Vec<u8>, number: u8, length: usize) {
    match u8::try_from(length) {
        Ok(length @ ..0x80) => buffer.extend_from_slice(&[tag(number), length]),
        _ => {
            buffer.push(tag(number));
            varint(buffer, length as u64);
        }
    }
}

/// Seven bits a byte, the lowest first.
#[inline]
pub(super) fn varint(buffer: &mut Vec<u8>, mut number: u64) {
    let mut bytes = [0; 10];
    let mut length = 1;
    for byte in &mut bytes {
        *byte = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            break;
        }
        *byte |= 0x80;
        length += 1;
    }
    buffer.extend_from_slice(&bytes);
    buffer.truncate(buffer.len() - bytes.len() + length);
}

#[inline]
fn delimited(length: usize) -> usize {
    encoded_len_varint(length as u64) + length
}

/// The wire type of numbers and flags.
const VARINT: u8 = 0;
/// The wire type of what has eight bytes.
const SIXTY_FOUR_BIT: u8 = 1;
/// The wire type of what has a length.
const LENGTH_DELIMITED: u8 = 2;

/// `LogRecord.attributes`.
const ATTRIBUTES: u8 = 6;
const KEY: u8 = 1;
const VALUE: u8 = 2;
const ITEMS: u8 = 1;
const STRING_VALUE: u8 = 1;
const BOOL_VALUE: u8 = 2;
const INT_VALUE: u8 = 3;
const DOUBLE_VALUE: u8 = 4;
const ARRAY_VALUE: u8 = 5;
const MAP_VALUE: u8 = 6;
const BYTES_VALUE: u8 = 7;
/// What stands before the text of a short string attribute, beside its key: three fields' keys and lengths, and the text's.
const SHORT_HEAD: usize = 8;
const SHORT_TEXT: u8 = tag(STRING_VALUE);
