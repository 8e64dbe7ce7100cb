//! Posts to a collector: records here, and the spans of `install_tracing`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::config::OtlpSettings;
use crate::ship::connector::{BROKEN, LONGEST_ANSWER, describe, unanswered};

/// A pool of connections to one collector. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    pool: Client<Transport, Full<Bytes>>,
    timeout: Duration,
}

#[cfg(feature = "tls")]
type Transport = hyper_rustls::HttpsConnector<Tcp>;
#[cfg(not(feature = "tls"))]
type Transport = Tcp;

impl HttpClient {
    /// # Errors
    /// What is wrong with the certificates of the settings.
    pub(crate) fn new(settings: &OtlpSettings) -> Result<Self, String> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.timeout));
        #[cfg(feature = "tls")]
        let transport = super::tls::secured(tcp, settings)?;
        #[cfg(not(feature = "tls"))]
        let transport = tcp;
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(transport);
        Ok(Self { pool, timeout: settings.timeout })
    }

    /// Sends a request and reads the answer, or as much of it as has a meaning: if the body cannot be read to its
    /// end, the status still counts.
    ///
    /// # Errors
    /// Why there is no answer.
    #[cfg(feature = "layer")]
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        Ok(self.exchange(request).await?.map(Result::unwrap_or_default))
    }

    /// Sends a request and reads the answer, whose body may be incomplete. Redirects are not followed: records go
    /// where the operator sends them. A connection whose request was not answered in time is closed.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn exchange(&self, request: Request<Bytes>) -> Result<HttpAnswer, String> {
        let exchange = async {
            let response = self.pool.request(request.map(Full::new)).await.map_err(|error| cause(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            Ok(Response::from_parts(head, body.map(|body| body.to_bytes()).map_err(|error| Unread::because(&*error))))
        };
        timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(unanswered(self.timeout)))
    }
}

/// The answer, with its body if that is complete.
pub(crate) type HttpAnswer = Response<Result<Bytes, Unread>>;

/// Why a body is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The connection ended before the body did.
    CutShort,
    /// It is longer than an answer can be.
    TooLong,
}

impl Unread {
    fn because(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Self {
        if error.is::<LengthLimitError>() { Self::TooLong } else { Self::CutShort }
    }
}

/// Why there is no answer. A peer that speaks only HTTP/2 starts with bytes that are not HTTP/1.1.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let hyper = causes.find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let text = describe(error);
    match hyper {
        // Such a peer sends before it is asked.
        Some(error) if error.is_parse() || error.to_string().contains("unexpected message") => {
            format!("it does not speak HTTP/1.1; {OTHER_PORT}: {text}")
        }
        Some(error) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            format!("{BROKEN}: {text}")
        }
        _ => text,
    }
}

/// Shorter than the idle timeouts of common servers and proxies, so that a request rarely meets a connection that is
/// being closed.
const IDLE: Duration = Duration::from_secs(20);
const OTHER_PORT: &str = "it may be the port of OTLP/gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL to grpc, or name the port of \
                          OTLP/HTTP, which is 4318 as a rule";
