//! Starts the servers and clients that others wrote, on free ports of loopback, and stops them.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Record;
use crate::examples::example;
use crate::peers::{Peer, Peers};

/// A client for the servers' own interfaces.
pub(crate) struct Http(reqwest::Client);

impl Http {
    pub(crate) fn new() -> Self {
        Self(reqwest::Client::builder().no_proxy().build().unwrap())
    }

    async fn get(&self, url: &str) -> Option<String> {
        let response = self.0.get(url).send().await.ok()?;
        if response.status().is_success() { response.text().await.ok() } else { None }
    }

    /// Asks until there is an answer that will do.
    async fn until<T>(&self, url: &str, mut accept: impl FnMut(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = self.get(url).await.and_then(|text| accept(&text)) {
                return answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "no good answer from {url}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A Jaeger with the configuration that we ship.
pub(crate) struct Jaeger {
    otlp: u16,
    query: u16,
    _process: Child,
}

impl Jaeger {
    pub(crate) async fn start(peers: &Peers, http: &Http) -> Self {
        let [otlp, otlp_http, query, query_grpc, health] = free_ports();
        let process = Command::new(peers.path(Peer::Jaeger))
            .args(["--config", "collector-config/jaeger.yaml"])
            .envs(ports(&[
                ("JAEGER_OTLP_GRPC_PORT", otlp),
                ("JAEGER_OTLP_HTTP_PORT", otlp_http),
                ("JAEGER_QUERY_PORT", query),
                ("JAEGER_QUERY_GRPC_PORT", query_grpc),
                ("JAEGER_HEALTH_PORT", health),
            ]))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        http.until(&format!("http://127.0.0.1:{health}/status"), |_| Some(())).await;
        Self { otlp, query, _process: process }
    }

    /// The spans of a trace by their ids, once one of them is there.
    pub(crate) async fn trace_with(&self, trace: &str, span: &str, http: &Http) -> HashMap<String, Value> {
        self.trace(trace, |by_id| by_id.contains_key(span), http).await
    }

    /// The same, once it has that many.
    pub(crate) async fn trace_of(&self, trace: &str, spans: usize, http: &Http) -> HashMap<String, Value> {
        self.trace(trace, |by_id| by_id.len() >= spans, http).await
    }

    async fn trace(
        &self,
        trace: &str,
        is_whole: impl Fn(&HashMap<String, Value>) -> bool,
        http: &Http,
    ) -> HashMap<String, Value> {
        let url = format!("http://127.0.0.1:{}/api/traces/{trace}", self.query);
        http.until(&url, |text| {
            let answer: Value = serde_json::from_str(text).ok()?;
            let spans = answer["data"][0]["spans"].as_array()?.iter();
            let by_id: HashMap<_, _> =
                spans.map(|span| (span["spanID"].as_str().unwrap().to_owned(), span.clone())).collect();
            is_whole(&by_id).then_some(by_id)
        })
        .await
    }
}

/// A collector with the configuration that we ship.
pub(crate) struct Collector {
    endpoint: String,
    data: PathBuf,
    _process: Child,
}

impl Collector {
    pub(crate) async fn start(peers: &Peers, jaeger: &Jaeger, http: &Http) -> Self {
        let [grpc, otlp_http, health] = free_ports();
        // Of each its own: a queue has one owner.
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("collector-{}-{grpc}", std::process::id()));
        let process = Command::new(peers.path(Peer::Collector))
            .args(["--config", "collector-config/collector.yaml"])
            .envs(ports(&[
                ("OTLP_GRPC_PORT", grpc),
                ("OTLP_HTTP_PORT", otlp_http),
                ("HEALTH_PORT", health),
                ("JAEGER_OTLP_GRPC_PORT", jaeger.otlp),
            ]))
            .env("DATA_DIR", &data)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        http.until(&format!("http://127.0.0.1:{health}/"), |_| Some(())).await;
        Self { endpoint: format!("http://127.0.0.1:{grpc}"), data, _process: process }
    }

    /// Tells a program where it is, and where its state may be.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint).env("AUDITRAIL_DIR", self.data.join("journal"));
    }

    /// Every log record that it wrote.
    pub(crate) fn records(&self) -> Vec<Record> {
        let text = std::fs::read_to_string(self.data.join("audit.jsonl")).unwrap();
        let requests = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        requests
            .flat_map(|request| items(&request, "resourceLogs"))
            .flat_map(|resource| records_of(&resource))
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.data));
    }
}

fn records_of(resource: &Value) -> Vec<Record> {
    let attributes = |value: &Value| -> HashMap<String, Value> {
        items(value, "attributes")
            .into_iter()
            .map(|item| (item["key"].as_str().unwrap().to_owned(), item["value"].clone()))
            .collect()
    };
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    items(resource, "scopeLogs")
        .iter()
        .flat_map(|scope| items(scope, "logRecords"))
        .map(|record| Record {
            trace_id: text(&record["traceId"]),
            span_id: text(&record["spanId"]),
            time_unix_nano: text(&record["timeUnixNano"]).parse().unwrap(),
            body: text(&record["body"]["stringValue"]),
            attributes: attributes(&record),
        })
        .collect()
}

fn items(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Python,
    TypeScript,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Stdio,
    Http,
}

impl Client {
    /// What it calls itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python-mcp-client",
            Self::TypeScript => "typescript-mcp-client",
        }
    }
}

/// Runs the clients of others against our examples.
pub(crate) struct Clients<'a> {
    pub(crate) peers: &'a Peers,
    pub(crate) collector: &'a Collector,
}

impl Clients<'_> {
    /// Lets a client make its calls and end its session as it likes, and gives what it printed.
    pub(crate) async fn run(&self, client: Client, server: Server) -> Vec<Value> {
        let mut command = match client {
            Client::Python => Command::new(self.peers.path(Peer::Python)),
            Client::TypeScript => Command::new(self.peers.node()),
        };
        command.arg(match client {
            Client::Python => "tests/peers/python/client.py",
            Client::TypeScript => "tests/peers/typescript/client.mjs",
        });
        let mut serving = None;
        match server {
            Server::Stdio => {
                command.args(["stdio", "--"]).arg(example("rmcp_stdio"));
            }
            Server::Http => {
                let (child, url) = self.serve_http().await;
                serving = Some(child);
                command.args(["http", &url]);
            }
        }
        self.collector.tell(&mut command);
        command.env("PEERS_CACHE", self.peers.cache());
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        let (printed, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(output.status.success(), "{client:?} over {server:?}: {said}");
        if let Some(server) = serving {
            terminate(server).await;
        }
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn serve_http(&self) -> (Child, String) {
        let mut child = Command::new(example("rmcp_http"))
            .arg("127.0.0.1:0")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.collector.endpoint)
            .env("AUDITRAIL_DIR", self.collector.data.join("journal"))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the server says where it listens");
        let url = line.rsplit_once(' ').unwrap().1.to_owned();
        // What else it says is for people.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("rmcp_http: {line}");
            }
        });
        (child, url)
    }
}

/// SIGTERM, as an orchestrator ends a server; it must flush and go by itself.
pub(crate) async fn terminate(mut server: Child) {
    let pid = server.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill \"$@\"", "kill", "-TERM", &pid]).status().await.unwrap().success());
    let status =
        tokio::time::timeout(Duration::from_secs(120), server.wait()).await.expect("it ends by itself").unwrap();
    assert!(status.success(), "{status}");
}

/// Ports that are free now. All are held until all are known, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn ports(list: &[(&'static str, u16)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, port)| (*name, port.to_string())).collect()
}
