//! Invariant 3: the bytes of a record go out as they are.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use super::rig::{entry, stream};
use crate::record::{Record, Value, names};
use crate::ship::{Envelope, Shipment, Stamp, encode_resource, encode_scope};

#[test]
fn a_record_goes_out_as_it_is_with_its_number_and_stream_behind_it() {
    let resource = encode_resource(&[("service.name".into(), "weather".into())]);
    let envelope = Envelope::new(resource.clone(), encode_scope());
    let entries: Vec<_> = [1, 127, 128, 1 << 40, i64::MAX.unsigned_abs()].map(entry).to_vec();
    let shipment = Shipment::stamped(envelope, &Stamp::of(stream()), &entries);
    let bytes = shipment.request(&(0..entries.len()));
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

/// A part of a batch has the bytes of the whole, and so has what is sent again from quarantine.
#[test]
fn parts_and_what_is_sent_again_have_the_bytes_of_the_first_request() {
    let envelope = Envelope::new(encode_resource(&[("service.name".into(), "weather".into())]), encode_scope());
    let entries: Vec<_> = (120..=135).map(entry).collect();
    let shipment = Shipment::stamped(envelope.clone(), &Stamp::of(stream()), &entries);
    let whole = shipment.request(&(0..16));
    let of = |request: &Bytes| {
        let decoded = ExportLogsServiceRequest::decode(request.clone()).unwrap();
        assert_eq!(decoded.encoded_len(), request.len(), "prost found nothing else");
        decoded.resource_logs[0].scope_logs[0].log_records.clone()
    };
    for part in [0..8, 8..16, 3..4, 15..16, 0..16] {
        assert_eq!(of(&shipment.request(&part)), of(&whole)[part.clone()], "{part:?}");
        let records = shipment.records(&part);
        assert_eq!(
            records.iter().map(|entry| entry.sequence).collect::<Vec<_>>(),
            entries[part.clone()].iter().map(|entry| entry.sequence).collect::<Vec<_>>()
        );
        let again = Shipment::again(envelope.clone(), &records);
        assert_eq!(again.request(&(0..part.len())), shipment.request(&part), "{part:?}");
        for record in &records {
            assert!(whole.as_ptr_range().contains(&record.record.as_ptr()), "nothing is copied");
        }
    }
}
