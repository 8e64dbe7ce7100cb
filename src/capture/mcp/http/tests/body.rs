//! Invariants of `body_tap.rs` and `body.rs`, by the numbers there.

use std::sync::{Arc, Mutex};

use bytes::{Buf as _, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;

use super::rig::{Script, Step, next, read};
use crate::capture::mcp::http::reading::{BodyEnd, BodyObserver, BodyReader, BodyTap, Content, UnreadReason};
use crate::capture::mcp::http::tower::TapBody;
use crate::capture::mcp::message::Message;

/// What an observer heard, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>, Option<&'static str>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn push(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl BodyObserver for Heard {
    fn message(&self, message: Message) {
        if self.1 == Some("message") {
            std::panic::resume_unwind(Box::new("expected"));
        }
        let id = message.id.map_or_else(String::new, |id| id.text);
        self.push(match message.flaw {
            Some(flaw) => format!("{flaw:?}"),
            None => format!("{}{id}", message.method.unwrap_or_default()),
        });
    }

    fn unread(&self, why: UnreadReason) {
        self.push(format!("{why:?}"));
    }

    fn over(&self, how: BodyEnd) {
        self.push(format!("{how:?}"));
        if self.1 == Some("over") {
            std::panic::resume_unwind(Box::new("expected"));
        }
    }
}

fn tapped(body: Script, content: Content, coding: Option<&str>) -> (TapBody<Script>, Heard) {
    panicking(body, content, coding, None)
}

fn coded(coding: Option<&str>) -> http::HeaderMap {
    let value = |name: &str| http::HeaderValue::from_str(name).unwrap();
    coding.into_iter().map(|name| (http::header::CONTENT_ENCODING, value(name))).collect()
}

fn panicking(
    body: Script,
    content: Content,
    coding: Option<&str>,
    when: Option<&'static str>,
) -> (TapBody<Script>, Heard) {
    let heard = Heard(Arc::default(), when);
    let reader = match content {
        Content::Events => BodyReader::of_response(&Arc::default(), content, &coded(coding)),
        _ => BodyReader::of_request(&Arc::default(), &coded(coding)).map(Some),
    };
    let length = body.size_hint().exact();
    let tap = BodyTap::new(reader.unwrap(), Box::new(heard.clone()), length);
    (TapBody::tapped(body, tap), heard)
}

#[test]
fn a_request_is_heard_before_its_last_frame_passes() {
    let frames = || [&ASK[..20], &ASK[20..]];
    for script in [Script::new(&frames()).with_length(), Script::new(&frames()).knowing_its_end()] {
        let (mut body, heard) = tapped(script, Content::Json, None);
        assert!(next(&mut body).is_some());
        assert_eq!(heard.all(), [""; 0]);
        assert!(next(&mut body).is_some());
        assert_eq!(heard.all(), ["ping7", "Complete"], "with the last frame, without another poll");
    }
    let (mut body, heard) = tapped(Script::new(&frames()), Content::Json, None);
    assert!(next(&mut body).is_some() && next(&mut body).is_some());
    assert_eq!(heard.all(), [""; 0], "nobody knows yet that this was the last");
    assert!(next(&mut body).is_none());
    assert_eq!(heard.all(), ["ping7", "Complete"], "with the end of the stream");
}

/// Tap 2.
#[test]
fn a_body_is_over_once() {
    let (mut body, heard) = tapped(Script::new(&[ASK]).with_length().knowing_its_end(), Content::Json, None);
    assert_eq!(read(&mut body), ASK);
    assert!(next(&mut body).is_none());
    drop(body);
    assert_eq!(heard.all(), ["ping7", "Complete"]);

    let (body, heard) = tapped(Script::new(&[]).knowing_its_end(), Content::Json, None);
    assert_eq!(heard.all(), ["Complete"], "a body that is empty is never polled");
    drop(body);
    assert_eq!(heard.all(), ["Complete"]);

    let steps = [Step::Data(Bytes::from_static(&ASK[..9])), Step::Pending, Step::Fails];
    let (mut body, heard) = tapped(Script::of(steps), Content::Json, None);
    assert!(matches!(next(&mut body), Some(Ok(_))));
    assert!(matches!(next(&mut body), Some(Err("it broke"))), "an error passes as it came");
    drop(body);
    assert_eq!(heard.all(), ["Broken"], "what was not sent was not understood by anybody");
}

/// Tap 4.
#[test]
fn a_body_that_is_dropped_counts_if_its_message_was_whole() {
    for length in 0..=ASK.len() {
        let (mut body, heard) = tapped(Script::new(&[&ASK[..length], b" "]), Content::Json, None);
        assert!(next(&mut body).is_some());
        drop(body);
        let whole = if length == ASK.len() { &["ping7", "Dropped"][..] } else { &["Dropped"] };
        assert_eq!(heard.all(), whole, "cut off at {length}");
    }
    let (mut body, heard) = tapped(Script::new(&[&ASK[..9]]), Content::Json, None);
    assert_eq!(read(&mut body), &ASK[..9]);
    assert_eq!(heard.all(), ["NotJson", "Complete"], "a body that ends so is what the client sent");
}

