//! Duplicate keys: what readers other than the usual ones may make of them. Most parsers use the last, some the first
//! (RapidJSON, simdjson on demand), some refuse the message.

use super::location::{Location, Slot, TextField};
use crate::capture::mcp::message::Message;

/// The keys of one message that decide what is run and which request it is, with their earlier values.
#[derive(Debug, Clone, Default)]
pub(crate) struct RepeatedKeys {
    seen: u16,
    methods: Vec<String>,
    names: Vec<String>,
}

impl RepeatedKeys {
    /// Whether a key with that meaning occurred before.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        bit(slot).is_some_and(|bit| self.seen & bit != 0)
    }

    /// Notes a key with that meaning. Returns whether it occurred before.
    pub(crate) fn note(&mut self, slot: Slot, message: &mut Message) -> bool {
        let Some(bit) = bit(slot) else { return false };
        if self.seen & bit == 0 {
            self.seen |= bit;
            return false;
        }
        message.doubts.duplicate_key = true;
        match slot {
            Slot::Text(TextField::Method) => keep(&mut self.methods, message.method.as_deref()),
            Slot::Text(TextField::Name) => keep(&mut self.names, message.params.name.as_deref()),
            Slot::Inner(Location::Params) => {
                keep(&mut self.names, message.params.name.as_deref());
                self.seen &= !OF_PARAMS;
            }
            _ => {}
        }
        true
    }

    /// Records what else the message may be.
    pub(crate) fn tell(self, message: &mut Message) {
        let Self { mut methods, mut names, .. } = self;
        if methods.is_empty() && names.is_empty() {
            return;
        }
        let method = message.method.as_deref().map(brief);
        let name = message.params.name.as_deref().map(brief);
        methods.extend(method.clone());
        names.extend(name.clone());
        let mut readings = Vec::new();
        for method in &methods {
            if names.is_empty() {
                readings.push(reading(method, None));
            }
            readings.extend(names.iter().map(|name| reading(method, Some(name))));
        }
        let counts = method.map(|method| reading(&method, name.as_deref()));
        readings.retain(|reading| Some(reading) != counts.as_ref());
        readings.sort_unstable();
        readings.dedup();
        message.doubts.readings = readings;
    }
}

fn reading(method: &str, name: Option<&str>) -> String {
    match (method, name) {
        ("tools/call" | "prompts/get", Some(name)) => format!("{method} {name}"),
        _ => method.to_owned(),
    }
}

fn keep(texts: &mut Vec<String>, text: Option<&str>) {
    if texts.len() < MAX_EARLIER {
        texts.extend(text.map(brief));
    }
}

fn brief(text: &str) -> String {
    crate::record::cut(text, MAX_BRIEF).to_owned()
}

/// One bit for each key that decides what is run, which request it is, and whether it is a message.
pub(crate) fn bit(slot: Slot) -> Option<u16> {
    Some(match slot {
        Slot::Version => 1,
        Slot::Id => 2,
        Slot::Text(TextField::Method) => 4,
        Slot::Inner(Location::Params) => 8,
        Slot::Inner(Location::Result) => 16,
        Slot::Inner(Location::Error) => 32,
        Slot::Text(TextField::Name) => 64,
        Slot::Text(TextField::Uri) => 128,
        Slot::Text(TextField::TaskId) => 256,
        Slot::RequestId => 512,
        _ => return None,
    })
}

const OF_PARAMS: u16 = 64 | 128 | 256 | 512;
/// How many earlier values of each are kept, and how many bytes of each.
const MAX_EARLIER: usize = 4;
const MAX_BRIEF: usize = 256;
