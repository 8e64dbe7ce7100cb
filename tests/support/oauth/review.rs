//! A Kubernetes API server on loopback, as far as `TokenReview` goes: the JSON is that of `authentication.k8s.io/v1`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::signing_key::SigningKey;

/// An API server, which ends when it is dropped.
pub(crate) struct ApiServer {
    address: SocketAddr,
    shared: Shared,
    _stop: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Shared {
    /// What it says about a token.
    status: Arc<Mutex<HashMap<String, Value>>>,
    /// The token that may ask.
    own_token: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<Value>>>,
    answers: watch::Sender<bool>,
    keys: Arc<Mutex<Value>>,
}

impl ApiServer {
    /// A server that answers those who present that token.
    pub(crate) fn for_reviewer(token: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            status: Arc::default(),
            own_token: Arc::new(Mutex::new(token.into())),
            asked: Arc::default(),
            answers: watch::Sender::new(true),
            keys: Arc::new(Mutex::new(json!({ "keys": [] }))),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new()
            .route("/apis/authentication.k8s.io/v1/tokenreviews", post(review))
            .route("/openid/v1/jwks", get(keys))
            .with_state(shared.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, shared, _stop: stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The keys of the cluster, for those who present the token.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        *self.shared.keys.lock().unwrap() = json!({ "keys": keys });
    }

    /// Knows that token, as one of that service account in that pod.
    pub(crate) fn knows(&self, token: &str, namespace: &str, name: &str, audience: &str) {
        let status = json!({
            "authenticated": true,
            "user": {
                "username": format!("system:serviceaccount:{namespace}:{name}"),
                "uid": "7c2a5d1e-6f3b-4c0e-9d57-0a1b2c3d4e5f",
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
                "extra": {
                    "authentication.kubernetes.io/credential-id": ["JTI=4f1e"],
                    "authentication.kubernetes.io/pod-name": [format!("{name}-5d9c")],
                    "authentication.kubernetes.io/node-name": ["node-1"],
                }
            },
            "audiences": [audience],
        });
        self.shared.status.lock().unwrap().insert(token.into(), status);
    }

    /// Holds its answers back, or gives them.
    pub(crate) fn answer(&self, answers: bool) {
        self.shared.answers.send_replace(answers);
    }

    /// The token that may ask from now on.
    pub(crate) fn exchange_reviewer(&self, token: &str) {
        *self.shared.own_token.lock().unwrap() = token.into();
    }

    /// The reviews that were asked for.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Shared {
    fn allows(&self, headers: &HeaderMap) -> bool {
        let allowed = format!("Bearer {}", self.own_token.lock().unwrap());
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) == Some(&allowed)
    }
}

async fn keys(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if !shared.allows(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = shared.keys.lock().unwrap().to_string();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

async fn review(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    shared.asked.lock().unwrap().push(request.clone());
    let mut answers = shared.answers.subscribe();
    drop(answers.wait_for(|answers| *answers).await);
    if !shared.allows(&headers) {
        let status =
            json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401 });
        return (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, "application/json")], status.to_string())
            .into_response();
    }
    let token = request["spec"]["token"].as_str().unwrap();
    let unknown = json!({ "user": {}, "error": "[invalid bearer token, service account token has been invalidated]" });
    let status = shared.status.lock().unwrap().get(token).cloned().unwrap_or(unknown);
    let answer = json!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": { "creationTimestamp": null },
        "spec": request["spec"], "status": status,
    });
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}
