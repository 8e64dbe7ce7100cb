//! Cleans exported spans as records are cleaned: a careless `#[instrument]` would put arguments into Jaeger.

use std::time::Duration;

use opentelemetry::trace::{Event, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::capture::layer::PROBE;
use crate::policy::{AllowList, is_uri, without_secrets};
use crate::record::{EventName, Status as Outcome, names};

/// A span exporter that applies the allow list of the records before it passes spans on. It drops attributes with
/// other names on spans, events and links, and the texts of log events and of the status, which can contain anything.
/// Made by [`Trail::clean_exporter`](crate::Trail::clean_exporter).
#[derive(Debug)]
pub struct CleanExporter<E> {
    inner: E,
    allow: AllowList,
}

impl<E> CleanExporter<E> {
    pub(super) fn new(inner: E, allow: AllowList) -> Self {
        Self { inner, allow }
    }

    fn clean(&self, span: &mut SpanData) {
        span.dropped_attributes_count += self.attributes(&mut span.attributes);
        span.events.events.retain(|event| !is_raw_record(event));
        for event in &mut span.events.events {
            if event.name.parse::<EventName>().is_err() {
                event.name = LOG.into();
            }
            event.dropped_attributes_count += self.attributes(&mut event.attributes);
        }
        for link in &mut span.links.links {
            link.dropped_attributes_count += self.attributes(&mut link.attributes);
        }
        // The bridge turns any ERROR log inside a span into its status; the outcome of the call has priority.
        let succeeded = value_of(&span.attributes, names::AUDIT_OUTCOME)
            .is_some_and(|outcome| outcome == Outcome::Success.as_str());
        if let Status::Error { .. } = span.status {
            span.status = if succeeded { Status::Unset } else { Status::error("") };
        }
    }

    fn attributes(&self, attributes: &mut Vec<KeyValue>) -> u32 {
        let before = attributes.len();
        attributes.retain(|attribute| self.allow.on_span(attribute.key.as_str()));
        for attribute in attributes.iter_mut().filter(|attribute| is_uri(attribute.key.as_str())) {
            let cleaned = |uri: &str| without_secrets(uri).into_owned();
            attribute.value = match &attribute.value {
                Value::Array(Array::String(uris)) => {
                    Value::Array(Array::String(uris.iter().map(|uri| cleaned(uri.as_str()).into()).collect()))
                }
                value => Value::from(cleaned(&value.as_str())),
            };
        }
        u32::try_from(before - attributes.len()).unwrap_or(u32::MAX)
    }
}

impl<E: SpanExporter> SpanExporter for CleanExporter<E> {
    fn export(&self, mut batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        batch.retain(|span| span.name != PROBE);
        for span in &mut batch {
            self.clean(span);
        }
        // The probe itself is not exported.
        let exported = (!batch.is_empty()).then(|| self.inner.export(batch));
        async {
            match exported {
                Some(exported) => exported.await,
                None => Ok(()),
            }
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The tracing event that became a record: the record's own mirror is there as well.
fn is_raw_record(event: &Event) -> bool {
    value_of(&event.attributes, names::AUDITRAIL_EVENT).is_some()
        && value_of(&event.attributes, names::AUDIT_RECORD_ID).is_none()
}

fn value_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<std::borrow::Cow<'a, str>> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| attribute.value.as_str())
}

const LOG: &str = "log";
