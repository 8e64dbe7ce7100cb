//! One scene over a pair of pipes, from one point of view.

use rmcp::ServiceExt as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, split};

use crate::server::Stage;
use crate::stdio_rows::{Scene, Step};
use crate::summary::summary;
use crate::support::Bench;
use crate::view::{HANDSHAKE, View};

/// What was recorded of it.
pub(crate) async fn play(scene: &Scene, view: View) -> Vec<String> {
    let (bench, stage) = (Bench::new(), Stage::default());
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (read, write) = split(theirs);
    let (trail, server) = (bench.trail.clone(), stage.clone());
    let serving = tokio::spawn(async move {
        match view {
            View::Wrapper => serve(trail.audited(server), (read, write)).await,
            View::Tap => serve(server, trail.tap(read, write).into_streams()).await,
            View::Both => {
                let tap = trail.tap(read, write);
                serve(trail.audited(server).behind(&tap), tap.into_streams()).await
            }
        }
    });
    let mut client = Client::new(ours);
    for step in &scene.steps {
        client.take(step, &stage).await;
    }
    drop(client);
    stage.go_on.notify_waiters();
    serving.await.unwrap();
    summary(&bench.records())
}

/// Serves until the client goes; a server that does not even begin has nothing to wait for.
async fn serve<H, R, W>(server: H, streams: (R, W)) -> Option<()>
where
    H: rmcp::ServerHandler,
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    server.serve(streams).await.ok()?.waiting().await.ok().map(drop)
}

/// Says lines, and hears some.
struct Client {
    say: WriteHalf<DuplexStream>,
    hear: Lines<BufReader<ReadHalf<DuplexStream>>>,
    heard: Value,
}

impl Client {
    fn new(stream: DuplexStream) -> Self {
        let (read, write) = split(stream);
        Self { say: write, hear: BufReader::new(read).lines(), heard: Value::Null }
    }

    async fn take(&mut self, step: &Step, stage: &Stage) {
        match step {
            Step::Handshake => {
                self.say(HANDSHAKE).await;
                self.hear().await;
                self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
            }
            Step::Say(line) => self.say(line).await,
            Step::Hear => self.hear().await,
            Step::Reply(result) => {
                let id = self.heard["id"].clone();
                self.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
            }
            Step::Sync => {
                self.say(r#"{"jsonrpc":"2.0","id":"sync","method":"ping"}"#).await;
                while self.heard["id"] != "sync" {
                    self.hear().await;
                }
            }
            Step::Begun => stage.begun.notified().await,
            Step::GoOn => stage.go_on.notify_one(),
        }
    }

    async fn say(&mut self, line: &str) {
        self.say.write_all(line.as_bytes()).await.unwrap();
        self.say.write_all(b"\n").await.unwrap();
    }

    async fn hear(&mut self) {
        let line = self.hear.next_line().await.unwrap().expect("the server says something");
        self.heard = serde_json::from_str(&line).unwrap();
    }
}