#[test]
fn events_are_heard_when_they_pass_however_they_are_cut() {
    for size in [1, 2, 3, 7, 64, EVENTS.len()] {
        let frames: Vec<_> = EVENTS.chunks(size).collect();
        let (mut body, heard) = tapped(Script::new(&frames), Content::Events, None);
        assert_eq!(read(&mut body), EVENTS);
        assert_eq!(heard.all(), ["1", "2", "Complete"], "in frames of {size}");
    }
    let at = EVENTS.len() / 2 + 1;
    let (mut body, heard) = tapped(Script::new(&[&EVENTS[..at], &EVENTS[at..]]), Content::Events, None);
    assert!(next(&mut body).is_some());
    assert_eq!(heard.all(), ["1"]);
    drop(body);
    assert_eq!(heard.all(), ["1", "Dropped"], "an event that is not complete is none");
}

#[test]
fn compressed_bodies_are_read_and_pass_as_they_are() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut encoder, EVENTS).unwrap();
    let gzip = encoder.finish().unwrap();
    for size in [1, gzip.len()] {
        let frames: Vec<_> = gzip.chunks(size).collect();
        let (mut body, heard) = tapped(Script::new(&frames), Content::Events, Some("gzip"));
        assert_eq!(read(&mut body), gzip);
        assert_eq!(heard.all(), ["1", "2", "Complete"]);
    }
    let (mut body, heard) = tapped(Script::new(&[EVENTS, EVENTS]), Content::Events, Some("gzip"));
    assert_eq!(read(&mut body), [EVENTS, EVENTS].concat(), "which it is not");
    assert_eq!(heard.all(), ["Damaged", "Complete"], "said once");
}

/// Body 1.
#[test]
fn trailers_hints_and_frames_pass_as_they_are() {
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-sum"), HeaderValue::from_static("7"))]);
    let steps = || {
        let data = ASK.chunks(10).map(|chunk| Step::Data(Bytes::from_static(chunk)));
        data.chain([Step::Trailers(trailers.clone())])
    };
    let (mut bare, (mut body, heard)) =
        (Script::of(steps()).with_length(), tapped(Script::of(steps()).with_length(), Content::Json, None));
    loop {
        assert_eq!(body.size_hint().exact(), bare.size_hint().exact());
        assert_eq!(body.is_end_stream(), bare.is_end_stream());
        match (next(&mut body), next(&mut bare)) {
            (None, None) => break,
            (Some(Ok(frame)), Some(Ok(as_is))) => {
                assert_eq!(frame.data_ref(), as_is.data_ref());
                assert_eq!(frame.trailers_ref(), as_is.trailers_ref());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard.all(), ["ping7", "Complete"]);
}

/// Bytes that lie in several places become one frame all the same.
#[test]
fn scattered_bytes_are_read() {
    let (first, second) = (Bytes::from_static(&ASK[..11]), Bytes::from_static(&ASK[11..]));
    let frame = http_body::Frame::data(first.chain(second));
    let frames = tokio_stream::iter([Ok::<_, std::convert::Infallible>(frame)]);
    let heard = Heard::default();
    let reader = BodyReader::of_request(&Arc::default(), &coded(None)).ok();
    let mut body =
        TapBody::tapped(http_body_util::StreamBody::new(frames), BodyTap::new(reader, Box::new(heard.clone()), None));
    assert_eq!(read(&mut body), ASK);
    assert_eq!(heard.all(), ["ping7", "Complete"]);
}

/// Tap 1.
#[test]
fn a_panic_stays_inside() {
    let (mut body, heard) = panicking(Script::new(&[EVENTS]), Content::Events, None, Some("message"));
    assert_eq!(read(&mut body), EVENTS);
    drop(body);
    assert_eq!(heard.all(), ["Panicked", "Complete"]);

    let (mut body, heard) = panicking(Script::new(&[EVENTS]), Content::Events, None, Some("over"));
    assert_eq!(read(&mut body), EVENTS);
    drop(body);
    assert_eq!(heard.all(), ["1", "2", "Complete", "Panicked"]);
}

proptest::proptest! {
    /// Whatever passes, passes as it is, and is over once; what it says does not depend on how it is cut.
    #[test]
    fn anything_passes(
        bytes in proptest::prop_oneof![
            proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
            proptest::strategy::Just(ASK.to_vec()),
            proptest::strategy::Just(EVENTS.to_vec()),
        ],
        cuts in proptest::collection::vec(1..60_usize, 0..40),
        content in proptest::sample::select(vec![Content::Json, Content::Events]),
        coding in proptest::sample::select(vec![None, Some("gzip"), Some("deflate"), Some("br"), Some("zstd"), Some("gzip, zstd")]),
        taken in 0..60_usize,
    ) {
        let (mut frames, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (frame, behind) = rest.split_at(cut.min(rest.len()));
            frames.push(frame);
            rest = behind;
        }
        frames.push(rest);
        let (mut body, heard) = tapped(Script::new(&frames), content, coding);
        assert_eq!(read(&mut body), bytes);
        drop(body);
        let (mut whole, same) = tapped(Script::new(&[&bytes]), content, coding);
        read(&mut whole);
        assert_eq!(heard.all(), same.all());
        assert_eq!(heard.all().iter().filter(|what| *what == "Complete").count(), 1);

        let (mut body, heard) = tapped(Script::new(&frames), content, coding);
        for frame in frames.iter().take(taken) {
            assert_eq!(next(&mut body).unwrap().unwrap().into_data().unwrap(), *frame);
        }
        drop(body);
        assert_eq!(heard.all().iter().filter(|what| *what == "Dropped").count(), 1);
    }
}

const ASK: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
const EVENTS: &[u8] = b"id: 0\nretry: 3000\ndata: \n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n\
    : keep-alive\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n";
