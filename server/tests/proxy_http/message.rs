//! HTTP/1 as bytes: taken apart no further than to compare.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A request or response as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    /// The first line and the fields, as they were written.
    pub(crate) head: Vec<Vec<u8>>,
    /// Without its framing.
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Vec<u8>>,
    /// It ended as its framing says.
    pub(crate) is_complete: bool,
}

/// A stream that is read message by message.
pub(crate) struct Messages<R> {
    stream: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// `None` at the end of the stream.
    pub(crate) async fn request(&mut self) -> Option<Message> {
        let mut message = Message { head: self.head().await?, ..Message::default() };
        match (message.field("content-length"), message.field("transfer-encoding")) {
            (_, Some(coding)) if coding.ends_with("chunked") => self.chunked(&mut message).await,
            (Some(length), _) => {
                let length = length.parse().unwrap();
                self.counted(&mut message, length).await;
            }
            _ => message.is_complete = true,
        }
        Some(message)
    }

    /// The answer to a request of that method.
    pub(crate) async fn response(&mut self, method: &str) -> Option<Message> {
        let mut message = Message { head: self.head().await?, ..Message::default() };
        let has_none = method == "HEAD" || matches!(message.status(), 204 | 304);
        match (message.field("content-length"), message.field("transfer-encoding")) {
            _ if has_none => message.is_complete = true,
            (_, Some(coding)) if coding.ends_with("chunked") => self.chunked(&mut message).await,
            (Some(length), _) => {
                let length = length.parse().unwrap();
                self.counted(&mut message, length).await;
            }
            _ => {
                while self.more().await {}
                message.body = std::mem::take(&mut self.buffer);
                message.is_complete = true;
            }
        }
        Some(message)
    }

    /// The lines up to the empty one.
    pub(crate) async fn head(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Some(lines);
            }
            lines.push(line);
        }
    }

    pub(crate) async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.drain(..at + 2).collect::<Vec<_>>();
                return Some(line[..at].to_vec());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next chunk; empty for the last.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.line().await?;
        let size = String::from_utf8(size).unwrap();
        let size = usize::from_str_radix(size.split(';').next().unwrap().trim(), 16).unwrap();
        if size == 0 {
            return Some(Vec::new());
        }
        while self.buffer.len() < size + 2 {
            if !self.more().await {
                return None;
            }
        }
        let chunk = self.buffer.drain(..size + 2).collect::<Vec<_>>();
        Some(chunk[..size].to_vec())
    }

    /// Whether something more came.
    pub(crate) async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.buffer).await.is_ok_and(|length| length > 0)
    }

    /// So many bytes, or those before the stream ended.
    pub(crate) async fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut message = Message::default();
        self.counted(&mut message, length).await;
        message.body
    }

    async fn chunked(&mut self, message: &mut Message) {
        while let Some(chunk) = self.chunk().await {
            if chunk.is_empty() {
                message.trailers = self.head().await.unwrap();
                message.is_complete = true;
                return;
            }
            message.body.extend(chunk);
        }
    }

    async fn counted(&mut self, message: &mut Message, length: usize) {
        while self.buffer.len() < length && self.more().await {}
        let here = self.buffer.len().min(length);
        message.body = self.buffer.drain(..here).collect();
        message.is_complete = here == length;
    }
}

impl Message {
    pub(crate) fn first_line(&self) -> &str {
        std::str::from_utf8(&self.head[0]).unwrap()
    }

    pub(crate) fn status(&self) -> u16 {
        self.first_line().split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).into_iter().next()
    }

    /// All fields of that name.
    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head[1..].iter().filter_map(|line| std::str::from_utf8(line).ok()?.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The head without the fields of its connection.
    pub(crate) fn end_to_end(&self) -> Vec<String> {
        let own = |line: &&Vec<u8>| {
            let line = String::from_utf8_lossy(line).to_ascii_lowercase();
            ["connection:", "keep-alive:", "transfer-encoding:"].iter().any(|name| line.starts_with(name))
        };
        let lines = self.head.iter().filter(|line| !own(line));
        lines.map(|line| line.iter().map(|byte| char::from(*byte)).collect()).collect()
    }
}
