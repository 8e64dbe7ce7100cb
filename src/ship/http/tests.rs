use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message as _;

use super::classify::classify;
use crate::ship::{Accepted, ExportError};

#[test]
fn a_status_says_whose_fault_it_is() {
    for (status, expected) in [
        (401, "unauthorized"),
        (403, "unauthorized"),
        (400, "rejected"),
        (413, "rejected"),
        (422, "rejected"),
        (404, "retry"),
        (405, "retry"),
        (301, "retry"),
        (429, "retry"),
        (502, "retry"),
        (503, "retry"),
        (504, "retry"),
        (500, "doubtful"),
        (501, "doubtful"),
    ] {
        let found = match classify(&answer(status, &[], None)).unwrap_err() {
            ExportError::Retry { .. } => "retry",
            ExportError::Unauthorized { .. } => "unauthorized",
            ExportError::Rejected { .. } => "rejected",
            ExportError::Doubtful { .. } => "doubtful",
        };
        assert_eq!(found, expected, "{status}");
    }
}

#[test]
fn a_wish_is_seconds_or_a_date() {
    let after = |text| match classify(&answer(503, &[], Some(text))).unwrap_err() {
        ExportError::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "it has passed");
    assert!(after("Wed, 01 Jan 2200 00:00:00 GMT").unwrap() > Duration::from_secs(300));
    assert_eq!(after("soon"), None);
}

#[test]
fn an_answer_that_cannot_be_read_is_an_acknowledgement() {
    let partial = ExportLogsPartialSuccess { rejected_log_records: 3, error_message: "no".into() };
    let partly = ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    assert_eq!(classify(&answer(200, &partly, None)), Ok(Accepted::but(3)));
    assert_eq!(classify(&answer(200, b"{}", None)), Ok(Accepted::default()));
    assert_eq!(classify(&answer(202, b"", None)), Ok(Accepted::default()));
}

fn answer(status: u16, body: &[u8], retry_after: Option<&str>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(text) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, text.parse().unwrap());
    }
    response
}
