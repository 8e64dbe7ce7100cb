//! New connections to servers.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use tower_service::Service;

use super::error::Unanswered;
use super::idle::Key;
use crate::proxy::http::{HttpProxyError, HttpSettings};

#[cfg(feature = "tls")]
type Transport = hyper_rustls::HttpsConnector<Tcp>;
#[cfg(not(feature = "tls"))]
type Transport = Tcp;

/// What HTTP is spoken on.
pub(super) type Stream = <Transport as Service<Uri>>::Response;

/// Connects in time, or not at all.
#[derive(Debug)]
pub(super) struct Connector {
    transport: Transport,
    timeout: Duration,
}

/// # Errors
/// What is wrong with the certificates of the settings.
pub(super) fn connector(settings: &HttpSettings) -> Result<Connector, HttpProxyError> {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    #[cfg(feature = "tls")]
    let transport = crate::proxy::http::tls::secured(tcp, &settings.mode)?;
    #[cfg(not(feature = "tls"))]
    let transport = tcp;
    Ok(Connector { transport, timeout: settings.connect_timeout })
}

impl Connector {
    /// TLS included.
    pub(super) async fn connect(&self, (scheme, authority): &Key) -> Result<Stream, Unanswered> {
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query("/").build();
        let connecting = connected(self.transport.clone(), uri.map_err(|error| Unanswered::Unconnected(error.into()))?);
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connected) => connected.map_err(Unanswered::Unconnected),
            Err(_) => Err(Unanswered::Unconnected(io::Error::from(io::ErrorKind::TimedOut).into())),
        }
    }
}

async fn connected<T: Service<Uri>>(mut transport: T, uri: Uri) -> Result<T::Response, Box<dyn Error + Send + Sync>>
where
    T::Error: Into<Box<dyn Error + Send + Sync>>,
{
    poll_fn(|context| transport.poll_ready(context)).await.map_err(Into::into)?;
    transport.call(uri).await.map_err(Into::into)
}

/// After that much silence, TCP asks whether the peer is still there; a peer that is may be silent for ever.
pub(in crate::proxy::http) const KEEP_ALIVE: Duration = Duration::from_secs(60);
