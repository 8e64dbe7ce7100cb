//! What one reader finds in a message while its syntax is read.

use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::contents::Contents;
use super::decimal::Decimal;
use super::found_facts::FoundFacts;
use super::key_rule::{KeyDoubt, KeyRule};
use super::location::{Location, Slot, TextField};
use super::text::{IdText, TextPrefix};
use super::tools::ToolDefinitions;
use super::{key_rule, repeated_keys};
use crate::capture::mcp::message::{Doubts, Id, IdKind, MAX_TEXT, Message, ScanOptions, StateDigest};
use crate::capture::mcp::scan::tokens::{NumberPart, REPLACEMENT, StringSink};
use crate::trail::ContentPart;

#[derive(Debug, Clone)]
pub(crate) struct ReaderView {
    reading: Arc<ScanOptions>,
    rule: KeyRule,
    found: FoundFacts,
    /// The innermost array or object with something to keep, and how many others are between it and the current
    /// position.
    place: Location,
    elsewhere: usize,
    /// The meaning of the value that comes next or is being read.
    slot: Slot,
    /// The string or number that is being read is to be kept.
    takes: bool,
    text: TextPrefix,
    id_text: IdText,
    decimal: Decimal,
    state: Option<Hmac<Sha256>>,
    tools: ToolDefinitions,
    contents: Contents,
    /// What ends with the bracket that was just read.
    ending: HeldKinds,
    /// The texts of `result.content`, and how much of it comes from earlier elements.
    texts: TextPrefix,
    texts_before: (usize, bool),
}

/// What is held of a message: a definition of a tool, and arguments or a result, in which the definition may be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HeldKinds {
    tool: bool,
    content: bool,
}

impl HeldKinds {
    pub(crate) fn any(self) -> bool {
        self.tool || self.content
    }
}

/// The literals of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Literal {
    True,
    False,
    Null,
    /// `NaN`, `Infinity` and `-Infinity`, which are not JSON: Python's parsers read and write them.
    NotANumber,
}

impl ReaderView {
    pub(crate) fn new(reading: Arc<ScanOptions>) -> Self {
        Self {
            reading,
            rule: KeyRule::Last,
            found: FoundFacts::default(),
            place: Location::default(),
            elsewhere: 0,
            slot: Slot::default(),
            takes: false,
            text: TextPrefix::default(),
            id_text: IdText::default(),
            decimal: Decimal::default(),
            state: None,
            tools: ToolDefinitions::default(),
            contents: Contents::default(),
            ending: HeldKinds::default(),
            texts: TextPrefix::default(),
            texts_before: (0, false),
        }
    }

    /// Returns what was found, with a flaw if it is not a message, and resets itself.
    pub(crate) fn take(&mut self) -> Message {
        let mut message = self.found.take();
        message.result.tools = self.tools.take();
        let (arguments, result) = self.contents.take();
        message.params.arguments = arguments;
        (message.result.content, message.result.counts) = result.unzip();
        if message.result.is_error && !self.texts.text().is_empty() {
            message.result.text = Some(self.texts.text().into());
        }
        (self.place, self.elsewhere, self.slot) = (Location::Outside, 0, Slot::Nothing);
        self.state = None;
        self.texts.clear();
        message
    }

    /// A copy with what this reader has found so far, which continues with another rule.
    pub(crate) fn fork(&self, rule: KeyRule) -> Self {
        Self { rule, tools: ToolDefinitions::default(), contents: Contents::default(), ..self.clone() }
    }

    /// Whether the key that begins may be one to keep.
    pub(crate) fn wants_key(&self) -> bool {
        self.elsewhere == 0 && self.place.has_keys()
    }

    pub(crate) fn doubts(&mut self) -> &mut Doubts {
        &mut self.found.message.doubts
    }

    /// The meaning of the value after a key.
    pub(crate) fn slot_of(&self, key: &[u8]) -> Slot {
        if self.wants_key() { self.rule.member(self.place, key) } else { Slot::Nothing }
    }

    /// Why other readers may treat that key, whose value has that meaning here, differently.
    pub(crate) fn doubt(&self, slot: Slot, key: &[u8]) -> Option<KeyDoubt> {
        match slot {
            Slot::Nothing if self.wants_key() && decides(key_rule::folded(self.place, key)) => Some(KeyDoubt::Folded),
            slot if self.found.again.has(slot) => Some(KeyDoubt::Again),
            _ => None,
        }
    }

