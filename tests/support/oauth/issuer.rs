//! An issuer on loopback: its metadata, and its keys.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::signing_key::SigningKey;

/// An issuer, which ends when it is dropped.
pub(crate) struct Issuer {
    address: SocketAddr,
    shared: Shared,
    _stop: oneshot::Sender<()>,
}

/// How it answers for its keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mode {
    /// As it should.
    Ok,
    /// Never, while it lasts; the connection stays open.
    Slow,
    /// With 503.
    Gone,
    /// With a document of that media type in place of the keys.
    Lying(&'static str, Vec<u8>),
    /// With a redirect.
    Redirecting(String),
}

#[derive(Clone)]
struct Shared {
    keys: Arc<Mutex<Value>>,
    mode: watch::Sender<Mode>,
    /// What the metadata name as the issuer, if it is not this one.
    other_name: Arc<Mutex<Option<String>>>,
    cache_control: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<usize>>,
    /// What it serves at other paths.
    documents: Arc<Mutex<HashMap<String, Value>>>,
    /// The other paths that somebody asked for.
    paths: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
}

impl Issuer {
    /// An issuer that publishes those keys.
    pub(crate) fn serving(keys: &[&SigningKey]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            keys: Arc::new(Mutex::new(Value::Null)),
            mode: watch::Sender::new(Mode::Ok),
            other_name: Arc::default(),
            cache_control: Arc::default(),
            asked: Arc::default(),
            documents: Arc::default(),
            paths: Arc::default(),
            address,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(shared.clone());
        // On a thread of its own, so that no test can hold it up.
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
        let issuer = Self { address, shared, _stop: stop };
        issuer.rotate(keys);
        issuer
    }

    /// Its name, which is the address of its metadata.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn jwks_url(&self) -> String {
        format!("{}/keys", self.url())
    }

    /// Publishes other keys from now on.
    pub(crate) fn rotate(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.publish(json!({ "keys": keys }));
    }

    /// Publishes that in place of keys.
    pub(crate) fn publish(&self, document: Value) {
        *self.shared.keys.lock().unwrap() = document;
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// Calls itself by another name in its metadata.
    pub(crate) fn rename(&self, name: &str) {
        *self.shared.other_name.lock().unwrap() = Some(name.into());
    }

    pub(crate) fn cache_control(&self, value: &str) {
        *self.shared.cache_control.lock().unwrap() = Some(value.into());
    }

    /// Serves that document at that path, too.
    pub(crate) fn serve(&self, path: &str, document: Value) {
        self.shared.documents.lock().unwrap().insert(path.into(), document);
    }

    /// The paths that somebody asked for, without the usual ones of metadata and keys.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.shared.paths.lock().unwrap().clone()
    }

    /// How often somebody asked for the keys.
    pub(crate) fn asked(&self) -> usize {
        *self.shared.asked.lock().unwrap()
    }

    /// Waits until the keys were asked for more often than that.
    pub(crate) fn wait_until_asked_more_than(&self, times: usize) {
        let since = Instant::now();
        while self.asked() <= times {
            assert!(since.elapsed() < Duration::from_secs(60), "nobody asks for the keys");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/keys", get(keys))
        .fallback(get(elsewhere))
        .with_state(shared)
}

/// The metadata at the path where a test wants them.
async fn elsewhere(State(shared): State<Shared>, uri: Uri) -> Response {
    let document = shared.documents.lock().unwrap().get(uri.path()).cloned();
    shared.paths.lock().unwrap().push(uri.path().to_owned());
    let Some(document) = document else { return StatusCode::NOT_FOUND.into_response() };
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

async fn metadata(State(shared): State<Shared>) -> Response {
    let own = format!("http://{}", shared.address);
    let issuer = shared.other_name.lock().unwrap().clone().unwrap_or_else(|| own.clone());
    let document = json!({ "issuer": issuer, "jwks_uri": format!("{own}/keys"), "response_types_supported": ["code"] });
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

async fn keys(State(shared): State<Shared>) -> Response {
    *shared.asked.lock().unwrap() += 1;
    let mode = shared.mode.borrow().clone();
    match mode {
        Mode::Ok => {}
        Mode::Slow => {
            let mut modes = shared.mode.subscribe();
            drop(modes.wait_for(|mode| *mode != Mode::Slow).await);
        }
        Mode::Gone => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mode::Lying(media_type, body) => return ([(header::CONTENT_TYPE, media_type)], body).into_response(),
        Mode::Redirecting(to) => return Redirect::temporary(&to).into_response(),
    }
    let body = shared.keys.lock().unwrap().to_string();
    let mut response = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(value) = shared.cache_control.lock().unwrap().as_deref() {
        response.headers_mut().insert(header::CACHE_CONTROL, value.parse().unwrap());
    }
    response
}
