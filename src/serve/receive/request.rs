//! Slices an export request into its records or spans.
//!
//! Requests for logs and for traces have one shape, down to the field numbers: a request has resource groups, each has a
//! resource, a schema URL and scope groups, each of which has a scope, a schema URL and records or spans.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::error::ReceiveError;
use crate::record::Slice;
use crate::serve::received::{
    ItemOrigin, ReceivedRecord, ReceivedSpan, Weighed, message_of_record, message_of_resource, message_of_scope,
    message_of_span,
};

/// The records of an `ExportLogsServiceRequest`.
pub(crate) fn records(request: &[u8], received_unix_nano: u64) -> Result<Vec<Weighed<ReceivedRecord>>, ReceiveError> {
    collect(request, received_unix_nano, |slice, origin| {
        let mut record: LogRecord = decode("LogRecord", slice)?;
        // Decoding doubles the list as it grows; records are held for long, and the rest would be held with them.
        record.attributes.shrink_to_fit();
        let weight = message_of_record(&record) + slice.bytes.len() + size_of::<ReceivedRecord>();
        // A copy: a slice would keep the whole export in memory for as long as one of its records is held.
        let bytes = Bytes::copy_from_slice(slice.bytes);
        Ok(Weighed { item: ReceivedRecord::new(record, bytes, origin), weight })
    })
}

/// The spans of an `ExportTraceServiceRequest`.
pub(crate) fn spans(request: &[u8], received_unix_nano: u64) -> Result<Vec<Weighed<ReceivedSpan>>, ReceiveError> {
    collect(request, received_unix_nano, |slice, origin| {
        let span = decode("Span", slice)?;
        let weight = message_of_span(&span) + size_of::<ReceivedSpan>();
        Ok(Weighed { item: ReceivedSpan::new(span, origin), weight })
    })
}

fn collect<T>(
    request: &[u8],
    received_unix_nano: u64,
    make: impl Fn(Slice<'_>, ItemOrigin) -> Result<Weighed<T>, ReceiveError>,
) -> Result<Vec<Weighed<T>>, ReceiveError> {
    let mut items = Vec::new();
    let mut parts_left = MAX_PARTS;
    for field in Slice::whole(request).fields() {
        let field = field?;
        if field.number != RESOURCE_GROUP {
            continue;
        }
        take_part(&mut parts_left)?;
        let group = ScopeGroup::read("resource", field.content()?, &mut parts_left)?;
        let resource = Arc::new(decode("Resource", group.head())?);
        let resource_schema_url: Arc<str> = group.schema_url.into();
        let first_of_resource = items.len();
        for child in &group.children {
            let scope_group = ScopeGroup::read("scope", *child, &mut parts_left)?;
            let scope = Arc::new(decode("InstrumentationScope", scope_group.head())?);
            let scope_weight = message_of_scope(&scope) + scope_group.head.len();
            let origin = ItemOrigin {
                resource: Arc::clone(&resource),
                resource_bytes: group.head.clone(),
                resource_schema_url: Arc::clone(&resource_schema_url),
                scope,
                scope_bytes: scope_group.head.clone(),
                scope_schema_url: scope_group.schema_url.into(),
                received_unix_nano,
            };
            let first_of_scope = items.len();
            for item in &scope_group.children {
                items.push(make(*item, origin.clone())?);
            }
            charge_last(&mut items, first_of_scope, scope_weight + scope_group.schema_url.len());
        }
        let resource_weight = message_of_resource(&resource) + group.head.len() + group.schema_url.len();
        charge_last(&mut items, first_of_resource, resource_weight);
    }
    Ok(items)
}

/// The weight of what a group shares is on its last item, because it is freed with that.
fn charge_last<T>(items: &mut [Weighed<T>], first: usize, weight: usize) {
    if items.len() > first
        && let Some(last) = items.last_mut()
    {
        last.weight = last.weight.saturating_add(weight);
    }
}

/// A `ResourceLogs`, `ScopeLogs`, `ResourceSpans` or `ScopeSpans`.
#[derive(Debug)]
struct ScopeGroup<'a> {
    offset: usize,
    /// The bytes of its resource or scope. If the field occurs several times, protobuf says that the messages are
    /// merged, which is equivalent to concatenating their bytes.
    head: Bytes,
    schema_url: &'a str,
    children: Vec<Slice<'a>>,
}

impl<'a> ScopeGroup<'a> {
    fn read(name: &'static str, group: Slice<'a>, parts_left: &mut usize) -> Result<Self, ReceiveError> {
        let (mut head, mut schema_url, mut children) = (Vec::new(), "", Vec::new());
        for field in group.fields() {
            let field = field?;
            match field.number {
                HEAD => head.extend_from_slice(field.content()?.bytes),
                CHILD => {
                    take_part(parts_left)?;
                    children.push(field.content()?);
                }
                SCHEMA_URL => {
                    let invalid = |_| ReceiveError::SchemaUrl { message: name, offset: field.offset };
                    schema_url = std::str::from_utf8(field.content()?.bytes).map_err(invalid)?;
                }
                _ => {}
            }
        }
        Ok(Self { offset: group.offset, head: head.into(), schema_url, children })
    }

    fn head(&self) -> Slice<'_> {
        Slice { bytes: &self.head, offset: self.offset }
    }
}

/// Empty parts take two bytes on the wire and hundreds in memory, so the limit on bytes alone does not bound them.
fn take_part(parts_left: &mut usize) -> Result<(), ReceiveError> {
    *parts_left = parts_left.checked_sub(1).ok_or(ReceiveError::TooMany { limit: MAX_PARTS })?;
    Ok(())
}

fn decode<M: Message + Default>(message: &'static str, slice: Slice<'_>) -> Result<M, ReceiveError> {
    M::decode(slice.bytes).map_err(|source| ReceiveError::Message { message, offset: slice.offset, source })
}

/// Of a request.
const RESOURCE_GROUP: u32 = 1;
/// Of a group: its resource or scope.
const HEAD: u32 = 1;
/// Of a group: its scope groups, records or spans.
const CHILD: u32 = 2;
/// Of a group.
const SCHEMA_URL: u32 = 3;

/// Exporters send 512 records at a time, collectors some thousands.
const MAX_PARTS: usize = 131_072;

#[cfg(test)]
mod tests;
