//! The facts of one message that were found so far.

use super::again::Again;
use super::location::{Field, Location, Slot};
use crate::capture::mcp::message::{Answer, Error, Flaw, Id, Message, Params};

#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) message: Message,
    pub(crate) is_object: bool,
    pub(crate) is_too_deep: bool,
    /// Values that may also be in `params._meta`.
    meta: Claimed,
    pub(crate) again: Again,
}

#[derive(Debug, Clone, Default)]
struct Claimed {
    protocol_version: Option<String>,
    client_name: Option<String>,
    client_version: Option<String>,
}

impl Found {
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
    pub(crate) fn text(&mut self, field: Field) -> &mut Option<String> {
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
            Field::InnerTaskId => &mut result.inner_task_id,
            Field::InnerStatus => &mut result.inner_task_status,
            Field::ResultProtocolVersion => &mut result.protocol_version,
            Field::ErrorMessage => &mut error.message,
        }
    }

    /// Notes a key with that meaning. Returns whether it occurred before.
    pub(crate) fn note(&mut self, slot: Slot) -> bool {
        self.again.note(slot, &mut self.message)
    }

    /// Discards the value of an earlier key with that meaning.
    pub(crate) fn forget(&mut self, slot: Slot) {
        match slot {
            Slot::Nothing | Slot::ItemText => {}
            Slot::Text(field) => *self.text(field) = None,
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
                self.meta = Claimed::default();
            }
            Location::Meta => {
                (params.traceparent, params.tracestate) = (None, None);
                self.meta = Claimed::default();
            }
            Location::Client => (params.client_name, params.client_version) = (None, None),
            Location::MetaClient => (self.meta.client_name, self.meta.client_version) = (None, None),
            Location::Result => {
                self.message.has_result = false;
                self.message.result = Answer::default();
            }
            Location::Task => {
                let result = &mut self.message.result;
                (result.inner_task_id, result.inner_task_status) = (None, None);
            }
            Location::Content => self.message.result.has_content = false,
            Location::Error => {
                self.message.has_error = false;
                self.message.error = Error::default();
            }
            Location::Outside | Location::Message | Location::Item | Location::Tools | Location::Tool => {}
        }
    }
}
