//! Walks the fields of any protobuf message, to slice out the bytes of one.
//!
//! # Invariants
//!
//! 1. Any bytes are walked to their end or to an error: no panic, no recursion, no allocation that grows with the input
//!    beyond [`MAX_OPEN_GROUPS`].
//! 2. What it refuses, every decoder refuses: it follows `protobuf.dev/programming-guides/encoding` and prost.
//! 3. Offsets are those of the outermost message, so that an error can be found in a capture.

use thiserror::Error;

use super::{NoVarint, varint};

/// Why bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum WireError {
    #[error("it ends inside the field at byte {offset}")]
    Truncated { offset: usize },
    #[error("the number at byte {offset} has more than 64 bits")]
    Varint { offset: usize },
    #[error("the field key at byte {offset} has no valid number or wire type")]
    Key { offset: usize },
    #[error("the field at byte {offset} has another wire type than its message says")]
    Type { offset: usize },
    #[error("the group at byte {offset} does not end where it should, or nests too deeply")]
    Group { offset: usize },
}

/// A part of the input, with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) offset: usize,
}

/// A field; `content` for length-delimited ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) offset: usize,
    content: Option<Slice<'a>>,
}

/// The fields of a message, in order; ends after an error.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Slice<'a> {
    /// The whole input.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// The fields of the message in these bytes.
    pub(crate) fn fields(self) -> Fields<'a> {
        Fields { rest: self.bytes, offset: self.offset }
    }
}

impl<'a> Field<'a> {
    /// The content of a string, bytes or message field.
    pub(crate) fn content(&self) -> Result<Slice<'a>, WireError> {
        self.content.ok_or(WireError::Type { offset: self.offset })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let offset = self.offset;
        let (number, wire_type) = self.key()?;
        let content = match wire_type {
            START_GROUP => {
                self.skip_group(number, offset)?;
                None
            }
            END_GROUP => return Err(WireError::Group { offset }),
            other => self.value(other, offset)?,
        };
        Ok(Field { number, offset, content })
    }

    fn key(&mut self) -> Result<(u32, u32), WireError> {
        let offset = self.offset;
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::Key { offset })?;
        let (number, wire_type) = (key >> 3, key & 7);
        if number == 0 { Err(WireError::Key { offset }) } else { Ok((number, wire_type)) }
    }

    /// Skips a value that is not a group.
    fn value(&mut self, wire_type: u32, field: usize) -> Result<Option<Slice<'a>>, WireError> {
        match wire_type {
            VARINT => self.varint().map(|_| None),
            FIXED_64 => self.take(8, field).map(|_| None),
            FIXED_32 => self.take(4, field).map(|_| None),
            LENGTH_DELIMITED => {
                let length = self.varint()?;
                self.take(length, field).map(Some)
            }
            _ => Err(WireError::Key { offset: field }),
        }
    }

    fn skip_group(&mut self, number: u32, group: usize) -> Result<(), WireError> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let offset = self.offset;
            match self.key()? {
                (inner, START_GROUP) if open.len() < MAX_OPEN_GROUPS => open.push(inner),
                (ended, END_GROUP) if ended == innermost => {
                    open.pop();
                }
                (_, START_GROUP | END_GROUP) => return Err(WireError::Group { offset: group }),
                (_, other) => {
                    self.value(other, offset)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, length: u64, field: usize) -> Result<Slice<'a>, WireError> {
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = split.ok_or(WireError::Truncated { offset: field })?;
        let offset = self.offset;
        self.rest = rest;
        self.offset = offset.saturating_add(bytes.len());
        Ok(Slice { bytes, offset })
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let offset = self.offset;
        let (value, rest) = varint(self.rest).map_err(|why| match why {
            NoVarint::Truncated => WireError::Truncated { offset },
            NoVarint::TooLong => WireError::Varint { offset },
        })?;
        self.offset = offset.saturating_add(self.rest.len() - rest.len());
        self.rest = rest;
        Ok(value)
    }
}

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const START_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
const FIXED_32: u32 = 5;

/// The limit of decoders; no sender uses groups.
const MAX_OPEN_GROUPS: usize = 96;

#[cfg(test)]
mod tests;
