//! Streams that cost nothing: one that always has the same request to read, and one that takes any answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use auditrail::Trail;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A `tools/call` of about that many bytes, most of them in its arguments.
pub(crate) fn line(length: usize) -> Vec<u8> {
    let head = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"current_weather","arguments":{"city":"Lisbon","text":""#;
    let tail = "\"}},\"id\":7}\n";
    let text = "The quick brown fox jumps over the lazy dog. \\n"
        .bytes()
        .cycle()
        .take(length.saturating_sub(head.len() + tail.len() + 2));
    let mut line: Vec<u8> = head.bytes().chain(text).collect();
    if line.last() == Some(&b'\\') {
        line.push(b'n');
    }
    line.extend_from_slice(tail.as_bytes());
    line
}

/// Both directions of a connection.
pub(crate) struct Conversation {
    read: Box<dyn AsyncRead + Unpin>,
    write: Box<dyn AsyncWrite + Unpin>,
    length: usize,
    buffer: Vec<u8>,
    answer: Vec<u8>,
    /// Of the thread that made it.
    waker: Waker,
}

impl Conversation {
    pub(crate) fn plain(line: Vec<u8>) -> Self {
        let length = line.len();
        Self::over(Box::new(Same { line, at: 0 }), Box::new(tokio::io::sink()), length)
    }

    pub(crate) fn tapped(trail: &Trail, line: Vec<u8>) -> Self {
        let length = line.len();
        let (read, write) = trail.tap(Same { line, at: 0 }, tokio::io::sink()).into_streams();
        Self::over(Box::new(read), Box::new(write), length)
    }

    fn over(read: Box<dyn AsyncRead + Unpin>, write: Box<dyn AsyncWrite + Unpin>, length: usize) -> Self {
        let text = "x".repeat(900);
        let answer = format!(
            "{{\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}},\"jsonrpc\":\"2.0\",\"id\":7}}\n"
        );
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        Self { read, write, length, buffer: vec![0; 64 << 10], answer: answer.into_bytes(), waker }
    }

    /// One request is read, and its answer written.
    pub(crate) fn exchange(&mut self) {
        let mut context = Context::from_waker(&self.waker);
        let mut left = self.length;
        while left > 0 {
            let room = left.min(self.buffer.len());
            let mut buffer = ReadBuf::new(&mut self.buffer[..room]);
            // After many messages the tap gives others a turn.
            while Pin::new(&mut self.read).poll_read(&mut context, &mut buffer).map(Result::unwrap).is_pending() {
                thread::park();
            }
            left -= buffer.filled().len();
        }
        assert!(matches!(Pin::new(&mut self.write).poll_write(&mut context, &self.answer), Poll::Ready(Ok(_))));
    }
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

struct Same {
    line: Vec<u8>,
    at: usize,
}

impl AsyncRead for Same {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = buffer.remaining().min(self.line.len() - self.at);
        buffer.put_slice(&self.line[self.at..self.at + length]);
        self.at = (self.at + length) % self.line.len();
        Poll::Ready(Ok(()))
    }
}

#[derive(Debug)]
pub(crate) struct NoSpans;

impl SpanExporter for NoSpans {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}
