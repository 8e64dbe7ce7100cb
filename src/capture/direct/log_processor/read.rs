//! Reads an audit event from a log record of the SDK: names of the allow list alone.

use opentelemetry::Context;
use opentelemetry::logs::AnyValue;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::logs::SdkLogRecord;

use crate::record::names::{self, Kind, Role};
use crate::record::{Detail, EventName, Outcome, SpanId, SpanIds, Status, TraceId, Value, error_type};
use crate::trail::{Core, Moment};

/// Whether a log record is an audit event.
pub(super) fn is_audit_event(record: &SdkLogRecord) -> bool {
    record.event_name().is_some_and(|name| name.starts_with(PREFIX)) || told(record).is_some()
}

/// The moment that an audit event is, with its own ids.
pub(super) fn moment(core: &Core, record: &SdkLogRecord) -> Moment {
    let name = told(record).or(record.event_name()).unwrap_or_default();
    let event = name.parse().unwrap_or_else(|_| {
        core.notices().warn_of(UNKNOWN, UNKNOWN);
        EventName::McpRequest
    });
    let mut moment = Moment::new(event);
    let mut said = SaidOutcome::default();
    for (key, value) in record.attributes_iter() {
        match core.allow().role(key.as_str()) {
            _ if key.as_str() == names::AUDITRAIL_EVENT => {}
            Some(Role::Fact) => {
                let kind = names::attribute(key.as_str()).map(|attribute| attribute.kind);
                if let Some(value) = converted(kind, value) {
                    moment = moment.attribute(key.as_str().to_owned(), value);
                }
            }
            Some(Role::Outcome) => said.take(key.as_str(), value),
            _ => {}
        }
    }
    if let Some(outcome) = said.outcome() {
        moment = moment.outcome(outcome);
    }
    if let Some(time) = record.timestamp() {
        moment = moment.at(time);
    }
    placed(moment, record)
}

/// With the ids of the log record, and the span that they are of, if that is the current one.
fn placed(moment: Moment, record: &SdkLogRecord) -> Moment {
    let Some(ids) = record.trace_context().and_then(|context| {
        Some(SpanIds {
            trace: TraceId::new(context.trace_id.to_bytes())?,
            span: SpanId::new(context.span_id.to_bytes()),
            flags: context.trace_flags.map_or(0, |flags| flags.to_u8()),
        })
    }) else {
        return moment;
    };
    let current = Context::current();
    match SpanIds::of(current.span().span_context()) {
        // One that came with a request gives the trace alone.
        Some(own) if (own.trace, own.span) == (ids.trace, ids.span) => moment.maybe_within(Some(current)),
        _ => moment.of_caller(Some(ids)),
    }
}

/// The event that the attributes name.
fn told(record: &SdkLogRecord) -> Option<&str> {
    record.attributes_iter().find_map(|(key, value)| match value {
        AnyValue::String(text) if key.as_str() == names::AUDITRAIL_EVENT => Some(text.as_str()),
        _ => None,
    })
}

/// The value in the type of its name, if nothing is lost; otherwise a scalar as it is, and nothing else: a map or bytes under a
/// name that is a text may be anything.
fn converted(kind: Option<Kind>, value: &AnyValue) -> Option<Value> {
    let Some(kind) = kind else { return any(value) };
    let Some(scalar) = scalar(value) else {
        let AnyValue::ListAny(items) = value else { return None };
        let is_list = matches!(kind, Kind::Strs | Kind::Ints);
        return is_list.then(|| Value::Array(items.iter().filter_map(self::scalar).collect()));
    };
    Some(match (kind, &scalar) {
        (Kind::Str, Value::Int(number)) => Value::from(number.to_string()),
        (Kind::Str, Value::Double(number)) => Value::from(number.to_string()),
        (Kind::Str, Value::Bool(flag)) => Value::from(flag.to_string()),
        (Kind::Int, Value::Str(text)) => text.parse().map_or(scalar, Value::Int),
        (Kind::Double, Value::Str(text)) => text.parse().map_or(scalar, Value::Double),
        (Kind::Double, Value::Int(number)) => {
            i32::try_from(*number).map_or(scalar, |number| Value::Double(number.into()))
        }
        (Kind::Bool, Value::Str(text)) => text.parse().map_or(scalar, Value::Bool),
        (Kind::Strs | Kind::Ints, _) => Value::Array(vec![scalar]),
        _ => scalar,
    })
}

fn scalar(value: &AnyValue) -> Option<Value> {
    Some(match value {
        AnyValue::Int(number) => Value::Int(*number),
        AnyValue::Double(number) => Value::Double(*number),
        AnyValue::String(text) => Value::from(text.as_str().to_owned()),
        AnyValue::Boolean(flag) => Value::Bool(*flag),
        _ => return None,
    })
}

/// A value under a name that the user has allowed.
fn any(value: &AnyValue) -> Option<Value> {
    match value {
        AnyValue::Bytes(bytes) => Some(Value::Bytes(bytes.to_vec())),
        AnyValue::ListAny(items) => Some(Value::Array(items.iter().filter_map(scalar).collect())),
        value => scalar(value),
    }
}

/// What the attributes say of the outcome.
#[derive(Debug, Default)]
struct SaidOutcome {
    status: Option<Status>,
    detail: Option<Detail>,
    error_type: Option<String>,
    code: Option<i64>,
}

impl SaidOutcome {
    /// A value that the contract does not know is ignored.
    fn take(&mut self, key: &str, value: &AnyValue) {
        let text = match value {
            AnyValue::String(text) => text.as_str().to_owned(),
            AnyValue::Int(number) => number.to_string(),
            _ => return,
        };
        match key {
            names::AUDIT_OUTCOME => self.status = text.parse().ok(),
            names::AUDITRAIL_OUTCOME_DETAIL => self.detail = text.parse().ok(),
            names::ERROR_TYPE => self.error_type = Some(error_type::class_of(&text).to_owned()),
            names::RPC_RESPONSE_STATUS_CODE => self.code = text.parse().ok(),
            _ => {}
        }
    }

    fn outcome(self) -> Option<Outcome> {
        let said = match (self.status, self.detail) {
            (Some(status), detail) => {
                let other = (status == Status::Failure).then_some(error_type::OTHER.into());
                Outcome { detail, error_type: other, ..Outcome::status(status) }
            }
            (None, Some(detail)) => Outcome::of(detail),
            (None, None) => return None,
        };
        let error_type = self.error_type.map(Into::into).or(said.error_type);
        Some(Outcome { error_type, code: self.code, ..said })
    }
}

const PREFIX: &str = "auditrail.";
const UNKNOWN: &str = "an audit event that was emitted through the Logs API has a name that is no event name of auditrail; it is \
                       recorded as auditrail.mcp.request; see auditrail::record::EventName for the names";
