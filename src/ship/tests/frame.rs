//! Invariant 3: the bytes of a record go out as they are.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use super::rig::{entry, stream};
use crate::record::{Record, Value, names};
use crate::ship::{Envelope, encode_resource, encode_scope};

#[test]
fn a_record_goes_out_as_it_is_with_its_number_and_stream_behind_it() {
    let resource = encode_resource(&[("service.name".into(), "weather".into())]);
    let envelope = Envelope::new(stream(), resource.clone(), encode_scope());
    let entries: Vec<_> = [1, 127, 128, 1 << 40, i64::MAX.unsigned_abs()].map(entry).to_vec();
    let bytes = envelope.request(&entries);
    let request = ExportLogsServiceRequest::decode(bytes.clone()).unwrap();
    let resource_logs = &request.resource_logs[0];
    assert_eq!(Bytes::from(resource_logs.resource.as_ref().unwrap().encode_to_vec()), resource);
    let scope = &resource_logs.scope_logs[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "auditrail");
    assert_eq!(scope.log_records.len(), entries.len());
    for (record, entry) in scope.log_records.iter().zip(&entries) {
        assert!(bytes.windows(entry.record.len()).any(|window| window == entry.record));
        let shipped = Record::from_proto(record.clone()).unwrap();
        let own = Record::decode(&entry.record).unwrap();
        let (before, appended) = shipped.attributes.split_at(own.attributes.len());
        assert_eq!(before, own.attributes);
        let number = i64::try_from(entry.sequence).unwrap();
        let expected: [(&str, Value); 2] =
            [(names::AUDIT_SEQUENCE_NUMBER, number.into()), (names::AUDITRAIL_STREAM_ID, stream().to_string().into())];
        assert_eq!(appended.iter().map(|(key, value)| (&**key, value.clone())).collect::<Vec<_>>(), expected);
        assert_eq!(Record { attributes: own.attributes.clone(), ..shipped }, own, "nothing else changed");
    }
}