    /// A key whose value has that meaning. Returns whether it occurred before.
    pub(crate) fn key(&mut self, slot: Slot) -> bool {
        if !self.wants_key() {
            return false;
        }
        let is_again = self.found.note(slot);
        match self.rule {
            KeyRule::Last => self.await_value(slot),
            KeyRule::First if is_again => self.slot = Slot::Nothing,
            KeyRule::First | KeyRule::Folded => self.slot = slot,
        }
        is_again
    }

    pub(crate) fn rule(&self) -> KeyRule {
        self.rule
    }

    /// The value is nested deeper than the scanner reads.
    pub(crate) fn too_deep(&mut self) {
        self.found.is_too_deep = true;
    }

    /// The last value of a key counts, so an earlier one is discarded.
    fn await_value(&mut self, slot: Slot) {
        self.slot = slot;
        self.found.forget(slot);
        if let Slot::Inner(place) = slot
            && let Some(count) = self.contents.count(place)
        {
            *count = 0;
        }
        match slot {
            Slot::ItemText => self.texts.back_to(self.texts_before),
            Slot::Inner(Location::Content) => self.texts.clear(),
            Slot::Inner(Location::Tools) => self.tools.clear(),
            Slot::Arguments | Slot::Inner(Location::Params) => self.contents.forget(ContentPart::Arguments),
            Slot::Inner(Location::Result) => {
                self.contents.forget(ContentPart::Result);
                self.texts.clear();
                self.tools.clear();
            }
            _ => {}
        }
    }

    /// Returns whether something that is held begins here.
    pub(crate) fn open_object(&mut self) -> bool {
        match self.value() {
            Slot::Inner(place) if !place.is_array() => self.place = place,
            slot => return self.open_elsewhere(slot, b'{'),
        }
        match self.place {
            Location::Message => self.found.is_object = true,
            Location::Result => {
                self.found.message.has_result = true;
                return self.begin_content(ContentPart::Result, b'{');
            }
            Location::Error => self.found.message.has_error = true,
            Location::Item => self.texts_before = (self.texts.text().len(), self.texts.is_cut()),
            Location::Tool if self.rule == KeyRule::Last => return self.tools.begin(),
            _ => {}
        }
        false
    }

    /// Returns whether something that is held begins here.
    pub(crate) fn open_array(&mut self) -> bool {
        match self.value() {
            Slot::Inner(place) if place.is_array() => {
                self.place = place;
                self.found.message.result.has_content |= place == Location::Content;
                false
            }
            slot => self.open_elsewhere(slot, b'['),
        }
    }

    fn open_elsewhere(&mut self, slot: Slot, bracket: u8) -> bool {
        self.elsewhere += 1;
        self.found.set_id(slot, Id { kind: IdKind::Other, text: String::new(), rest: 0 });
        slot == Slot::Arguments && self.begin_content(ContentPart::Arguments, bracket)
    }

    /// What other readers see in the place of a message has no content: it is that of the bytes which most readers read.
    fn begin_content(&mut self, part: ContentPart, bracket: u8) -> bool {
        self.rule == KeyRule::Last && self.contents.begin(&self.reading, part, bracket, self.elsewhere)
    }

    /// Returns whether something that is held ends here.
    pub(crate) fn close(&mut self) -> bool {
        let is_kept = self.elsewhere > 0 || self.place == Location::Result;
        self.ending = HeldKinds {
            tool: self.elsewhere == 0 && self.place == Location::Tool && self.tools.is_open(),
            content: is_kept && self.contents.ends_at(self.elsewhere),
        };
        match self.elsewhere.checked_sub(1) {
            Some(elsewhere) => self.elsewhere = elsewhere,
            None => self.place = self.place.outer(),
        }
        self.ending.any()
    }

    /// Whether the string that begins is to be kept.
    pub(crate) fn begin_string(&mut self) -> bool {
        self.slot = self.value();
        self.takes = self.takes_string();
        self.takes
    }

    fn takes_string(&mut self) -> bool {
        match self.slot {
            Slot::Text(TextField::ErrorMessage) if !self.reading.wants_error_text => return false,
            Slot::Text(_) | Slot::Version => self.text.clear(),
            Slot::Id | Slot::RequestId => self.id_text.clear(),
            Slot::ParamsState | Slot::ResultState => {
                self.state.clone_from(&self.reading.state_key);
                return self.state.is_some();
            }
            Slot::ItemText if !self.reading.wants_error_text => return false,
            Slot::ItemText => {
                if !self.texts.text().is_empty() {
                    self.texts.push("\n", MAX_TEXT);
                }
            }
            _ => return false,
        }
        true
    }

