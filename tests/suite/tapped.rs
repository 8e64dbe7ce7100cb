//! A tap between a client and a server that say what a test makes them say.

use auditrail::Trail;
use auditrail::capture::mcp::{TapRead, TapWrite};
use auditrail::record::{Record, names};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

/// Both ends of a connection with a tap on it.
pub(crate) struct Wire {
    client_says: DuplexStream,
    server_hears: TapRead<DuplexStream>,
    server_says: TapWrite<DuplexStream>,
    client_hears: DuplexStream,
}

impl Wire {
    pub(crate) fn new(trail: &Trail) -> Self {
        let (client_says, read) = duplex(ROOM);
        let (write, client_hears) = duplex(ROOM);
        let (server_hears, server_says) = trail.tap(read, write).into_streams();
        Self { client_says, server_hears, server_says, client_hears }
    }

    /// A line from the client, read by the server.
    pub(crate) async fn client(&mut self, line: &str) {
        self.client_bytes(format!("{line}\n").as_bytes()).await;
    }

    pub(crate) async fn client_bytes(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(ROOM) {
            self.client_says.write_all(bytes).await.unwrap();
            let mut heard = vec![0; bytes.len()];
            self.server_hears.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, bytes, "what passes is what was sent");
        }
    }

    /// A line from the server, read by the client.
    pub(crate) async fn server(&mut self, line: &str) {
        self.server_bytes(format!("{line}\n").as_bytes()).await;
    }

    pub(crate) async fn server_bytes(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(ROOM) {
            self.server_says.write_all(bytes).await.unwrap();
            let mut heard = vec![0; bytes.len()];
            self.client_hears.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, bytes, "what passes is what was sent");
        }
    }
}

/// The records of one JSON-RPC id, in order.
pub(crate) fn of_id<'a>(records: &'a [Record], id: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID) == Some(id)).collect()
}

const ROOM: usize = 1 << 16;
