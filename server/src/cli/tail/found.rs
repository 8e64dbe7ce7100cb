//! A record that was found, with all that its line has.

use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;

/// A record with its resource and scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Found {
    pub(super) resource: Resource,
    pub(super) scope: InstrumentationScope,
    pub(super) record: LogRecord,
    pub(super) schema_url: String,
}

impl Found {
    /// When it happened, or else when it was observed.
    pub(super) fn time(&self) -> u64 {
        match self.record.time_unix_nano {
            0 => self.record.observed_time_unix_nano,
            time => time,
        }
    }

    /// A string attribute; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        text(&self.record.attributes, name)
    }

    /// `service.name`.
    pub(super) fn service(&self) -> &str {
        text(&self.resource.attributes, "service.name")
    }

    pub(super) fn value(&self, name: &str) -> Option<&any_value::Value> {
        value(&self.record.attributes, name)
    }
}

/// An attribute with a value.
pub(super) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}

fn text<'a>(attributes: &'a [KeyValue], name: &str) -> &'a str {
    match value(attributes, name) {
        Some(any_value::Value::StringValue(text)) => text,
        _ => "",
    }
}

fn value<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a any_value::Value> {
    let entry = attributes.iter().find(|entry| entry.key == name)?;
    entry.value.as_ref()?.value.as_ref()
}
