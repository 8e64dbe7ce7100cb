//! The data of server-sent events, as their bytes come in.

/// What is left of the bytes that are no whole event yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    rest: Vec<u8>,
    data: Vec<u8>,
}

impl Events {
    /// Gives the data of each event that the bytes complete; comments and events without data give none.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = line.trim_ascii_end();
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.trim_ascii_start());
                self.data.push(b'\n');
            } else if line.is_empty() && !self.data.is_empty() {
                complete.push(std::mem::take(&mut self.data));
            }
        }
        complete
    }
}
