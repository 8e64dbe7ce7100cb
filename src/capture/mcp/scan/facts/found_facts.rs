//! The facts of one message that were found so far.

use super::location::{Location, Slot, TextField};
use super::repeated_keys::RepeatedKeys;
use crate::capture::mcp::claimed::ClaimedTexts;
use crate::capture::mcp::message::{ErrorFacts, Flaw, Id, Message, Params, ResultFacts};

#[derive(Debug, Clone, Default)]
pub(crate) struct FoundFacts {
    pub(crate) message: Message,
    pub(crate) is_object: bool,
    pub(crate) is_too_deep: bool,
    /// Values that may also be in `params._meta`.
    meta: MetaFacts,
    pub(crate) again: RepeatedKeys,
}

#[derive(Debug, Clone, Default)]
struct MetaFacts {
    protocol_version: Option<String>,
    client_name: Option<String>,
    client_version: Option<String>,
    claimed: ClaimedTexts,
}

impl FoundFacts {
    /// Returns all of it, with a flaw if it is not a message, and resets itself.
    pub(crate) fn take(&mut self) -> Message {
        let Self { mut message, is_object, is_too_deep, meta, again } = std::mem::take(self);
        again.tell(&mut message);
        let params = &mut message.params;
        // If there are both, `_meta` counts: a server of 2026-07-28 reads only that, and an `initialize` has no such
        // keys.
        params.protocol_version = meta.protocol_version.or(params.protocol_version.take());
        params.client_name = meta.client_name.or(params.client_name.take());
        params.client_version = meta.client_version.or(params.client_version.take());
        params.claimed = meta.claimed.claimed();
        // How its reader treats it is decided elsewhere ([`Message::kind`]).
        let is_message = message.method.is_some() || message.has_result || message.has_error;
        message.flaw = match is_object && is_message {
            _ if is_too_deep => Some(Flaw::TooDeep),
            true => None,
            false => Some(Flaw::NotAMessage),
        };
        message
    }

    pub(crate) fn set_id(&mut self, slot: Slot, id: Id) {
        match slot {
            Slot::Id => self.message.id = Some(id),
            Slot::RequestId => self.message.params.request_id = Some(id),
            _ => {}
        }
    }

    /// The place of a text that is kept.
    pub(crate) fn text(&mut self, field: TextField) -> Option<&mut Option<String>> {
        let Message { method, params, result, error, .. } = &mut self.message;
        Some(match field {
            TextField::Method => method,
            TextField::Name => &mut params.name,
            TextField::Uri => &mut params.uri,
            TextField::TaskId => &mut params.task_id,
            TextField::Reason => &mut params.reason,
            TextField::ProtocolVersion => &mut params.protocol_version,
            TextField::ClientName => &mut params.client_name,
            TextField::ClientVersion => &mut params.client_version,
            TextField::MetaProtocolVersion => &mut self.meta.protocol_version,
            TextField::MetaClientName => &mut self.meta.client_name,
            TextField::MetaClientVersion => &mut self.meta.client_version,
            TextField::Traceparent => &mut params.traceparent,
            TextField::Tracestate => &mut params.tracestate,
            TextField::ResultType => &mut result.result_type,
            TextField::ResultTaskId => &mut result.task_id,
            TextField::ResultStatus => &mut result.task_status,
            TextField::InnerTaskId => &mut result.inner_task_id,
            TextField::InnerStatus => &mut result.inner_task_status,
            TextField::ResultProtocolVersion => &mut result.protocol_version,
            TextField::ErrorMessage => &mut error.message,
            TextField::Claimed(key) => return self.meta.claimed.text(key),
        })
    }

    /// Notes a key with that meaning. Returns whether it occurred before.
    pub(crate) fn note(&mut self, slot: Slot) -> bool {
        self.again.note(slot, &mut self.message)
    }

    /// Discards the value of an earlier key with that meaning.
    pub(crate) fn forget(&mut self, slot: Slot) {
        match slot {
            Slot::Nothing | Slot::ItemText | Slot::Arguments => {}
            Slot::Text(TextField::Claimed(key)) => self.meta.claimed.forget(key),
            Slot::Text(field) => self.text(field).into_iter().for_each(|text| *text = None),
            Slot::Version => self.message.is_jsonrpc = false,
            Slot::Id => self.message.id = None,
            Slot::RequestId => self.message.params.request_id = None,
            Slot::ParamsState => self.message.params.request_state = None,
            Slot::ResultState => self.message.result.request_state = None,
            Slot::IsError => self.message.result.is_error = false,
            Slot::Code => self.message.error.code = None,
            Slot::Inner(place) => self.forget_all(place),
        }
    }

    fn forget_all(&mut self, place: Location) {
        let params = &mut self.message.params;
        match place {
            Location::Params => {
                *params = Params::default();
                self.meta = MetaFacts::default();
            }
            Location::Meta => {
                (params.traceparent, params.tracestate) = (None, None);
                self.meta = MetaFacts::default();
            }
            Location::Client => (params.client_name, params.client_version) = (None, None),
            Location::MetaClient => (self.meta.client_name, self.meta.client_version) = (None, None),
            Location::Result => {
                self.message.has_result = false;
                self.message.result = ResultFacts::default();
            }
            Location::Task => {
                let result = &mut self.message.result;
                (result.inner_task_id, result.inner_task_status) = (None, None);
            }
            Location::Content => self.message.result.has_content = false,
            Location::Error => {
                self.message.has_error = false;
                self.message.error = ErrorFacts::default();
            }
            Location::Outside
            | Location::Message
            | Location::Item
            | Location::Messages
            | Location::Contents
            | Location::Tools
            | Location::Tool => {}
        }
    }
}
