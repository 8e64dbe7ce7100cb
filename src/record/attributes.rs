//! Attributes with unique keys, held as the bytes that a record has for them.
//!
//! Capture knows the attributes of a call long before its records are written, and a call has two records. So an
//! attribute is encoded when it is set, and a record copies the bytes.
//!
//! Invariants:
//! 1. The bytes are whole attributes of a `LogRecord`, one after the other, in the order in which they were first set.
//! 2. No key stands twice.
//! 3. A place holds where the attribute of its name begins, counted from 1; 0 if there is none.

#[cfg(test)]
mod tests;

use std::fmt;

#[cfg(feature = "layer")]
use super::value::Given;
use super::value::{Key, Value};
use super::{decode, names, wire};

/// Attributes in the order in which they were first set. Small: a scan beats a map.
#[derive(Clone, Default, PartialEq)]
pub struct Attributes {
    bytes: Vec<u8>,
    places: [u32; Place::COUNT],
}

impl Attributes {
    /// Sets an attribute, replacing what was there.
    pub fn set(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        self.write(&key, |buffer| wire::attribute(buffer, &key, &value));
    }

    /// Sets an attribute if there is a value.
    pub fn set_some(&mut self, key: impl Into<Key>, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        decode::value(self.find(key)?.any).ok()
    }

    /// The string value of a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.find(key)?.text()
    }

    /// Whether there is an attribute of that key.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let entry = self.find(key)?;
        let (value, range) = (decode::value(entry.any).ok(), entry.range);
        if let Some(place) = Place::of(key) {
            self.put_place(place, 0);
        }
        self.shift(range.start, range.len(), 0);
        self.bytes.drain(range);
        value
    }

    /// Key and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value)> {
        wire::entries(&self.bytes).filter_map(|entry| {
            let key = std::str::from_utf8(entry.key).ok()?;
            Some((key, decode::value(entry.any).ok()?))
        })
    }

    /// The bytes, as they stand in an OTLP `LogRecord`.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// For capture, which has to be quick.
impl Attributes {
    /// Sets an attribute to what a field of a span holds.
    #[cfg(feature = "layer")]
    pub(crate) fn put(&mut self, key: &str, given: Given<'_>) {
        self.write(key, |buffer| wire::given_attribute(buffer, key, given));
    }

    /// Adds what a field of a span holds, where the caller knows that there is no attribute of that name yet.
    #[cfg(feature = "layer")]
    pub(crate) fn append(&mut self, name: &Name, given: Given<'_>) {
        debug_assert!(!self.contains(&name.key), "{name:?}");
        self.note_end(name.place);
        wire::prepared_attribute(&mut self.bytes, &name.key, &name.head, given);
    }

    /// As [`append`](Self::append), of a text.
    #[inline]
    #[cfg(feature = "layer")]
    pub(crate) fn append_text(&mut self, name: &Name, text: &str) {
        debug_assert!(!self.contains(&name.key), "{name:?}");
        self.note_end(name.place);
        wire::prepared_text(&mut self.bytes, &name.key, &name.head, text);
    }

    /// Sets those attributes of others whose keys `wanted` accepts, as they are.
    pub(crate) fn take_over(&mut self, others: &Self, wanted: impl Fn(&str) -> bool) {
        for entry in wire::entries(&others.bytes) {
            let (Ok(key), Some(bytes)) = (std::str::from_utf8(entry.key), others.bytes.get(entry.range)) else {
                continue;
            };
            if wanted(key) {
                self.write(key, |buffer| buffer.extend_from_slice(bytes));
            }
        }
    }

    /// Hands over each value of more than that many bytes, and writes it anew where that changed it.
    pub(crate) fn change_longer(&mut self, than: usize, mut change: impl FnMut(&Key, &mut Value) -> bool) {
        if self.bytes.len() <= than {
            return;
        }
        let long = wire::entries(&self.bytes).filter(|entry| entry.any.len() > than);
        let long: Vec<_> = long
            .filter_map(|entry| {
                Some((Key::from(std::str::from_utf8(entry.key).ok()?.to_owned()), decode::value(entry.any).ok()?))
            })
            .collect();
        for (key, mut value) in long {
            if change(&key, &mut value) {
                self.set(key, value);
            }
        }
    }

    /// Whether there is an attribute of that name.
    #[inline]
    pub(crate) fn has(&self, place: Place) -> bool {
        self.start_of(place).is_some()
    }

