//! Sends requests to servers, on idle connections or new ones.

use http::{Request, Response, Uri};
use hyper::body::Incoming;

use super::connect::{ServerConnector, ServerKey, connector};
use super::connection::ServerConnection;
use super::error::{FailedRequest, UpstreamError};
use super::idle::IdlePool;
use super::response_body::ServerBody;
use super::upload::{UploadState, tracked};
use crate::proxy::http::body::OutgoingBody;
use crate::proxy::http::capacity::{Connections, ServerSlot};
use crate::proxy::http::error::HttpProxyError;
use crate::proxy::http::settings::HttpSettings;

/// The connections to all servers.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: ServerConnector,
    idle: IdlePool,
    connections: Connections,
}

impl Pool {
    /// # Errors
    /// What is wrong with the certificates of the settings.
    pub(crate) fn new(settings: &HttpSettings) -> Result<Self, HttpProxyError> {
        let connections = settings.connections.clone();
        Ok(Self { connector: connector(settings)?, idle: IdlePool::default(), connections })
    }

    /// Sends a request to the server that its target, in absolute form, names.
    pub(crate) async fn request(
        &self,
        request: Request<OutgoingBody>,
    ) -> Result<Response<ServerBody>, Box<FailedRequest>> {
        let (key, request) = addressed(request).map_err(FailedRequest::without_body)?;
        let (mut request, upload) = tracked(request);
        while let Some(channel) = self.idle.take(&key) {
            match channel.send(request).await {
                Ok(sent) => return Ok(self.answered(sent, upload, key)),
                // The server closed the connection at that moment.
                Err(unsent) => request = unsent.request()?,
            }
        }
        let channel = match self.opened(&key).await {
            Ok(channel) => channel,
            Err(error) => return Err(FailedRequest::with_body(error, request.into_body().into_inner())),
        };
        match channel.send(request).await {
            Ok(sent) => Ok(self.answered(sent, upload, key)),
            Err(unsent) => Err(unsent.into_failed()),
        }
    }

    async fn opened(&self, key: &ServerKey) -> Result<ServerConnection, UpstreamError> {
        let slot = self.slot().ok_or(UpstreamError::NoRoom)?;
        // Where a server has two addresses, both may be tried at a time.
        let second = self.connections.try_acquire_server();
        let stream = self.connector.connect(key).await?;
        drop(second);
        ServerConnection::open(stream, slot).await
    }

    /// A free slot, or that of an idle connection.
    fn slot(&self) -> Option<ServerSlot> {
        loop {
            let slot = self.connections.try_acquire_server();
            if slot.is_some() || !self.idle.close_one() {
                return slot;
            }
        }
    }

    fn answered(
        &self,
        (response, channel): (Response<Incoming>, ServerConnection),
        upload: UploadState,
        key: ServerKey,
    ) -> Response<ServerBody> {
        let home = self.idle.home(key);
        response.map(|body| ServerBody::new(body, channel, &upload, home))
    }
}

/// The server of a request, and the request with its target in origin form.
fn addressed(mut request: Request<OutgoingBody>) -> Result<(ServerKey, Request<OutgoingBody>), UpstreamError> {
    let parts = std::mem::take(request.uri_mut()).into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Err(UpstreamError::Unaddressed);
    };
    *request.uri_mut() = parts.path_and_query.map(Uri::from).unwrap_or_default();
    Ok(((scheme, authority), request))
}
