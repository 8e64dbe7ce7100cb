//! Service accounts of Kubernetes, with an API server of the test's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use auditrail::identity::jwt::{JwtExtractor, JwtIssuer, KubernetesExtractor, KubernetesIdentity};
use auditrail::identity::{Actor, Extractor, RequestFacts};
use auditrail::record::{Value, names};
use serde_json::json;

use crate::oauth::{AUDIENCE, ApiServer, Cast, SigningKey, Token, doubtful, nobody, verified};
use crate::rig::{Rig, Route, named};

const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const ACCOUNT: &str = "system:serviceaccount:payments:runner";

/// A pod with its own token, in a cluster.
struct Pod {
    api: ApiServer,
    key: SigningKey,
    files: tempfile::TempDir,
}

impl Pod {
    fn new() -> Self {
        let (key, files) = (SigningKey::rsa("cluster", 1), tempfile::tempdir().unwrap());
        let own = Token::of(CLUSTER, "system:serviceaccount:tools:auditrail").signed_by(&key);
        let api = ApiServer::for_reviewer(&own);
        api.publish(&[&key]);
        std::fs::write(files.path().join("token"), format!("{own}\n")).unwrap();
        Self { api, key, files }
    }

    fn directory(&self) -> &Path {
        self.files.path()
    }

    fn settings(&self) -> KubernetesIdentity {
        let soon = Duration::from_millis(20);
        KubernetesIdentity::new(AUDIENCE).api_server(self.api.url()).directory(self.directory()).refresh(soon)
    }

    fn extractor(&self, reviews: bool) -> Arc<dyn Extractor> {
        Arc::new(KubernetesExtractor::new(self.settings().token_reviews(reviews)).unwrap())
    }

