//! The way to servers: a pool of connections.
//!
//! It speaks HTTP/1.1 to servers, whatever clients speak. A pool puts all requests to a server on one connection of HTTP/2,
//! whose streams are limited: a hundred event streams would make every other call wait without an end.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::held::HeldBody;
use super::{BUFFER, HttpProxyError, HttpSettings};
use crate::capture::mcp::TapBody;

pub(super) type Outgoing = http_body_util::Either<TapBody<Incoming>, HeldBody<TapBody<Incoming>>>;
pub(super) type Pool = Client<Within<Transport>, Outgoing>;

#[cfg(feature = "tls")]
type Transport = hyper_rustls::HttpsConnector<Tcp>;
#[cfg(not(feature = "tls"))]
type Transport = Tcp;

/// # Errors
/// What is wrong with the certificates of the settings.
pub(super) fn pool(settings: &HttpSettings) -> Result<Pool, HttpProxyError> {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    #[cfg(feature = "tls")]
    let inner = super::tls::secured(tcp, &settings.mode)?;
    #[cfg(not(feature = "tls"))]
    let inner = tcp;
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .set_host(false)
        .http1_preserve_header_case(true)
        .http1_title_case_headers(true)
        .http1_max_buf_size(BUFFER)
        .http1_max_headers(MAX_HEADERS)
        .build(Within { inner, timeout: settings.connect_timeout }))
}

/// Connects in time, or not at all.
#[derive(Debug, Clone)]
pub(super) struct Within<C> {
    inner: C,
    timeout: Duration,
}

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.inner.call(uri));
        Box::pin(async move {
            match connecting.await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

/// Whether it took too long to connect.
pub(super) fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut))
}

/// The last cause, which says it best.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source())
}

/// Node.js and uvicorn close idle connections after 5 s: shorter, so that a request seldom meets one that is being closed.
const IDLE: Duration = Duration::from_secs(4);
/// After that much silence, TCP asks whether the peer is still there; a peer that is may be silent for ever.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// hyper's own limit of 100 is less than what servers take.
pub(super) const MAX_HEADERS: usize = 1000;
