//! Collects the facts of one message while its syntax is read.

use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::super::message::{Answer, Error, Flaw, Id, IdKind, MAX_TEXT, Message, Params, Reading, StateDigest};
use super::decimal::Decimal;
use super::key::Key;
use super::place::{Field, Place, Slot};
use super::quoted::Sink;
use super::text::{Beginning, IdText, REPLACEMENT};
use super::tools::Tools;

#[derive(Debug)]
pub(super) struct Facts {
    reading: Arc<Reading>,
    message: Message,
    is_object: bool,
    /// What may stand in two places: in `_meta`, and in `result.task`.
    meta: Claimed,
    task: Task,
    /// The innermost array or object in which something is wanted, and how many others are between it and here.
    place: Place,
    elsewhere: usize,
    /// What the value is for that comes next, or that is being read.
    slot: Slot,
    key: Key,
    text: Beginning,
    id_text: IdText,
    decimal: Decimal,
    state: Option<Hmac<Sha256>>,
    tools: Tools,
    /// The texts of `result.content`, and how much of it is of other elements.
    texts: Beginning,
    texts_before: (usize, bool),
}

/// The literals of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    True,
    False,
    Null,
}

#[derive(Debug, Default)]
struct Claimed {
    protocol_version: Option<String>,
    client_name: Option<String>,
    client_version: Option<String>,
}

#[derive(Debug, Default)]
struct Task {
    id: Option<String>,
    status: Option<String>,
}

impl Facts {
    pub(super) fn new(reading: Arc<Reading>) -> Self {
        Self {
            reading,
            message: Message::default(),
            is_object: false,
            meta: Claimed::default(),
            task: Task::default(),
            place: Place::default(),
            elsewhere: 0,
            slot: Slot::default(),
            key: Key::default(),
            text: Beginning::default(),
            id_text: IdText::default(),
            decimal: Decimal::default(),
            state: None,
            tools: Tools::default(),
            texts: Beginning::default(),
            texts_before: (0, false),
        }
    }

    /// What was found, and a flaw if that is no message. Begins anew.
    pub(super) fn take(&mut self) -> Message {
        let mut message = std::mem::take(&mut self.message);
        let (meta, task) = (std::mem::take(&mut self.meta), std::mem::take(&mut self.task));
        let Params { protocol_version, client_name, client_version, .. } = &mut message.params;
        for (direct, meta) in [
            (protocol_version, meta.protocol_version),
            (client_name, meta.client_name),
            (client_version, meta.client_version),
        ] {
            *direct = meta.or(direct.take());
        }
        let result = &mut message.result;
        result.task_id = result.task_id.take().or(task.id);
        result.task_status = result.task_status.take().or(task.status);
        result.tools = self.tools.take();
        if result.is_error && !self.texts.text().is_empty() {
            result.text = Some(self.texts.text().into());
        }
        let is_message = message.method.is_some() || message.has_result || message.has_error;
        message.flaw = (!self.is_object || !is_message).then_some(Flaw::NotAMessage);
        self.clear();
        message
    }

    fn clear(&mut self) {
        self.is_object = false;
        (self.place, self.elsewhere) = (Place::Outside, 0);
        self.slot = Slot::Nothing;
        self.state = None;
        self.tools.clear();
        self.texts.clear();
    }

    /// Whether the key that begins is wanted.
    pub(super) fn begin_key(&mut self) -> bool {
        let wanted = self.elsewhere == 0 && self.place.has_keys();
        if wanted {
            self.key.clear();
        }
        wanted
    }

    pub(super) fn key(&mut self) -> &mut Key {
        &mut self.key
    }

    pub(super) fn end_key(&mut self) {
        self.expect(self.place.member(self.key.bytes()));
    }

    /// All of a key.
    pub(super) fn whole_key(&mut self, key: &[u8]) {
        self.expect(self.place.member(key));
    }

    /// The last value of a key counts, so an earlier one is forgotten.
    fn expect(&mut self, slot: Slot) {
        self.slot = slot;
        self.forget(slot);
    }

    /// Tells whether a tool's definition begins here.
    pub(super) fn open_object(&mut self) -> bool {
        match self.value() {
            Slot::Inner(place) if !place.is_array() => self.place = place,
            slot => return self.open_elsewhere(slot),
        }
        match self.place {
            Place::Message => self.is_object = true,
            Place::Item => self.texts_before = (self.texts.text().len(), self.texts.is_cut()),
            Place::Tool => return self.tools.begin(),
            _ => {}
        }
        false
    }

    pub(super) fn open_array(&mut self) {
        match self.value() {
            Slot::Inner(place) if place.is_array() => self.place = place,
            slot => _ = self.open_elsewhere(slot),
        }
    }

    fn open_elsewhere(&mut self, slot: Slot) -> bool {
        self.elsewhere += 1;
        self.set_id(slot, Id { kind: IdKind::Other, text: String::new(), rest: 0 });
        false
    }

    /// Tells whether a tool's definition ends here.
    pub(super) fn close(&mut self) -> bool {
        if self.elsewhere > 0 {
            self.elsewhere -= 1;
            return false;
        }
        let is_tool = self.place == Place::Tool && self.tools.is_open();
        self.place = self.place.outer();
        is_tool
    }