    /// What Kubernetes 1.30 puts into the token of a pod.
    fn token(&self) -> Token {
        let of_pod = json!({
            "namespace": "payments",
            "node": { "name": "node-1", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1" },
            "pod": { "name": "runner-5d9c", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
            "serviceaccount": { "name": "runner", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
        });
        let token = Token::of(CLUSTER, ACCOUNT).claim("aud", json!([AUDIENCE])).claim("kubernetes.io", of_pod);
        token.header("typ", json!(null)).claim("jti", "canary-id")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_is_verified_by_the_keys_of_its_cluster() {
    let pod = Pod::new();
    let rig = Rig::with(Route::Tap, pod.extractor(false)).await;
    let token = pod.token().signed_by(&pod.key);
    rig.wait_for(&token, None).await;
    let record = rig.call_with(&token).await;
    assert_eq!(named(&record), verified(ACCOUNT));
    for (name, value) in [
        (names::AUDIT_ACTOR_TYPE, "service"),
        (names::AUDITRAIL_ACTOR_SOURCE, "kubernetes"),
        (names::AUDITRAIL_ACTOR_AUTH_TYPE, "kubernetes"),
        (names::AUDITRAIL_TOKEN_ISSUER, CLUSTER),
        (names::USER_ID, "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"),
    ] {
        assert_eq!(record.text(name), Some(value), "{name}");
    }
    let forger = SigningKey::rsa("cluster", 2);
    assert_eq!(named(&rig.call_with(&pod.token().signed_by(&forger)).await), nobody("signature", Some(ACCOUNT)));
    assert_eq!(
        named(&rig.call_with(&pod.token().audience("x").signed_by(&pod.key)).await),
        doubtful(ACCOUNT, "audience")
    );
    let other = Token::of("https://other.example", "alice").audience(AUDIENCE).signed_by(&pod.key);
    assert_eq!(named(&rig.call_with(&other).await), nobody("issuer", Some("alice")), "nobody else is asked");
    assert_eq!(named(&rig.call_with("opaque").await), nobody("malformed", None));
    assert!(!rig.all().contains("canary"));
    assert!(pod.api.asked().is_empty(), "nobody asked for reviews");
}

/// The API server knows what no key says: whether the pod still exists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_reviews_are_on_the_api_server_has_the_last_word() {
    let pod = Pod::new();
    pod.api.answer(false);
    let rig = Rig::with(Route::Tap, pod.extractor(true)).await;
    let (token, deleted) = (pod.token().signed_by(&pod.key), pod.token().claim("jti", "other").signed_by(&pod.key));
    pod.api.knows(&token, "payments", "runner", AUDIENCE);
    // The answer is held back, and the call is answered.
    assert_eq!(named(&rig.call_with(&token).await), doubtful(ACCOUNT, "key_unavailable"));
    pod.api.answer(true);
    rig.wait_for(&token, None).await;
    let record = rig.call_with(&token).await;
    assert_eq!(named(&record), verified(ACCOUNT));
    assert_eq!(record.text(names::AUDITRAIL_TOKEN_ISSUER), Some(CLUSTER));
    let groups = ["system:serviceaccounts", "system:serviceaccounts:payments", "system:authenticated"];
    assert_eq!(record.get(names::USER_ROLES), Some(&Value::strings(groups)));
    assert!(record.text(names::AUDITRAIL_TOKEN_ID_DIGEST).is_some());
    rig.wait_for(&deleted, Some("rejected")).await;
    assert_eq!(named(&rig.call_with(&deleted).await), nobody("rejected", Some(ACCOUNT)));

    let asked = pod.api.asked().len();
    for _ in 0..3 {
        rig.call_with(&token).await;
        rig.call_with(&deleted).await;
    }
    rig.call_with(&pod.token().signed_by(&SigningKey::rsa("cluster", 2))).await;
    assert_eq!(pod.api.asked().len(), asked, "neither what is known nor what is forged is asked about");
    let review = &pod.api.asked()[0];
    assert_eq!(review["kind"], "TokenReview");
    assert_eq!(review["apiVersion"], "authentication.k8s.io/v1");
    assert_eq!(review["spec"], json!({ "token": token, "audiences": [AUDIENCE] }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_accepts_for_another_audience_or_refuses_us_verifies_nobody() {
    let pod = Pod::new();
    let rig = Rig::with(Route::Tap, pod.extractor(true)).await;
    let token = pod.token().signed_by(&pod.key);
    pod.api.knows(&token, "payments", "runner", "https://kubernetes.default.svc");
    rig.wait_for(&token, Some("rejected")).await;

    // The pod's own token is exchanged: first at the API server, and soon in the file.
    pod.api.exchange_reviewer("next");
    let second = pod.token().claim("jti", "second").signed_by(&pod.key);
    pod.api.knows(&second, "payments", "runner", AUDIENCE);
    assert_eq!(named(&rig.call_with(&second).await), doubtful(ACCOUNT, "key_unavailable"));
    rig.wait_until_said("tokens of service accounts cannot be reviewed").await;
    assert!(!rig.said().join("").contains("eyJ"), "no token is told: {:?}", rig.said());
    std::fs::write(pod.directory().join("token"), "next").unwrap();
    rig.wait_for(&second, None).await;
}

/// In front of an extractor for people, tokens of people are left to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_service_accounts_can_call_the_same_server() {
    let (pod, cast) = (Pod::new(), Cast::new());
    let people = JwtExtractor::new([JwtIssuer::discovered(cast.issuer.url()).audience(AUDIENCE)]).unwrap();
    let accounts = KubernetesExtractor::new(pod.settings().pass_others(true)).unwrap();
    let rig = Rig::with(Route::Tap, Arc::new(Both(accounts, people))).await;
    let (alice, runner) = (cast.token("alice").signed_by(&cast.rsa), pod.token().signed_by(&pod.key));
    rig.wait_for(&alice, None).await;
    rig.wait_for(&runner, None).await;
    assert_eq!(named(&rig.call_with(&alice).await), verified("alice"));
    assert_eq!(named(&rig.call_with(&runner).await), verified(ACCOUNT));
    assert_eq!(named(&rig.call_with("opaque").await), nobody("malformed", None));
}

/// As the chain asks them.
#[derive(Debug)]
struct Both(KubernetesExtractor, JwtExtractor);

impl Extractor for Both {
    fn source(&self) -> &'static str {
        "both"
    }

    fn start(&self, start: &auditrail::identity::ExtractorStart) -> Result<(), auditrail::config::ConfigError> {
        self.0.start(start)?;
        self.1.start(start)
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        self.0.extract(request).or_else(|| self.1.extract(request))
    }

    fn changed(&self) -> Option<auditrail::identity::Changed> {
        self.1.changed()
    }
}

#[test]
fn a_pod_without_its_files_does_not_start() {
    let empty = tempfile::tempdir().unwrap();
    let pod = KubernetesIdentity::new(AUDIENCE).directory(empty.path());
    let error = auditrail::Trail::builder("pod")
        .environment(auditrail::config::Environment::default())
        .directory(empty.path().join("state"))
        .identify(KubernetesExtractor::new(pod).unwrap())
        .start()
        .unwrap_err()
        .to_string();
    assert!(error.contains("token does not name it"), "{error}");
    let error = KubernetesExtractor::new(KubernetesIdentity::new(AUDIENCE).api_server("http://10.0.0.1")).unwrap_err();
    assert!(error.to_string().contains("http:// is only for this machine"), "{error}");
}
