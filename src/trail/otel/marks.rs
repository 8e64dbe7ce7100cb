//! Marks the OTel span of a call: its outcome, its end, and its records.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

use crate::record::{Detail, EventName, Outcome, RecordId, Status, names};

/// Says by the OTel span itself how it ended, for whoever has no `tracing` span at hand.
pub(crate) fn mark(context: &Context, outcome: &Outcome, said: Marks) {
    // Which success it was, the outcome says well enough.
    let detail = outcome.detail.filter(|detail| *detail != Detail::Ok);
    let Marks { is_told, duration, call } = said;
    if is_told && detail.is_none() && duration.is_none() && call.is_none() && outcome.status != Status::Failure {
        return;
    }
    let span = context.span();
    // Every attribute more may have the list of the span's attributes copied: none is better than one.
    if !is_told || detail.is_some() || duration.is_some() || call.is_some() {
        // Each is made when the span takes it: made before, all would be copied on the way.
        span.set_attributes((0..4).filter_map(|which| {
            Some(match which {
                0 => KeyValue::new(names::AUDITRAIL_DURATION, duration?),
                1 if is_told => return None,
                1 => KeyValue::new(names::AUDIT_OUTCOME, outcome.status.as_str()),
                2 => KeyValue::new(names::AUDITRAIL_OUTCOME_DETAIL, detail?.as_str()),
                _ => KeyValue::new(names::AUDITRAIL_CALL_ID, call?.encode(&mut [0; 36]).to_owned()),
            })
        }));
    }
    if outcome.is_span_error() {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}

/// What [`mark`] says beside the outcome.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The status stands on the span already.
    pub(crate) is_told: bool,
    /// In seconds.
    pub(crate) duration: Option<f64>,
    pub(crate) call: Option<RecordId>,
}

/// Ends the OTel span at that time. Whatever ends it later, such as the close of the `tracing` span, ends nothing: what
/// `tracing-opentelemetry` would say is when the span was last left.
pub(crate) fn end(context: Option<&Context>, unix_nano: u64) {
    if let Some(context) = context {
        context.span().end_with_timestamp(at(unix_nano));
    }
}

pub(crate) fn at(unix_nano: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nano)
}

/// Repeats a record as an event of its span: Jaeger shows no log records. Journal first, then this.
pub(crate) fn mirror(context: Option<&Context>, event: EventName, id: &str, outcome: &Outcome, unix_nano: u64) {
    let Some(span) = context.map(Context::span) else { return };
    if span.span_context().is_sampled() || span.is_recording() {
        let said = vec![
            KeyValue::new(names::AUDIT_RECORD_ID, id.to_owned()),
            KeyValue::new(names::AUDIT_OUTCOME, outcome.status.as_str()),
        ];
        span.add_event_with_timestamp(event.as_str(), at(unix_nano), said);
    }
}

/// The target of our spans, so that people can name them in a filter.
pub(crate) const TARGET: &str = "auditrail";
/// The name that the spans of MCP calls have for filters.
pub(crate) const CALL_SPAN: &str = "mcp.call";
/// The name that the spans of HTTP requests have for filters.
pub(crate) const HTTP_SPAN: &str = "http.request";
/// The name of the spans by which we look whether others can be seen. None of them leaves.
pub(crate) const PROBE: &str = "auditrail.probe";
