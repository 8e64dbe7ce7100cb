//! Clients that others wrote show certificates to the proxy as its configuration file sets it up: OpenSSL and curl, where the
//! machine has them.

use std::process::{Output, Stdio};

use auditrail::record::{Record, names};
use axum::routing::post;
use libtest_mimic::Trial;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::peers::trial_where;
use crate::processes::Proxied;
use crate::rig::PATIENCE;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial_where("curl_shows_a_certificate", || is_there("curl"), curl_shows_a_certificate),
        trial_where("openssl_is_told_what_tls_demands", || is_there("openssl"), openssl_is_told_what_tls_demands),
    ]
}

async fn curl_shows_a_certificate((): ()) {
    let proxy = proxy("client_certificate = \"optional\"\nclient_name = \"email\"").await;
    for certificate in [Some("ada"), None] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert", "tests/tls/ours-ca.pem"]);
        if let Some(name) = certificate {
            curl.args(["--cert", &format!("tests/tls/{name}.pem"), "--key", &format!("tests/tls/{name}.key")]);
        }
        let port = proxy.address.port();
        curl.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        curl.args(["--header", "content-type: application/json", "--data", CALL]);
        let output = run(curl.arg(format!("https://localhost:{port}/mcp")), "").await;
        assert_eq!(String::from_utf8_lossy(&output.stdout), RESULT, "{}", String::from_utf8_lossy(&output.stderr));
    }
    let records = proxy.records().await;
    let actors: Vec<_> = records.iter().map(who).collect();
    let ada = ("ada@example.org", "user", Some("mtls"));
    let nobody = ("anonymous", "user", None);
    assert_eq!(actors, [ada, ada, nobody, nobody]);
}

/// The alerts of RFC 8446, section 6.2.
async fn openssl_is_told_what_tls_demands((): ()) {
    let proxy = proxy("").await;
    for (certificate, alert) in [
        (Some("bygone"), "alert certificate expired"),
        (Some("others-client"), "alert unknown ca"),
        (None, "alert certificate required"),
    ] {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-quiet", "-tls1_3", "-CAfile", "tests/tls/ours-ca.pem", "-connect"]);
        client.arg(proxy.address.to_string());
        if let Some(name) = certificate {
            client.args(["-cert", &format!("tests/tls/{name}.pem"), "-key", &format!("tests/tls/{name}.key")]);
        }
        let output = run(&mut client, "").await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(alert), "{certificate:?}: {said}");
    }
    let records = proxy.records().await;
    let reasons: Vec<_> = records.iter().map(|record| record.text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON)).collect();
    assert_eq!(reasons, [Some("expired"), Some("issuer"), None]);
    assert!(records.iter().all(|record| record.event_name == "auditrail.authn"), "{records:#?}");
}

/// A proxy as a process, with TLS and certificates of clients, in front of a server that answers each call.
async fn proxy(keys: &str) -> Proxied {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let answer = || async { ([("content-type", "application/json")], RESULT) };
    let router = axum::Router::new().route("/mcp", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let files = std::env::current_dir().unwrap().join("tests/tls").display().to_string();
    let configuration = format!(
        "[[listener]]\nlisten = \"127.0.0.1:0\"\nupstream = \"http://{server}\"\ntls_certificate = \"{files}/ours-server.pem\"\n\
         tls_key = \"{files}/ours-server.key\"\nclient_ca = \"{files}/clients-ca.pem\"\n{keys}\n"
    );
    Proxied::configured(&configuration).await
}

async fn run(command: &mut Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // It may end before it reads.
    drop(stdin.write_all(input.as_bytes()).await);
    let output = tokio::time::timeout(PATIENCE, process.wait_with_output()).await.unwrap().unwrap();
    drop(stdin);
    output
}

fn who(record: &Record) -> (&str, &str, Option<&str>) {
    let text = |name| record.text(name);
    let (id, kind) = (text(names::AUDIT_ACTOR_ID).unwrap(), text(names::AUDIT_ACTOR_TYPE).unwrap());
    (id, kind, text(names::AUDITRAIL_ACTOR_SOURCE))
}

fn is_there(program: &str) -> Result<(), String> {
    let ran = std::process::Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    ran.map(drop).map_err(|_| format!("needs: the program {program}"))
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
