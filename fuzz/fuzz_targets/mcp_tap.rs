//! Arbitrary bytes in any pieces, from either side of a connection: they pass unchanged, the tap does not panic, and no call is
//! left open when the connection is closed.

#![no_main]

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::record::Record;
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite as _, ReadBuf};

static PANICKED: AtomicBool = AtomicBool::new(false);
/// The number of request records that arrived, minus that of response records.
static OPEN: AtomicI64 = AtomicI64::new(0);

static TRAIL: LazyLock<(Trail, tempfile::TempDir)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("fuzz")
        .environment(Environment::default())
        .directory(directory.path())
        .connector(Halves)
        .on_notice(|notice| PANICKED.store(notice.text.contains("panicked"), Ordering::SeqCst))
        .start()
        .unwrap();
    (trail, directory)
});

fuzz_target!(|pieces: Vec<(bool, Vec<u8>)>| {
    let (trail, _) = &*TRAIL;
    let (mut read, mut write) = trail.tap(Source, tokio::io::sink()).into_streams();
    let mut context = Context::from_waker(Waker::noop());
    for (from_client, piece) in pieces {
        if from_client {
            // The source is inside the tap, and takes its next bytes from here.
            SAID.with_borrow_mut(|said| said.extend_from_slice(&piece));
            let mut buffer = vec![0; piece.len().max(1)];
            let mut buffer = ReadBuf::new(&mut buffer);
            assert!(Pin::new(&mut read).poll_read(&mut context, &mut buffer).is_ready() || piece.is_empty());
            assert_eq!(buffer.filled(), piece);
        } else {
            assert!(matches!(
                Pin::new(&mut write).poll_write(&mut context, &piece),
                Poll::Ready(Ok(length)) if length == piece.len()
            ));
        }
    }
    drop((read, write));
    assert!(!PANICKED.load(Ordering::SeqCst), "the tap panicked");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(Duration::from_secs(20))).unwrap();
    assert_eq!(OPEN.load(Ordering::SeqCst), 0, "a call is left open");
});

thread_local!(static SAID: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });

/// Returns the bytes in `SAID`, and is pending while there are none.
struct Source;

impl AsyncRead for Source {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let said = SAID.take();
        if said.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(&said);
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug)]
struct Halves;

impl Connector for Halves {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(Self))
    }
}

impl Sink for Halves {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        for record in scopes.flat_map(|scope| scope.log_records) {
            let record = Record::from_proto(record).unwrap();
            match record.text("auditrail.phase") {
                Some("request") => OPEN.fetch_add(1, Ordering::SeqCst),
                Some(_) => OPEN.fetch_sub(1, Ordering::SeqCst),
                None => 0,
            };
        }
        Box::pin(async { Ok(Accepted::default()) })
    }
}
