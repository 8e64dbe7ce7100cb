use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use proptest::prelude::*;
use prost::Message as _;

use super::classify::classify;
use super::client::{HttpAnswer, Unread};
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
        assert_eq!(name(&classify(&answer(status, &[], None))), expected, "{status}");
    }
}

/// What a proxy in between says, or a port of TLS, is not about the records.
#[test]
fn a_refusal_counts_only_if_it_is_one_of_a_collector() {
    for (media_type, body, expected) in [
        (Some("application/x-protobuf"), "\x12\x02no", "rejected"),
        (Some("application/json; charset=utf-8"), "{}", "rejected"),
        (Some("text/plain"), "entry too far behind", "rejected"),
        (Some("text/html"), "<html>no</html>", "doubtful"),
        (None, "Client sent an HTTP request to an HTTPS server.", "doubtful"),
    ] {
        assert_eq!(name(&classify(&typed(400, media_type, body.as_bytes()))), expected, "{media_type:?}");
    }
    assert_eq!(name(&classify(&typed(413, Some("text/html"), b"<html>"))), "rejected", "smaller ones may pass");
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
fn only_what_can_be_read_is_an_acknowledgement() {
    let partial = |rejected_log_records| {
        let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: "no".into() };
        ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    };
    const PROTOBUF: Option<&str> = Some("application/x-protobuf");
    const JSON: Option<&str> = Some("application/json");
    let whole = partial(3);
    for (media_type, body, expected) in [
        (PROTOBUF, &whole[..], Some(3)),
        (Some("Application/X-Protobuf; charset=utf-8"), &whole[..], Some(3)),
        (PROTOBUF, b"", Some(0)),
        (None, b"", Some(0)),
        (JSON, b"", Some(0)),
        (JSON, b"{}", Some(0)),
        (JSON, br#"{"partialSuccess":{}}"#, Some(0)),
        (JSON, br#"{"partialSuccess":{"rejectedLogRecords":"4"}}"#, Some(4)),
        (JSON, br#"{"partialSuccess":{"rejectedLogRecords":4,"errorMessage":"no"}}"#, Some(4)),
        (PROTOBUF, &whole[..whole.len() - 1], None),
        (PROTOBUF, &partial(-1), None),
        (PROTOBUF, b"<html>hello</html>", None),
        (PROTOBUF, b"{}", None),
        (None, &whole[..], None),
        (JSON, b"{", None),
        (JSON, b"[]", None),
        (JSON, br#"{"partialSuccess":7}"#, None),
        (JSON, br#"{"partialSuccess":{"rejectedLogRecords":"-4"}}"#, None),
        (JSON, br#"{"partialSuccess":{"rejectedLogRecords":1.5}}"#, None),
        (Some("text/html"), b"", None),
        (Some("text/html"), b"<html>log in</html>", None),
        (Some("text/plain"), b"OK", None),
        (Some("application/octet-stream"), &whole[..], None),
    ] {
        let found = classify(&typed(200, media_type, body));
        match expected {
            Some(rejected) => assert_eq!(found, Ok(Accepted::but(rejected)), "{media_type:?} {body:?}"),
            None => assert_eq!(name(&found), "unreadable", "{media_type:?} {body:?}"),
        }
    }
    for unread in [Unread::CutShort, Unread::TooLong] {
        let response = answer(200, b"", None).map(|_| Err(unread));
        assert_eq!(name(&classify(&response)), "unreadable", "{unread:?}");
    }
}

#[test]
fn a_wish_beyond_all_numbers_is_a_long_one() {
    let after = |text| match classify(&answer(429, &[], Some(text))).unwrap_err() {
        ExportError::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    for text in ["18446744073709551615", "99999999999999999999999999"] {
        assert_eq!(after(text), Some(Duration::from_secs(u64::MAX)), "{text}");
    }
    assert_eq!([after("-1"), after(""), after("1e9")], [None, None, None]);
}

proptest! {
    /// Nothing that a sink says panics, or is taken for success unless it is one by the decoder of another crate.
    #[test]
    fn any_answer_can_be_read(
        status in 100..=999u16,
        media_type in prop::option::of(prop_oneof![
            Just("application/x-protobuf".to_owned()), Just("application/json".to_owned()), "[ -~]{0,40}"
        ]),
        wish in prop::option::of(prop_oneof!["[0-9]{0,40}", "[ -~]{0,40}"]),
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), Just(Vec::new())],
        unread in prop::option::of(prop_oneof![Just(Unread::CutShort), Just(Unread::TooLong)]),
    ) {
        let mut response = typed(status, media_type.as_deref(), &body);
        if let Some(wish) = wish {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_str(&wish).unwrap());
        }
        if let Some(unread) = unread {
            *response.body_mut() = Err(unread);
        }
        if classify(&response).is_ok() {
            prop_assert!((200..300).contains(&status) && unread.is_none());
            let is_json = media_type.as_deref() == Some("application/json");
            prop_assert!(is_json || ExportLogsServiceResponse::decode(&body[..]).is_ok());
        }
    }
}

fn name(answer: &Result<Accepted, ExportError>) -> &'static str {
    match answer {
        Ok(_) => "taken",
        Err(ExportError::Retry { .. }) => "retry",
        Err(ExportError::Unauthorized { .. }) => "unauthorized",
        Err(ExportError::Rejected { .. }) => "rejected",
        Err(ExportError::Doubtful { .. }) => "doubtful",
        Err(ExportError::Unreadable { .. }) => "unreadable",
    }
}

fn typed(status: u16, media_type: Option<&str>, body: &[u8]) -> HttpAnswer {
    let mut response = answer(status, body, None);
    if let Some(media_type) = media_type {
        response.headers_mut().insert(CONTENT_TYPE, media_type.parse().unwrap());
    }
    response
}

fn answer(status: u16, body: &[u8], retry_after: Option<&str>) -> HttpAnswer {
    let mut response = Response::new(Ok(Bytes::copy_from_slice(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(text) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, text.parse().unwrap());
    }
    response
}