    pub(crate) fn end_string(&mut self) {
        match self.slot {
            _ if !self.takes => {}
            Slot::Text(field) => {
                let text = self.text.text().to_owned();
                if let Some(place) = self.found.text(field) {
                    *place = Some(text);
                }
            }
            Slot::Version => self.found.message.is_jsonrpc = !self.text.is_cut() && self.text.text() == JSONRPC,
            Slot::Id | Slot::RequestId => self.found.set_id(self.slot, self.id_text.id()),
            Slot::ParamsState => self.found.message.params.request_state = self.state_digest(),
            Slot::ResultState => self.found.message.result.request_state = self.state_digest(),
            _ => {}
        }
    }

    /// Whether the number that begins is to be kept.
    pub(crate) fn begin_number(&mut self) -> bool {
        self.slot = self.value();
        let wanted = matches!(self.slot, Slot::Id | Slot::RequestId | Slot::Code);
        if wanted {
            self.decimal.clear();
        }
        self.takes = wanted;
        wanted
    }

    /// A part of the number.
    pub(crate) fn number(&mut self, at: NumberPart, bytes: &[u8]) {
        if self.takes {
            self.decimal.push(at, bytes);
        }
    }

    pub(crate) fn end_number(&mut self) {
        match self.slot {
            _ if !self.takes => {}
            Slot::Code => self.found.message.error.code = self.decimal.integer(),
            slot => self.found.set_id(slot, self.decimal.id()),
        }
    }

    pub(crate) fn literal(&mut self, literal: Literal) {
        let slot = self.value();
        self.found.message.doubts.not_a_number |= literal == Literal::NotANumber;
        let kind = if literal == Literal::Null { IdKind::Null } else { IdKind::Other };
        match slot {
            Slot::IsError => self.found.message.result.is_error = literal == Literal::True,
            slot => self.found.set_id(slot, Id { kind, text: String::new(), rest: 0 }),
        }
    }

    /// What the bytes are part of, so that they belong to [`hold`](Self::hold).
    pub(crate) fn holding(&self) -> HeldKinds {
        HeldKinds { tool: self.tools.is_open(), content: self.contents.is_open() }
    }

    pub(crate) fn hold(&mut self, parts: HeldKinds, bytes: &[u8]) {
        if parts.tool {
            self.tools.push(bytes);
        }
        if parts.content {
            self.contents.push(bytes);
        }
    }

    pub(crate) fn end_held(&mut self) {
        let HeldKinds { tool, content } = std::mem::take(&mut self.ending);
        if tool {
            self.tools.end(&self.reading);
        }
        if content {
            self.contents.end();
        }
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let texts = [&self.text, &self.texts].map(TextPrefix::held).iter().sum::<usize>();
        texts + self.id_text.held() + self.decimal.held() + self.tools.held() + self.contents.held()
    }

    /// The meaning of the value that begins here.
    fn value(&mut self) -> Slot {
        if self.elsewhere == 0
            && let Some(count) = self.contents.count(self.place)
        {
            *count += 1;
        }
        match self.place.element() {
            _ if self.elsewhere > 0 => Slot::Nothing,
            Slot::Nothing if self.place.has_keys() => self.slot,
            slot => slot,
        }
    }

    fn state_digest(&mut self) -> Option<StateDigest> {
        self.state.take().map(|state| StateDigest(state.finalize().into_bytes().into()))
    }
}

/// The string that is being read.
impl StringSink for ReaderView {
    fn text(&mut self, piece: &str) {
        match self.slot {
            _ if !self.takes => {}
            Slot::Text(_) => self.text.push(piece, MAX_TEXT),
            Slot::Version => self.text.push(piece, JSONRPC.len()),
            Slot::Id | Slot::RequestId => self.id_text.text(piece),
            Slot::ParamsState | Slot::ResultState => {
                if let Some(state) = &mut self.state {
                    state.update(piece.as_bytes());
                }
            }
            Slot::ItemText => self.texts.push(piece, MAX_TEXT),
            _ => {}
        }
    }

    fn lone_surrogate(&mut self, unit: u16) {
        match self.slot {
            _ if !self.takes => {}
            Slot::Id | Slot::RequestId => self.id_text.lone_surrogate(unit),
            _ => self.text(REPLACEMENT),
        }
    }
}

/// Whether a value with that meaning decides what is run, or whether it is a message.
fn decides(slot: Slot) -> bool {
    repeated_keys::bit(slot).is_some()
}

/// The value of `jsonrpc` in each message.
const JSONRPC: &str = "2.0";
