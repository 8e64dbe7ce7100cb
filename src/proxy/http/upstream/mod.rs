//! The way to servers.
//!
//! ```text
//!  Pool ─► idle ──────────┐
//!       └► connect (TLS) ─┴─► channel ─► body ─► idle
//! ```
//!
//! Invariants:
//! 1. A connection has one user at a time, and no task of its own: whoever waits for an answer, or reads it, drives the
//!    connection. So what has come is read without a change of tasks, and many frames of it go on by one write.
//! 2. A connection whose answer nobody reads to its end is closed.
//! 3. A request is sent again only if not a byte of it was sent.
//! 4. There are no more connections than [`Connections`] says: idle ones are closed for new ones.
//!
//! It speaks HTTP/1.1 to servers, whatever clients speak. On one connection of HTTP/2 the streams are limited: a hundred
//! event streams would make every other call wait without an end.

mod body;
mod channel;
mod connect;
mod error;
mod idle;
mod upload;

use http::{Request, Response, Uri};
use http_body_util::Either;
use hyper::body::Incoming;

pub(super) use self::body::ServerBody;
use self::channel::Channel;
use self::connect::Connector;
pub(super) use self::connect::KEEP_ALIVE;
pub(super) use self::error::{Failed, Unanswered, cause, is_late};
use self::idle::{Idle, Key};
use self::upload::Upload;
use super::arriving::Arriving;
use super::held::HeldBody;
use super::room::{Connections, ServerPlace};
use super::{HttpProxyError, HttpSettings};

/// The body of a request as the server gets it.
pub(super) type Outgoing = Either<Arriving, HeldBody<Arriving>>;

/// Connections to servers.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Connector,
    idle: Idle,
    connections: Connections,
}

impl Pool {
    /// # Errors
    /// What is wrong with the certificates of the settings.
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, HttpProxyError> {
        let connections = settings.connections.clone();
        Ok(Self { connector: connect::connector(settings)?, idle: Idle::default(), connections })
    }

    /// Sends it to the server that its target, in absolute form, names.
    pub(super) async fn request(&self, request: Request<Outgoing>) -> Result<Response<ServerBody>, Box<Failed>> {
        let (key, request) = addressed(request).map_err(Failed::without_body)?;
        let (mut request, upload) = upload::followed(request);
        while let Some(channel) = self.idle.take(&key) {
            match channel.send(request).await {
                Ok(sent) => return Ok(self.answered(sent, upload, key)),
                // The server closed the connection at that moment.
                Err(unsent) => request = unsent.request()?,
            }
        }
        let channel = match self.opened(&key).await {
            Ok(channel) => channel,
            Err(error) => return Err(Failed::with_body(error, request.into_body().into_inner())),
        };
        match channel.send(request).await {
            Ok(sent) => Ok(self.answered(sent, upload, key)),
            Err(unsent) => Err(unsent.into_failed()),
        }
    }

    async fn opened(&self, key: &Key) -> Result<Channel, Unanswered> {
        let place = self.place().ok_or(Unanswered::NoRoom)?;
        // Where a server has two addresses, both may be tried at a time.
        let second = self.connections.to_server();
        let stream = self.connector.connect(key).await?;
        drop(second);
        Channel::open(stream, place).await
    }

    /// That of an idle connection, if there is no other.
    fn place(&self) -> Option<ServerPlace> {
        loop {
            let place = self.connections.to_server();
            if place.is_some() || !self.idle.close_one() {
                return place;
            }
        }
    }

    fn answered(
        &self,
        (response, channel): (Response<Incoming>, Channel),
        upload: Upload,
        key: Key,
    ) -> Response<ServerBody> {
        let home = self.idle.home(key);
        response.map(|body| ServerBody::new(body, channel, &upload, home))
    }
}

/// The server, and the request as it is sent there.
fn addressed(mut request: Request<Outgoing>) -> Result<(Key, Request<Outgoing>), Unanswered> {
    let parts = std::mem::take(request.uri_mut()).into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(Unanswered::Unaddressed) };
    *request.uri_mut() = parts.path_and_query.map(Uri::from).unwrap_or_default();
    Ok(((scheme, authority), request))
}

/// hyper's own limit of 100 is less than what servers take.
pub(super) const MAX_HEADERS: usize = 1000;
