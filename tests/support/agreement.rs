//! What a record says of times beside what was exported of its span. Shares no code with what it judges: it knows the wire.

use std::collections::HashMap;
use std::sync::Arc;

use auditrail::record::{Record, Value};
use auditrail::serve::ReceivedSpan;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::Span;

/// How many records of each kind were found to agree with their span.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) pairs: usize,
    pub(crate) moments: usize,
}

/// Every record that has a duration, and every request, beside the exported span of its id.
pub(crate) fn agree(records: &[Record], spans: &[Arc<ReceivedSpan>]) -> Agreed {
    let by_id: HashMap<&[u8], &Span> =
        spans.iter().map(|received| (received.span.span_id.as_slice(), &received.span)).collect();
    let mut agreed = Agreed::default();
    for record in records {
        let Some(id) = record.span_id else { continue };
        let span = by_id.get(id.to_bytes().as_slice()).unwrap_or_else(|| panic!("nobody has the span of {record:#?}"));
        assert_eq!(span.trace_id, record.trace_id.unwrap().to_bytes(), "{record:#?}");
        let phase = record.text("auditrail.phase");
        if phase == Some("request") {
            assert_eq!(span.start_time_unix_nano, record.time_unix_nano, "start of {record:#?}");
        }
        let Some(Value::Double(seconds)) = record.get("auditrail.duration") else { continue };
        assert_eq!(span.end_time_unix_nano, record.time_unix_nano, "end of {record:#?}");
        let nanos = span.end_time_unix_nano - span.start_time_unix_nano;
        #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let length = nanos as f64 / 1e9;
        assert_eq!(length, *seconds, "length of {record:#?}");
        match phase {
            Some("response") => {
                assert_eq!(duration_of(span), Some(*seconds), "{span:#?}");
                agreed.pairs += 1;
            }
            _ => agreed.moments += 1,
        }
    }
    agreed
}

fn duration_of(span: &Span) -> Option<f64> {
    let found = span.attributes.iter().filter(|attribute| attribute.key == "auditrail.duration");
    let mut numbers = found.filter_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::DoubleValue(number) => Some(*number),
        _ => None,
    });
    numbers.next()
}
