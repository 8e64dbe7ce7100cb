//! The HTTP proxy on an address of IPv6, which not every machine has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "proxy_http/message.rs"]
mod message;
#[path = "../../tests/peers/mod.rs"]
mod peers;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "proxy_http/rig.rs"]
mod rig;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../tests/suite/support.rs"]
mod support;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use auditrail::record::names;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use self::peers::trial_where;
use self::rig::{Proxy, Server, call, ok, post, result, reverse};
use self::support::Bench;

fn main() -> ExitCode {
    peers::run(vec![
        trial_where("the_address_of_a_client_is_known", loopback, the_address_of_a_client_is_known),
        trial_where("the_command_listens_where_it_is_told", loopback, the_command_listens_where_it_is_told),
    ])
}

/// A port of it.
fn loopback() -> Result<SocketAddr, String> {
    let listen: SocketAddr = "[::1]:0".parse().unwrap();
    match TcpListener::bind(listen) {
        Ok(_) => Ok(listen),
        Err(_) => Err("needs: IPv6 on the loopback interface".into()),
    }
}

async fn the_address_of_a_client_is_known(listen: SocketAddr) {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let mut settings = reverse(server.address);
    settings.listen = listen;
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    assert_eq!(proxy.client().await.ask(post(&call(1, "echo"))).await.status(), 200);
    let records = proxy.records().await;
    let request = records.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request")).unwrap();
    assert_eq!(request.text(names::CLIENT_ADDRESS), Some("::1"));
}

async fn the_command_listens_where_it_is_told(_: SocketAddr) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_auditrail"));
    command.args(["proxy", "--listen", "[::1]:0", "--upstream", "http://127.0.0.1:9"]);
    command.env("AUDITRAIL_DIR", directory.path()).env("AUDITRAIL_FLUSH_TIMEOUT", "1");
    let mut process = command.stderr(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = rig::within(said.next_line()).await.unwrap().unwrap();
    assert!(line.starts_with("auditrail: listens on [::1]:"), "{line}");
}
