use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use tonic::{Code, Status};

use super::classify::classify;
use super::guard::tidy;
use crate::ship::ExportError;
use crate::ship::connector::LONGEST_ANSWER;

const DETAILS: &str = "grpc-status-details-bin";

/// The words are those of tonic 0.14, of an answer that has no status or cannot be read.
#[test]
fn what_tonic_says_of_an_answer_is_not_what_the_sink_says_of_records() {
    let too_long =
        format!("Error, decoded message length too large: found 70000 bytes, the limit is: {LONGEST_ANSWER} bytes");
    for (code, message, expected) in [
        (
            Code::Internal,
            "protocol error: received message with invalid compression flag: 60 (valid flags are 0 and 1)",
            "unreadable",
        ),
        (Code::Unknown, "protocol error: missing grpc-status trailer, stream was terminated", "unreadable"),
        (Code::Internal, "Unexpected EOF decoding stream.", "unreadable"),
        (Code::Internal, "Missing response message.", "unreadable"),
        (Code::OutOfRange, &too_long, "unreadable"),
        (Code::Internal, "grpc-status header missing, mapped from HTTP status code 400", "unreadable"),
        (Code::Unimplemented, "grpc-status header missing, mapped from HTTP status code 404", "unreadable"),
        (Code::Unavailable, "grpc-status header missing, mapped from HTTP status code 503", "retry"),
        (Code::PermissionDenied, "grpc-status header missing, mapped from HTTP status code 403", "unauthorized"),
        (
            Code::OutOfRange,
            "Error, decoded message length too large: found 5 bytes, the limit is: 4194304 bytes",
            "rejected",
        ),
        (Code::Internal, "a pipeline broke", "doubtful"),
        (Code::InvalidArgument, "a record is malformed", "rejected"),
    ] {
        let found = match classify(&Status::new(code, message)) {
            ExportError::Retry { .. } => "retry",
            ExportError::Unauthorized { .. } => "unauthorized",
            ExportError::Rejected { .. } => "rejected",
            ExportError::Doubtful { .. } => "doubtful",
            ExportError::Unreadable { .. } => "unreadable",
        };
        assert_eq!(found, expected, "{message}");
    }
}

proptest! {
    /// tonic itself reads what has passed the guard: it panics at details that are no base64.
    #[test]
    fn no_status_can_panic(
        code in "[0-9]{0,3}",
        details in prop_oneof!["[A-Za-z0-9+/]{0,12}={0,3}", "[ -~]{0,12}"],
        message in "[ -~]{0,20}",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_str(&code).unwrap());
        headers.insert("grpc-message", HeaderValue::from_str(&message).unwrap());
        headers.insert(DETAILS, HeaderValue::from_str(&details).unwrap());
        tidy(&mut headers);
        let status = Status::from_header_map(&headers).unwrap();
        let _classified = classify(&status);
    }

    #[test]
    fn no_details_can_panic(details in prop::collection::vec(any::<u8>(), 0..64)) {
        let _classified = classify(&Status::with_details(Code::ResourceExhausted, "", details.into()));
    }
}

#[test]
fn details_that_can_be_read_stay() {
    // A google.rpc.RetryInfo of 9223372036854775807 seconds and 2147483647 nanoseconds in a google.rpc.Status.
    let delay = [&[0x08][..], &[0xff; 8], &[0x7f, 0x10, 0xff, 0xff, 0xff, 0xff, 0x07]].concat();
    let field = |key: u8, content: &[u8]| [&[key, u8::try_from(content.len()).unwrap()], content].concat();
    let url = field(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
    let details = field(0x1a, &[url, field(0x12, &field(0x0a, &delay))].concat());
    let mut headers = HeaderMap::new();
    Status::with_details(Code::Unavailable, "later", details.into()).add_header(&mut headers).unwrap();
    tidy(&mut headers);
    match classify(&Status::from_header_map(&headers).unwrap()) {
        ExportError::Retry { after, .. } => assert_eq!(after, Some(Duration::new(i64::MAX as u64, i32::MAX as u32))),
        other => panic!("{other:?}"),
    }
}
