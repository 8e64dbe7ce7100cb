//! How much memory a decoded message takes.
//!
//! Counted, not guessed from the encoded size: two bytes of protobuf can decode to a 64-byte attribute, and the bound
//! on memory must hold for such senders too. The allocator's own overhead is left out.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    resource::v1::Resource,
    trace::v1::{
        Span,
        span::{Event, Link},
    },
};

/// What a record allocates.
pub(crate) fn message_of_record(record: &LogRecord) -> usize {
    size_of::<LogRecord>()
        + record.severity_text.capacity()
        + record.event_name.capacity()
        + record.trace_id.capacity()
        + record.span_id.capacity()
        + record.body.as_ref().map_or(0, value)
        + key_values(&record.attributes)
}

/// What a span allocates.
pub(crate) fn message_of_span(span: &Span) -> usize {
    size_of::<Span>()
        + span.name.capacity()
        + span.trace_state.capacity()
        + span.trace_id.capacity()
        + span.span_id.capacity()
        + span.parent_span_id.capacity()
        + span.status.as_ref().map_or(0, |status| status.message.capacity())
        + key_values(&span.attributes)
        + list(&span.events, |event: &Event| event.name.capacity() + key_values(&event.attributes))
        + list(&span.links, |link: &Link| {
            link.trace_id.capacity()
                + link.span_id.capacity()
                + link.trace_state.capacity()
                + key_values(&link.attributes)
        })
}

/// What a resource allocates.
pub(crate) fn message_of_resource(resource: &Resource) -> usize {
    size_of::<Resource>() + key_values(&resource.attributes) + list(&resource.entity_refs, entity_ref)
}

/// What a scope allocates.
pub(crate) fn message_of_scope(scope: &InstrumentationScope) -> usize {
    size_of::<InstrumentationScope>() + scope.name.capacity() + scope.version.capacity() + key_values(&scope.attributes)
}

fn entity_ref(entity: &EntityRef) -> usize {
    entity.schema_url.capacity()
        + entity.r#type.capacity()
        + list(&entity.id_keys, String::capacity)
        + list(&entity.description_keys, String::capacity)
}

fn key_values(attributes: &Vec<KeyValue>) -> usize {
    list(attributes, |attribute| attribute.key.capacity() + attribute.value.as_ref().map_or(0, value))
}

/// The memory behind a value. Decoding has limited how deep values nest.
fn value(value: &AnyValue) -> usize {
    match &value.value {
        Some(Value::StringValue(text)) => text.capacity(),
        Some(Value::BytesValue(bytes)) => bytes.capacity(),
        Some(Value::ArrayValue(array)) => list(&array.values, self::value),
        Some(Value::KvlistValue(map)) => key_values(&map.values),
        _ => 0,
    }
}

#[allow(clippy::ptr_arg, reason = "a slice does not know how much is allocated")]
fn list<T>(items: &Vec<T>, behind: impl Fn(&T) -> usize) -> usize {
    items.capacity() * size_of::<T>() + items.iter().map(behind).sum::<usize>()
}
