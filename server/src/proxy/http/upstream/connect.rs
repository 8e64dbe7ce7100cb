//! Opens connections to servers.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use tower_service::Service;

use super::error::UpstreamError;
use crate::proxy::http::error::HttpProxyError;
use crate::proxy::http::limits::KEEP_ALIVE;
use crate::proxy::http::settings::HttpSettings;

#[cfg(feature = "tls")]
type Transport = hyper_rustls::HttpsConnector<Tcp>;
#[cfg(not(feature = "tls"))]
type Transport = Tcp;

/// The server of a connection.
pub(super) type ServerKey = (Scheme, Authority);

/// The transport under HTTP.
pub(super) type ServerStream = <Transport as Service<Uri>>::Response;

/// Connects within a timeout.
#[derive(Debug)]
pub(super) struct ServerConnector {
    transport: Transport,
    timeout: Duration,
}

/// # Errors
/// What is wrong with the certificates of the settings.
pub(super) fn connector(settings: &HttpSettings) -> Result<ServerConnector, HttpProxyError> {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    #[cfg(feature = "tls")]
    let transport = crate::proxy::http::tls::secured(tcp, &settings.mode)?;
    #[cfg(not(feature = "tls"))]
    let transport = tcp;
    Ok(ServerConnector { transport, timeout: settings.connect_timeout })
}

impl ServerConnector {
    /// TLS included.
    pub(super) async fn connect(&self, (scheme, authority): &ServerKey) -> Result<ServerStream, UpstreamError> {
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query("/").build();
        let connecting =
            connected(self.transport.clone(), uri.map_err(|error| UpstreamError::Unconnected(error.into()))?);
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connected) => connected.map_err(UpstreamError::Unconnected),
            Err(_) => Err(UpstreamError::Unconnected(io::Error::from(io::ErrorKind::TimedOut).into())),
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
