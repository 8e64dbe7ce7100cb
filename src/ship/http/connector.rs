//! The connection over HTTP, and its requests.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::classify::classify;
use super::client::HttpClient;
use crate::config::{Compression, OtlpSettings};
use crate::ship::connector::{Accepted, Connector, ExportError, ExportFuture, Sink};

/// Connects by OTLP over HTTP/1.1 with binary protobuf, with TLS for an `https://` endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpConnector;

impl Connector for HttpConnector {
    fn connect(&self, settings: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, PROTOBUF), (USER_AGENT, US)]);
        if settings.compression == Compression::Gzip {
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        headers.extend(settings.headers.iter().cloned());
        Ok(Arc::new(HttpSink {
            client: HttpClient::new(settings)?,
            endpoint: settings.endpoint.clone(),
            headers,
            compression: settings.compression,
        }))
    }
}

struct HttpSink {
    client: HttpClient,
    endpoint: Uri,
    headers: HeaderMap,
    compression: Compression,
}

impl HttpSink {
    async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let retry = |reason| ExportError::Retry { reason, after: None };
        let body = match self.compression {
            Compression::Gzip => gzip(&body).map_err(|error| retry(error.to_string()))?,
            Compression::None => body,
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = self.headers.clone();
        classify(&self.client.exchange(request).await.map_err(retry)?)
    }
}

impl Sink for HttpSink {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(self.send(request))
    }
}

/// Headers contain tokens, so nothing of it is shown.
impl std::fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpSink")
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body)?;
    Ok(encoder.finish()?.into())
}

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const US: HeaderValue = HeaderValue::from_static(concat!("auditrail/", env!("CARGO_PKG_VERSION")));