    /// Whether the string that begins is wanted.
    pub(super) fn begin_string(&mut self) -> bool {
        self.slot = self.value();
        match self.slot {
            Slot::Text(Field::ErrorMessage) if !self.reading.wants_error_text => return false,
            Slot::Text(_) => self.text.clear(),
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

    pub(super) fn end_string(&mut self) {
        match self.slot {
            Slot::Text(field) => {
                let text = self.text.text().to_owned();
                *self.field(field) = Some(text);
            }
            Slot::Id | Slot::RequestId => self.set_id(self.slot, self.id_text.id()),
            Slot::ParamsState => self.message.params.request_state = self.state_digest(),
            Slot::ResultState => self.message.result.request_state = self.state_digest(),
            _ => {}
        }
    }

    /// Whether the number that begins is wanted.
    pub(super) fn begin_number(&mut self) -> bool {
        self.slot = self.value();
        let wanted = matches!(self.slot, Slot::Id | Slot::RequestId | Slot::Code);
        if wanted {
            self.decimal.clear();
        }
        wanted
    }

    pub(super) fn number(&mut self) -> &mut Decimal {
        &mut self.decimal
    }

    pub(super) fn end_number(&mut self) {
        match self.slot {
            Slot::Code => self.message.error.code = self.decimal.integer(),
            slot => self.set_id(slot, self.decimal.id()),
        }
    }

    pub(super) fn literal(&mut self, literal: Literal) {
        let slot = self.value();
        let kind = if literal == Literal::Null { IdKind::Null } else { IdKind::Other };
        match slot {
            Slot::IsError => self.message.result.is_error = literal == Literal::True,
            slot => self.set_id(slot, Id { kind, text: String::new(), rest: 0 }),
        }
    }

    /// The bytes of a tool's definition are to be given to [`hold`](Self::hold).
    pub(super) fn holds_tool(&self) -> bool {
        self.tools.is_open()
    }

    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.tools.push(bytes);
    }

    pub(super) fn end_tool(&mut self) {
        self.tools.end();
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let texts = [&self.text, &self.texts].map(Beginning::held).iter().sum::<usize>();
        texts + self.id_text.held() + self.decimal.held() + self.tools.held()
    }

    /// What the value is for that begins here.
    fn value(&self) -> Slot {
        match self.place.element() {
            _ if self.elsewhere > 0 => Slot::Nothing,
            Slot::Nothing if self.place.has_keys() => self.slot,
            slot => slot,
        }
    }

    fn set_id(&mut self, slot: Slot, id: Id) {
        match slot {
            Slot::Id => self.message.id = Some(id),
            Slot::RequestId => self.message.params.request_id = Some(id),
            _ => {}
        }
    }

    fn state_digest(&mut self) -> Option<StateDigest> {
        self.state.take().map(|state| StateDigest(state.finalize().into_bytes().into()))
    }

    fn forget(&mut self, slot: Slot) {
        match slot {
            Slot::Nothing => {}
            Slot::Text(field) => *self.field(field) = None,
            Slot::Id => self.message.id = None,
            Slot::RequestId => self.message.params.request_id = None,
            Slot::ParamsState => self.message.params.request_state = None,
            Slot::ResultState => self.message.result.request_state = None,
            Slot::IsError => self.message.result.is_error = false,
            Slot::Code => self.message.error.code = None,
            Slot::ItemText => self.texts.back_to(self.texts_before),
            Slot::Inner(place) => self.forget_all(place),
        }
    }

    fn forget_all(&mut self, place: Place) {
        let params = &mut self.message.params;
        match place {
            Place::Params => {
                *params = Params::default();
                self.meta = Claimed::default();
            }
            Place::Meta => {
                (params.traceparent, params.tracestate) = (None, None);
                self.meta = Claimed::default();
            }
            Place::Client => (params.client_name, params.client_version) = (None, None),
            Place::MetaClient => (self.meta.client_name, self.meta.client_version) = (None, None),
            Place::Result => {
                self.message.has_result = true;
                self.message.result = Answer::default();
                self.task = Task::default();
                self.tools.clear();
                self.texts.clear();
            }
            Place::Task => self.task = Task::default(),
            Place::Content => self.texts.clear(),
            Place::Tools => self.tools.clear(),
            Place::Error => {
                self.message.has_error = true;
                self.message.error = Error::default();
            }
            Place::Outside | Place::Message | Place::Item | Place::Tool => {}
        }
    }

    fn field(&mut self, field: Field) -> &mut Option<String> {
        let Message { method, params, result, error, .. } = &mut self.message;
        match field {
            Field::Method => method,
            Field::Name => &mut params.name,
            Field::Uri => &mut params.uri,
            Field::TaskId => &mut params.task_id,
            Field::Reason => &mut params.reason,
            Field::ProtocolVersion => &mut params.protocol_version,
            Field::ClientName => &mut params.client_name,
            Field::ClientVersion => &mut params.client_version,
            Field::MetaProtocolVersion => &mut self.meta.protocol_version,
            Field::MetaClientName => &mut self.meta.client_name,
            Field::MetaClientVersion => &mut self.meta.client_version,
            Field::Traceparent => &mut params.traceparent,
            Field::Tracestate => &mut params.tracestate,
            Field::ResultType => &mut result.result_type,
            Field::ResultTaskId => &mut result.task_id,
            Field::ResultStatus => &mut result.task_status,
            Field::InnerTaskId => &mut self.task.id,
            Field::InnerStatus => &mut self.task.status,
            Field::ResultProtocolVersion => &mut result.protocol_version,
            Field::ErrorMessage => &mut error.message,
        }
    }
}

/// The string that is being read.
impl Sink for Facts {
    fn text(&mut self, piece: &str) {
        match self.slot {
            Slot::Text(_) => self.text.push(piece, MAX_TEXT),
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
            Slot::Id | Slot::RequestId => self.id_text.lone_surrogate(unit),
            _ => self.text(REPLACEMENT),
        }
    }
}
