//! One scene over a pair of pipes, from one point of view.

use rmcp::ServiceExt as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Lines, split};

use crate::proxied;
use crate::server::Stage;
use crate::stdio_rows::{Scene, Step};
use crate::summary::summary;
use crate::support::Bench;
use crate::view::{HANDSHAKE, View};

/// What was recorded of it.
pub(crate) async fn play(scene: &Scene, view: View) -> Vec<String> {
    let (bench, stage) = (Bench::new(), Stage::default());
    if view == View::Proxy {
        return play_through_the_proxy(scene, bench, stage).await;
    }
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (read, write) = split(theirs);
    let (trail, server) = (bench.trail.clone(), stage.clone());
    let serving = tokio::spawn(async move {
        match view {
            View::Wrapper => serve(trail.audited(server), (read, write)).await,
            View::Tap => serve(server, trail.tap(read, write).into_streams()).await,
            View::Both | View::Proxy => {
                let tap = trail.tap(read, write);
                serve(trail.audited(server).behind(&tap), tap.into_streams()).await
            }
        }
    });
    let (hear, say) = split(ours);
    let mut client = Client::new(hear, say);
    for step in &scene.steps {
        client.take(step, &stage).await;
    }
    drop(client);
    stage.go_on.notify_waiters();
    serving.await.unwrap();
    summary(&bench.records())
}

/// With the proxy between the client and the server, which knows nothing of it.
async fn play_through_the_proxy(scene: &Scene, bench: Bench, stage: Stage) -> Vec<String> {
    let proxied = proxied::Stdio::start(bench.trail.clone());
    let (hear, say) = (proxied.hear, proxied.say);
    let server = stage.clone();
    let serving = tokio::spawn(async move { serve(server, proxied.server.await.unwrap()).await });
    let mut client = Client::new(hear, say);
    for step in &scene.steps {
        client.take(step, &stage).await;
    }
    drop(client);
    stage.go_on.notify_waiters();
    serving.await.unwrap();
    proxied.running.await.unwrap();
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
    say: Box<dyn AsyncWrite + Send + Unpin>,
    hear: Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>,
    heard: Value,
}

impl Client {
    fn new(hear: impl AsyncRead + Send + Unpin + 'static, say: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let hear: Box<dyn AsyncRead + Send + Unpin> = Box::new(hear);
        Self { say: Box::new(say), hear: BufReader::new(hear).lines(), heard: Value::Null }
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
