//! Reads an encoded OTLP Resource.

use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::names;

/// `service.name` of an encoded Resource; empty if there is none.
pub fn service_name(resource: &[u8]) -> String {
    let Ok(resource) = Resource::decode(resource) else { return String::new() };
    let name = resource.attributes.into_iter().find(|attribute| attribute.key == names::SERVICE_NAME);
    match name.and_then(|attribute| attribute.value).and_then(|value| value.value) {
        Some(any_value::Value::StringValue(name)) => name,
        _ => String::new(),
    }
}
