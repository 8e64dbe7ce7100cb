//! The tokens of `tests/jwt` through the proxy, as the embedded receiver reads them.

use std::sync::Arc;
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::identity::{Extractor as _, RequestFacts};
use auditrail::record::{Record, Value, names};
use auditrail::serve::Receiver;
use auditrail_server::proxy::http::HttpProxy;
use serde_json::json;
use tokio::sync::oneshot;

use crate::oauth::{AUDIENCE, Cast, Expected, Mode, SigningKey, doubtful, verified};
use crate::rig::{Client, Server, call, ok, post, result, reverse, within};

/// A proxy that verifies tokens, in front of a server that answers.
struct Verifying {
    trail: Trail,
    extractor: Arc<JwtExtractor>,
    receiver: Receiver,
    server: Server,
    address: std::net::SocketAddr,
    _directory: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

impl Verifying {
    async fn new(issuer: JwtIssuer) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let extractor = Arc::new(JwtExtractor::new([issuer]).unwrap());
        let trail = Trail::builder("proxy")
            .environment(Environment::default())
            .directory(directory.path())
            .endpoint(receiver.grpc_endpoint().unwrap())
            .identify(extractor.clone())
            .on_notice(|_| ())
            .start()
            .unwrap();
        let server = Server::answering(|_| ok("application/json", &result(1))).await;
        let proxy = HttpProxy::bind(reverse(server.address), &trail).await.unwrap();
        let address = proxy.address();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(proxy.run(async move { drop(stopped.await) }));
        Self { trail, extractor, receiver, server, address, _directory: directory, _stop: stop }
    }

    /// Waits until a token has that reason, or none.
    async fn wait_for(&self, token: &str, reason: Option<&str>) {
        let value = format!("Bearer {token}").parse().unwrap();
        let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        let mut request = RequestFacts::default();
        request.headers = Some(&headers);
        let wait = async {
            loop {
                let changed = self.extractor.changed().unwrap();
                let actor = self.extractor.extract(&request).unwrap();
                if actor.unverified.map(|reason| reason.as_str()) == reason {
                    return;
                }
                drop(tokio::time::timeout(Duration::from_millis(20), changed).await);
            }
        };
        within(wait).await;
    }

    /// The record of a call with these credentials, which pass as they are.
    async fn call(&self, authorization: &[String]) -> Record {
        let fields: String = authorization.iter().map(|value| format!("Authorization: {value}\r\n")).collect();
        let before = self.receiver.records().len();
        let request =
            String::from_utf8(post(&call(1, "echo"))).unwrap().replacen("Host:", &format!("{fields}Host:"), 1);
        Client::to(self.address).await.ask(request).await;
        let passed: Vec<_> = self.server.last().fields("authorization").into_iter().map(str::to_owned).collect();
        assert_eq!(passed, authorization, "the proxy changes no byte");
        self.trail.flush(Duration::from_secs(60)).await.unwrap();
        let records = self.receiver.records();
        let mut new = records.iter().skip(before).map(|it| Record::from_proto(it.record.clone()).unwrap());
        new.find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request")).expect("the record of the call")
    }

    async fn call_with(&self, token: &str) -> Record {
        self.call(&[format!("Bearer {token}")]).await
    }
}

fn named(record: &Record) -> Expected {
    let text = |name| record.text(name).map(ToOwned::to_owned);
    Expected {
        actor: text(names::AUDIT_ACTOR_ID).unwrap(),
        is_verified: record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&true.into()),
        reason: text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON),
        claimed: text(names::AUDITRAIL_CLAIMED_ACTOR_ID),
    }
}

fn discovered(cast: &Cast) -> JwtIssuer {
    JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_credential_is_recorded_as_what_it_is() {
    let cast = Cast::new();
    let proxy = Verifying::new(discovered(&cast)).await;
    proxy.wait_for(&cast.token("alice").signed_by(&cast.rsa), None).await;
    proxy.wait_for(&cast.token("alice").header("kid", "made-up").signed_by(&cast.forger), Some("key_unknown")).await;
    let cases = cast.cases();
    for case in &cases {
        assert_eq!(named(&proxy.call(&case.authorization).await), case.expected, "{}", case.name);
    }
    let all = format!("{:?}", proxy.receiver.records());
    for credential in cases.iter().flat_map(|case| &case.authorization) {
        let secret = credential.split(['.', ' ']).next_back().unwrap();
        assert!(secret.is_empty() || !all.contains(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_exchanged_and_calls_go_on_without_them() {
    for mode in [Mode::Slow, Mode::Gone, Mode::Lying("text/html", b"<html>".to_vec())] {
        let cast = Cast::new();
        cast.issuer.set(mode.clone());
        let proxy = Verifying::new(discovered(&cast).cool_down(Duration::from_millis(50))).await;
        let old = cast.token("alice").signed_by(&cast.rsa);
        assert_eq!(named(&proxy.call_with(&old).await), doubtful("alice", "key_unavailable"), "{mode:?}");
        cast.issuer.set(Mode::Ok);
        proxy.wait_for(&old, None).await;
        assert_eq!(named(&proxy.call_with(&old).await), verified("alice"), "{mode:?}");
        let next = SigningKey::ed25519("next");
        cast.issuer.rotate(&[&next]);
        let new = cast.token("alice").signed_by(&next);
        proxy.wait_for(&new, None).await;
        proxy.wait_for(&old, Some("key_unknown")).await;
        assert_eq!(named(&proxy.call_with(&new).await), verified("alice"), "{mode:?}");
        assert_eq!(named(&proxy.call_with(&old).await), doubtful("alice", "key_unknown"), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegated_agent_is_told_apart_from_the_person() {
    let cast = Cast::new();
    let proxy = Verifying::new(discovered(&cast)).await;
    let act = json!({ "sub": "agent-7", "act": { "sub": "orchestrator" } });
    let token = cast.token("alice").claim("act", act).claim("azp", "desk-app").signed_by(&cast.p256);
    proxy.wait_for(&token, None).await;
    let record = proxy.call_with(&token).await;
    assert_eq!(named(&record), verified("alice"));
    assert_eq!(record.text(names::GEN_AI_AGENT_ID), Some("agent-7"));
    assert_eq!(record.text(names::AUDITRAIL_OAUTH_CLIENT_ID), Some("desk-app"));
    let chain = Value::strings(["agent-7", "orchestrator"]);
    assert_eq!(record.get(names::AUDITRAIL_ACTOR_DELEGATION), Some(&chain));
}
