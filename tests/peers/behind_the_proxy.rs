//! A server of the official Python SDK with its own tracer, behind `auditrail proxy`, over stdio and HTTP: what
//! `collector-config/README.md` shows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::peers::{Peer, Peers};
use crate::servers::{Client, Collector, Http, Jaeger, Server, free_ports, terminate};
use crate::{agree, inside, of_run, parent};

pub(crate) async fn python_server(peers: Peers) {
    let http = Http::new();
    let jaeger = Jaeger::start(&peers, &http).await;
    let collector = Collector::start(&peers, &jaeger, &http).await;
    let files = tempfile::tempdir().unwrap();
    for server in [Server::Stdio, Server::Http] {
        // The server behind the proxy lives until its spans have arrived: a signal would end it with what it has not sent yet.
        let (lines, _server) = Route { peers: &peers, collector: &collector, files: files.path() }.run(server).await;
        let [line] = &lines[..] else { panic!("{lines:#?}") };
        let records = collector.records();
        let pair = of_run(&records, Client::Python, server);
        let [request, response] = pair[..] else { panic!("{pair:#?}") };
        // The client's own span, the proxy's, the server's for the request, and its handler's.
        let trace = jaeger.trace_of(&response.trace_id, 4, &http).await;
        let call = &trace[&response.span_id];
        agree(call, request, response);
        parent(Client::Python, call, line);
        let below = inside(&trace, call);
        assert_eq!(below.len(), 2, "{server:?}: {trace:#?}");
        let handler = below.iter().find(|span| span["operationName"] == "adding").unwrap();
        assert!(handler["duration"].as_u64().unwrap() >= 300_000, "it takes that long: {handler:#}");
        show(server, &trace);
    }
}

/// What Jaeger has, a line a span, for people.
fn show(server: Server, trace: &HashMap<String, Value>) {
    let mut spans: Vec<_> = trace.values().collect();
    spans.sort_by_key(|span| span["startTime"].as_u64());
    for span in spans {
        eprintln!(
            "{server:?}: {} {} below {} from {} µs for {} µs",
            span["operationName"], span["spanID"], span["references"][0]["spanID"], span["startTime"], span["duration"]
        );
    }
}

struct Route<'a> {
    peers: &'a Peers,
    collector: &'a Collector,
    files: &'a Path,
}

impl Route<'_> {
    /// Lets the client make one call, and gives what it printed, with the server over HTTP, which goes on.
    async fn run(&self, server: Server) -> (Vec<Value>, Option<Child>) {
        let calls = self.file("calls.json", r#"[{"tool":"add","arguments":{"a":20,"b":22}}]"#);
        let mut client = self.command(&self.peers.path(Peer::Python));
        client.arg("tests/peers/python/client.py").arg("--calls").arg(calls);
        let (mut proxy, mut behind) = (None, None);
        match server {
            Server::Stdio => {
                client.args(["stdio", "--"]).arg(AUDITRAIL).args(["proxy", "--config"]).arg(self.config()).arg("--");
                client.arg(self.peers.path(Peer::Python)).args([ADDER, "stdio"]);
            }
            Server::Http => {
                let ([first, second], url) = self.serve().await;
                (proxy, behind) = (Some(first), Some(second));
                client.args(["http", &url]);
            }
        }
        let output = client.stdin(Stdio::null()).output().await.unwrap();
        assert!(output.status.success(), "{server:?}: {}", String::from_utf8_lossy(&output.stderr));
        if let Some(proxy) = proxy {
            terminate(proxy).await;
        }
        let lines = String::from_utf8(output.stdout).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), behind)
    }

    /// The proxy and the server behind it, and where clients go.
    async fn serve(&self) -> ([Child; 2], String) {
        let [port] = free_ports();
        let mut server = self.command(&self.peers.path(Peer::Python));
        let server = server.arg(ADDER).env("PORT", port.to_string()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let mut proxy = self.command(Path::new(AUDITRAIL));
        proxy.args(["proxy", "--listen", "127.0.0.1:0", "--upstream", &format!("http://127.0.0.1:{port}")]);
        let mut proxy = proxy.arg("--config").arg(self.config()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(proxy.stderr.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the proxy says where it listens");
        let address = line.strip_prefix("auditrail: listens on ").unwrap_or_else(|| panic!("{line}"));
        let url = format!("http://{address}/mcp");
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("proxy: {line}");
            }
        });
        ([proxy, server], url)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.collector.tell(&mut command);
        command.kill_on_drop(true);
        command
    }

    fn config(&self) -> PathBuf {
        self.file("proxy.toml", "service_name = \"adder\"\n[trace]\ninject = true\n")
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.files.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

const AUDITRAIL: &str = env!("CARGO_BIN_EXE_auditrail");
const ADDER: &str = "examples/python/adder.py";
