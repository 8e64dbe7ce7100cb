//! FastMCP behind a listener with TLS: uvicorn believes a proxy on its own machine, once that says how clients come.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;

use crate::peers::{Peer, Peers, trial};

pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
    vec![trial("fastmcp_redirects_to_where_its_clients_are", &[Peer::FastMcp], fastmcp_redirects)]
}

async fn fastmcp_redirects(peers: Peers) {
    let mut server = Command::new(peers.path(Peer::FastMcp));
    let (_server, url) = told(server.args(["tests/peers/fastmcp/server.py", "http"]), "MCP server on ").await;
    let upstream = url.strip_suffix("/mcp").unwrap();
    for (forwarded, expected) in [(false, "http://localhost:8443/mcp"), (true, "https://localhost:8443/mcp")] {
        let directory = tempfile::tempdir().unwrap();
        let tls = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tls").join(name);
        let text = format!(
            "[[listener]]\nlisten = \":0\"\nupstream = \"{upstream}\"\nforwarded = {forwarded}\n\
             tls_certificate = {:?}\ntls_key = {:?}\n",
            tls("ours-server.pem"),
            tls("ours-server.key")
        );
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, text).unwrap();
        let mut proxy = Command::new(env!("CARGO_BIN_EXE_auditrail"));
        proxy.args(["proxy", "--config"]).arg(&file).env("AUDITRAIL_DIR", directory.path().join("state"));
        proxy.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env("AUDITRAIL_FLUSH_TIMEOUT", "1");
        let (_proxy, address) = told(&mut proxy, "auditrail: listens on ").await;
        let head = asked(&address, "GET /mcp/ HTTP/1.1\r\nHost: localhost:8443\r\nConnection: close\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 307 "), "{head}");
        let location = head.lines().find_map(|line| line.strip_prefix("location: "));
        assert_eq!(location, Some(expected), "forwarded = {forwarded}: {head}");
    }
}

/// A process that runs, and the rest of the line on standard error that begins so.
async fn told(command: &mut Command, beginning: &str) -> (Child, String) {
    let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
    let found = async {
        loop {
            let line = said.next_line().await.unwrap().expect("it ended");
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    };
    let rest = within(found).await;
    // Who cannot write there any more may end.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    (process, rest)
}

async fn asked(address: &str, request: &str) -> String {
    let mut roots = RootCertStore::empty();
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tls/ours-ca.pem");
    CertificateDer::pem_file_iter(authority).unwrap().for_each(|one| roots.add(one.unwrap()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Some end without a word of TLS.
    drop(within(stream.read_to_end(&mut answer)).await);
    String::from_utf8(answer).unwrap()
}

/// Nothing here takes that long, unless it hangs.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it does not hang")
}