    /// The bytes of the string value of that name.
    #[inline]
    pub(crate) fn bytes_at(&self, place: Place) -> Option<&[u8]> {
        let start = self.start_of(place)?;
        let short = wire::short_text(&self.bytes, start, place.key_length());
        short.or_else(|| wire::Entry::at(&self.bytes, start)?.text_bytes())
    }

    /// The string value of that name.
    #[inline]
    #[cfg(feature = "layer")]
    pub(crate) fn text_at(&self, place: Place) -> Option<&str> {
        wire::Entry::at(&self.bytes, self.start_of(place)?)?.text()
    }

    /// Forgets all, but keeps the memory.
    #[cfg(feature = "layer")]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.places = [0; Place::COUNT];
    }

    /// The bytes of its longest value.
    #[cfg(feature = "mcp")]
    pub(crate) fn longest(&self) -> usize {
        wire::entries(&self.bytes).map(|entry| entry.any.len()).max().unwrap_or_default()
    }

    /// Gives back the memory that it does not need.
    #[cfg(feature = "mcp")]
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(feature = "layer")]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn find(&self, key: &str) -> Option<wire::Entry<'_>> {
        match Place::of(key) {
            Some(place) => wire::Entry::at(&self.bytes, self.start_of(place)?),
            None => wire::entries(&self.bytes).find(|entry| entry.key == key.as_bytes()),
        }
    }

    /// Writes the attribute of a key where one stands, or else at the end.
    fn write(&mut self, key: &str, encode: impl FnOnce(&mut Vec<u8>)) {
        let Some(old) = self.find(key).map(|entry| entry.range) else {
            self.note_end(Place::of(key));
            encode(&mut self.bytes);
            return;
        };
        let end = self.bytes.len();
        encode(&mut self.bytes);
        let new = self.bytes.len() - end;
        if let Some(tail) = self.bytes.get_mut(old.start..) {
            tail.rotate_right(new);
        }
        self.bytes.drain(old.start + new..old.end + new);
        self.shift(old.start, old.len(), new);
    }

    /// The attribute that began there has another length now.
    fn shift(&mut self, start: usize, old: usize, new: usize) {
        for place in &mut self.places {
            if *place as usize > start + 1 {
                *place = position(*place as usize - old + new);
            }
        }
    }

    #[inline]
    fn note_end(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            self.put_place(place, position(self.bytes.len() + 1));
        }
    }

    #[inline]
    fn put_place(&mut self, place: Place, position: u32) {
        if let Some(noted) = self.places.get_mut(place as usize) {
            *noted = position;
        }
    }

    #[inline]
    fn start_of(&self, place: Place) -> Option<usize> {
        (*self.places.get(place as usize)? as usize).checked_sub(1)
    }
}

/// Attributes of four gigabytes do not come by.
#[inline]
fn position(position: usize) -> u32 {
    u32::try_from(position).unwrap_or_default()
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A key that is written often.
#[derive(Debug, Clone)]
#[cfg(feature = "layer")]
pub(crate) struct Name {
    key: Key,
    place: Option<Place>,
    head: wire::Head,
}

#[cfg(feature = "layer")]
impl Name {
    pub(crate) fn new(key: impl Into<Key>) -> Self {
        let key = key.into();
        Self { place: Place::of(&key), head: wire::Head::new(&key), key }
    }

    #[inline]
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether it is the name of that place.
    pub(crate) fn is(&self, place: Place) -> bool {
        self.place == Some(place)
    }
}

macro_rules! places {
    ($($(#[$doc:meta])* $place:ident = $name:ident;)*) => {
        /// The names that every record asks for, so that none has to be searched.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Place { $($place,)* }

        impl Place {
            const COUNT: usize = [$(Self::$place,)*].len();

            const fn key_length(self) -> usize {
                match self { $(Self::$place => names::$name.len(),)* }
            }

            /// The place of a name.
            pub(crate) fn of(name: &str) -> Option<Self> {
                match name {
                    $(names::$name => Some(Self::$place),)*
                    _ => None,
                }
            }
        }
    };
}

places! {
    ActorId = AUDIT_ACTOR_ID;
    ActorType = AUDIT_ACTOR_TYPE;
    ActorSource = AUDITRAIL_ACTOR_SOURCE;
    Action = AUDIT_ACTION;
    TargetType = AUDIT_TARGET_TYPE;
    TargetId = AUDIT_TARGET_ID;
    Method = MCP_METHOD_NAME;
    Operation = GEN_AI_OPERATION_NAME;
    Tool = GEN_AI_TOOL_NAME;
    Prompt = GEN_AI_PROMPT_NAME;
    Resource = MCP_RESOURCE_URI;
}
