//! Posts to a collector: for records here, and for the spans of `install_tracing`.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::config::OtlpSettings;
use crate::ship::connector::{describe, unanswered};

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

    /// Sends a request and reads the answer, as much of it as an answer may have. Redirects are not followed: a trail goes
    /// where its operator sent it. A connection whose request was not answered in time is closed.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let exchange = async {
            let response = self.pool.request(request.map(Full::new)).await.map_err(|error| describe(&error))?;
            let (head, body) = response.into_parts();
            // An answer that cannot be read to its end has its status all the same.
            let body = match Limited::new(body, LONGEST_ANSWER).collect().await {
                Ok(body) => body.to_bytes(),
                Err(_) => Bytes::new(),
            };
            Ok(Response::from_parts(head, body))
        };
        timeout(self.timeout, exchange).await.unwrap_or_else(|_| Err(unanswered(self.timeout)))
    }
}

/// Shorter than the idle time-outs of the usual servers and proxies, so that a request seldom meets a connection that is
/// just being closed.
const IDLE: Duration = Duration::from_secs(20);
/// An answer holds a count and a message.
const LONGEST_ANSWER: usize = 64 * 1024;
