//! Many sessions whose clients read slowly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio::sync::Barrier;

use crate::message::Messages;
use crate::rig::{Proxy, call, here, post, result, within};
use crate::support::ending;

const SESSIONS: usize = 100;
/// More than the sockets on the way hold.
const EVENTS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_5_slow_readers_get_everything_and_cost_a_bounded_memory() {
    let written = Arc::<AtomicU64>::default();
    let proxy = Proxy::before(server(written.clone()).await).await;
    let (stalled, before) = (Arc::new(Barrier::new(SESSIONS + 1)), anonymous_memory());
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|id| {
            let (address, stalled) = (proxy.address, stalled.clone());
            tokio::spawn(async move {
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_recv_buffer_size(4096).unwrap();
                let (read, mut write) = socket.connect(address).await.unwrap().into_split();
                write.write_all(&post(&call(id as u64, "slow"))).await.unwrap();
                let mut messages = Messages::new(read);
                messages.head().await.unwrap();
                // All read nothing for a while, and then all do.
                stalled.wait().await;
                stalled.wait().await;
                let (mut length, mut last) = (0, Vec::new());
                loop {
                    let chunk = messages.chunk().await.expect("the answer is complete");
                    if chunk.is_empty() {
                        return (length, last);
                    }
                    length += chunk.len();
                    last = chunk;
                }
            })
        })
        .collect();
    within(stalled.wait()).await;
    until_nothing_moves(&written).await;
    let grown = anonymous_memory().saturating_sub(before);
    let through = written.load(Ordering::Relaxed);
    println!("{through} bytes left the server, {grown} are kept");
    assert!(through < (SESSIONS * EVENTS * EVENT.len()) as u64, "the server waits for the readers");
    assert!(grown < SESSIONS as u64 * 512 * 1024, "{grown} bytes more for {SESSIONS} readers that wait");
    within(stalled.wait()).await;
    for (id, session) in sessions.into_iter().enumerate() {
        let (length, last) = within(session).await.unwrap();
        let answer = answer(id as u64);
        assert_eq!(length, EVENTS * EVENT.len() + answer.len());
        assert!(last.ends_with(answer.as_bytes()));
    }
    let records = proxy.records().await;
    let answered = records.iter().filter(|record| ending(record) == ("response", "success", "ok")).count();
    assert_eq!((records.len(), answered), (2 * SESSIONS, SESSIONS), "each call has its pair");
}

async fn server(written: Arc<AtomicU64>) -> std::net::SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind(here()).unwrap();
    let listener = socket.listen(1024).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let written = written.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let Some(request) = Messages::new(read).request().await else { return };
                let call: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
                write.write_all(head.as_bytes()).await.unwrap();
                for _ in 0..EVENTS {
                    let chunk = format!("{:x}\r\n{EVENT}\r\n", EVENT.len());
                    write.write_all(chunk.as_bytes()).await.unwrap();
                    written.fetch_add(EVENT.len() as u64, Ordering::Relaxed);
                }
                let answer = answer(call["id"].as_u64().unwrap());
                write.write_all(format!("{:x}\r\n{answer}\r\n0\r\n\r\n", answer.len()).as_bytes()).await.unwrap();
            });
        }
    });
    address
}

async fn until_nothing_moves(written: &AtomicU64) {
    within(async {
        let mut before = u64::MAX;
        while std::mem::replace(&mut before, written.load(Ordering::Relaxed)) != written.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
    })
    .await;
}

fn answer(id: u64) -> String {
    format!("data: {}\n\n", result(id))
}

/// Of this process, in bytes.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Eight thousand bytes, which say nothing.
const EVENT: &str = const {
    const BYTES: [u8; 8000] = {
        let mut bytes = [b'.'; 8000];
        bytes[0] = b':';
        bytes[7998] = b'\n';
        bytes[7999] = b'\n';
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};
