//! Bodies of HTTP, each on a connection of its own, some at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auditrail::record::Record;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::corpus::Entry;
use crate::message::Messages;
use crate::peers::Peers;
use crate::proxy::{Proxy, Way};
use crate::victim::{Answers, PATIENCE, Victim};

pub(crate) async fn send(
    (victim, answers): (Victim, Answers),
    way: Way,
    entries: &[(usize, &Entry)],
    peers: &Peers,
    ran: &Path,
) -> Vec<Record> {
    let server = victim.serve(answers, peers, ran).await;
    let upstream = format!("http://127.0.0.1:{}", server.port);
    let arguments = ["--listen", "127.0.0.1:0", "--upstream", &upstream];
    let mut proxy = Proxy::start(way, &arguments, ran, peers.cache()).await;
    let address = proxy.address().await;
    let (few, mut all) = (Arc::new(Semaphore::new(AT_A_TIME)), JoinSet::new());
    for (number, entry) in entries {
        let (few, address, request) = (few.clone(), address.clone(), entry.request(*number, &address));
        all.spawn(async move {
            let _one = few.acquire_owned().await;
            // Who gets no answer gives up: what a server has run is known all the same.
            drop(timeout(ANSWER, ask(&address, &request)).await);
        });
    }
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
    // What was accepted and answered before it ran has run by then, or is not missed.
    let last = Entry { body: r#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#.to_owned(), ..Entry::default() };
    drop(timeout(PATIENCE, ask(&address, &last.request(0, &address))).await);
    proxy.terminate();
    proxy.end().await
}

/// Sends it, and reads the answer to its end, but for a stream that has none.
async fn ask(address: &str, request: &[u8]) -> Option<()> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    // A server may have answered, and closed, before it took everything.
    drop(stream.write_all(request).await);
    let method = String::from_utf8_lossy(request).split(' ').next().unwrap_or_default().to_owned();
    let mut messages = Messages::new(stream);
    if method == "GET" {
        return messages.head().await.map(drop);
    }
    messages.response(&method).await.map(drop)
}

/// As many as a small server bears.
const AT_A_TIME: usize = 4;
/// One that has not answered by then does not.
const ANSWER: Duration = Duration::from_secs(15);
