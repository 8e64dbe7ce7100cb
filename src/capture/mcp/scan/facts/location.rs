//! Where in a message a value is, for the places that contain facts to keep.

use crate::capture::mcp::claimed::ClaimedKey;

/// An array or object that contains something to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Location {
    /// Outside the message.
    #[default]
    Outside,
    Message,
    Params,
    Meta,
    /// `params.clientInfo`.
    Client,
    /// `clientInfo` in `params._meta`.
    MetaClient,
    Result,
    Task,
    /// `result.content`, and one element of it.
    Content,
    Item,
    /// `result.messages` and `result.contents`, whose elements are counted.
    Messages,
    Contents,
    /// `result.tools`, and one element of it.
    Tools,
    Tool,
    Error,
}

/// The meaning of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Slot {
    /// None.
    #[default]
    Nothing,
    /// An object or array that contains something to keep.
    Inner(Location),
    Text(TextField),
    /// `jsonrpc` of the message.
    Version,
    Id,
    RequestId,
    ParamsState,
    ResultState,
    IsError,
    Code,
    /// A text of `result.content`.
    ItemText,
    /// `arguments` of `params`.
    Arguments,
}

/// The texts that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextField {
    Method,
    Name,
    Uri,
    TaskId,
    Reason,
    ProtocolVersion,
    ClientName,
    ClientVersion,
    MetaProtocolVersion,
    MetaClientName,
    MetaClientVersion,
    /// A key of `_meta` by which the client claims something.
    Claimed(ClaimedKey),
    Traceparent,
    Tracestate,
    ResultType,
    ResultTaskId,
    ResultStatus,
    InnerTaskId,
    InnerStatus,
    ResultProtocolVersion,
    ErrorMessage,
}

impl Location {
    /// The location around it.
    pub(crate) fn outer(self) -> Self {
        match self {
            Self::Outside | Self::Message => Self::Outside,
            Self::Params | Self::Result | Self::Error => Self::Message,
            Self::Meta | Self::Client => Self::Params,
            Self::MetaClient => Self::Meta,
            Self::Task | Self::Content | Self::Messages | Self::Contents | Self::Tools => Self::Result,
            Self::Item => Self::Content,
            Self::Tool => Self::Tools,
        }
    }

    /// Whether it contains values to keep, by their keys.
    pub(crate) fn has_keys(self) -> bool {
        !matches!(self, Self::Outside | Self::Tool) && !self.is_array()
    }

    pub(crate) fn is_array(self) -> bool {
        matches!(self, Self::Content | Self::Messages | Self::Contents | Self::Tools)
    }

    /// The meaning of all values in it, unless a key decides otherwise.
    pub(crate) fn element(self) -> Slot {
        match self {
            Self::Outside => Slot::Inner(Self::Message),
            Self::Content => Slot::Inner(Self::Item),
            Self::Tools => Slot::Inner(Self::Tool),
            _ => Slot::Nothing,
        }
    }

    /// The meaning of the value after a key.
    pub(crate) fn member(self, key: &[u8]) -> Slot {
        match self {
            Self::Message => of_message(key),
            Self::Params => of_params(key),
            Self::Meta => of_meta(key),
            Self::Client => of_client(key, TextField::ClientName, TextField::ClientVersion),
            Self::MetaClient => of_client(key, TextField::MetaClientName, TextField::MetaClientVersion),
            Self::Result => of_result(key),
            Self::Task => of_task(key),
            Self::Item if key == b"text" => Slot::ItemText,
            Self::Error => of_error(key),
            _ => Slot::Nothing,
        }
    }
}

fn of_message(key: &[u8]) -> Slot {
    match key {
        b"jsonrpc" => Slot::Version,
        b"id" => Slot::Id,
        b"method" => Slot::Text(TextField::Method),
        b"params" => Slot::Inner(Location::Params),
        b"result" => Slot::Inner(Location::Result),
        b"error" => Slot::Inner(Location::Error),
        _ => Slot::Nothing,
    }
}

fn of_params(key: &[u8]) -> Slot {
    match key {
        b"name" => Slot::Text(TextField::Name),
        b"arguments" => Slot::Arguments,
        b"uri" => Slot::Text(TextField::Uri),
        b"taskId" => Slot::Text(TextField::TaskId),
        b"requestId" => Slot::RequestId,
        b"reason" => Slot::Text(TextField::Reason),
        b"requestState" => Slot::ParamsState,
        b"protocolVersion" => Slot::Text(TextField::ProtocolVersion),
        b"clientInfo" => Slot::Inner(Location::Client),
        b"_meta" => Slot::Inner(Location::Meta),
        _ => Slot::Nothing,
    }
}

fn of_meta(key: &[u8]) -> Slot {
    match key {
        b"traceparent" => Slot::Text(TextField::Traceparent),
        b"tracestate" => Slot::Text(TextField::Tracestate),
        b"io.modelcontextprotocol/protocolVersion" => Slot::Text(TextField::MetaProtocolVersion),
        b"io.modelcontextprotocol/clientInfo" => Slot::Inner(Location::MetaClient),
        key => ClaimedKey::of(key).map_or(Slot::Nothing, |key| Slot::Text(TextField::Claimed(key))),
    }
}

fn of_client(key: &[u8], name: TextField, version: TextField) -> Slot {
    match key {
        b"name" => Slot::Text(name),
        b"version" => Slot::Text(version),
        _ => Slot::Nothing,
    }
}

fn of_result(key: &[u8]) -> Slot {
    match key {
        b"isError" => Slot::IsError,
        b"resultType" => Slot::Text(TextField::ResultType),
        b"requestState" => Slot::ResultState,
        b"taskId" => Slot::Text(TextField::ResultTaskId),
        b"status" => Slot::Text(TextField::ResultStatus),
        b"task" => Slot::Inner(Location::Task),
        b"protocolVersion" => Slot::Text(TextField::ResultProtocolVersion),
        b"content" => Slot::Inner(Location::Content),
        b"messages" => Slot::Inner(Location::Messages),
        b"contents" => Slot::Inner(Location::Contents),
        b"tools" => Slot::Inner(Location::Tools),
        _ => Slot::Nothing,
    }
}

fn of_task(key: &[u8]) -> Slot {
    match key {
        b"taskId" => Slot::Text(TextField::InnerTaskId),
        b"status" => Slot::Text(TextField::InnerStatus),
        _ => Slot::Nothing,
    }
}

fn of_error(key: &[u8]) -> Slot {
    match key {
        b"code" => Slot::Code,
        b"message" => Slot::Text(TextField::ErrorMessage),
        _ => Slot::Nothing,
    }
}
