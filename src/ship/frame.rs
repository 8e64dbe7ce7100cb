//! Frames records as an `ExportLogsServiceRequest`, by concatenation: `ScopeLogs.log_records` is a repeated field.

use bytes::{BufMut as _, Bytes, BytesMut};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::record::names;

/// What stands around the records of a process: its resource and the scope `auditrail`.
#[derive(Debug, Clone)]
pub struct Envelope {
    resource: Bytes,
    scope: Bytes,
}

impl Envelope {
    /// The envelope of a resource with those attributes.
    #[must_use]
    pub fn new(resource: &[(String, String)]) -> Self {
        let attributes = resource
            .iter()
            .map(|(key, value)| KeyValue {
                key: key.clone(),
                value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.clone())) }),
                key_strindex: 0,
            })
            .collect();
        let resource = Resource { attributes, ..Resource::default() };
        let scope = InstrumentationScope {
            name: names::SCOPE_NAME.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..InstrumentationScope::default()
        };
        Self { resource: resource.encode_to_vec().into(), scope: scope.encode_to_vec().into() }
    }

    /// One request with those records.
    #[must_use]
    pub fn request(&self, records: &[Bytes]) -> Bytes {
        let records_length: usize = records.iter().map(|record| field_length(record.len())).sum();
        let schema = names::SCHEMA_URL.as_bytes();
        let scope_logs = field_length(self.scope.len()) + records_length + field_length(schema.len());
        let resource_logs = field_length(self.resource.len()) + field_length(scope_logs) + field_length(schema.len());

        let mut request = BytesMut::with_capacity(field_length(resource_logs));
        header(&mut request, RESOURCE_LOGS, resource_logs);
        field(&mut request, RESOURCE, &self.resource);
        header(&mut request, SCOPE_LOGS, scope_logs);
        field(&mut request, SCOPE, &self.scope);
        for record in records {
            field(&mut request, LOG_RECORDS, record);
        }
        field(&mut request, SCHEMA_URL, schema);
        field(&mut request, SCHEMA_URL, schema);
        request.freeze()
    }
}

fn field(request: &mut BytesMut, number: u32, content: &[u8]) {
    header(request, number, content.len());
    request.put_slice(content);
}

fn header(request: &mut BytesMut, number: u32, length: usize) {
    encode_key(number, WireType::LengthDelimited, request);
    encode_varint(length as u64, request);
}

fn field_length(length: usize) -> usize {
    key_len(RESOURCE_LOGS) + encoded_len_varint(length as u64) + length
}

// Field numbers of opentelemetry/proto/collector/logs/v1/logs_service.proto and logs/v1/logs.proto; each key is one byte.
const RESOURCE_LOGS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_LOGS: u32 = 2;
const SCOPE: u32 = 1;
const LOG_RECORDS: u32 = 2;
const SCHEMA_URL: u32 = 3;
