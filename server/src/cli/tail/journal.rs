//! Reads a journal, also while its processes write.

use std::collections::HashMap;

use auditrail::journal::{FollowedRecord, Inspection, StreamFollower};
use auditrail::record::{StreamId, names};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::found::{Found, attribute};
use crate::cli::outcome::Failure;

/// Reads all streams, oldest first. What comes later is read in the order of its streams.
#[derive(Debug)]
pub(super) struct JournalReader {
    inspection: Inspection,
    streams: HashMap<StreamId, StreamFollower>,
}

impl JournalReader {
    pub(super) fn new(inspection: Inspection) -> Self {
        Self { inspection, streams: HashMap::new() }
    }

    pub(super) fn read(&mut self, each: &mut dyn FnMut(Found)) -> Result<(), Failure> {
        let there = self.inspection.streams().map_err(Failure::failed)?;
        self.streams.retain(|stream, _| there.contains(stream));
        for stream in there {
            let follower = self.streams.entry(stream).or_insert_with(|| self.inspection.follow(stream));
            follower.read(|record| each(found(stream, &record))).map_err(Failure::failed)?;
        }
        Ok(())
    }
}

/// The record as it is shipped: with its number and its stream. What cannot be decoded was not written by this program.
fn found(stream: StreamId, followed: &FollowedRecord) -> Found {
    let mut record = LogRecord::decode(followed.entry.record.clone()).unwrap_or_default();
    let number = i64::try_from(followed.entry.sequence).unwrap_or(i64::MAX);
    record.attributes.push(attribute(names::AUDIT_SEQUENCE_NUMBER, Value::IntValue(number)));
    record.attributes.push(attribute(names::AUDITRAIL_STREAM_ID, Value::StringValue(stream.to_string())));
    Found {
        resource: Resource::decode(followed.resource.clone()).unwrap_or_default(),
        scope: InstrumentationScope::decode(followed.scope.clone()).unwrap_or_default(),
        record,
        schema_url: names::SCHEMA_URL.to_owned(),
    }
}
