//! HTTP/2 and TLS, on either side.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditrail::record::names;
use auditrail_server::proxy::http::{HttpSettings, PemFiles, Upstream};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::message::Messages;
use crate::rig::{Proxy, Server, call, here, ok, result, reverse, within};
use crate::support::{Bench, ending};

#[tokio::test]
async fn http_2_passes_with_its_trailers_to_a_server_of_http_1() {
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTrailer: x-end\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = Server::answering(move |_| {
        let body = result(1);
        format!("{answer}{:x}\r\n{body}\r\n0\r\nx-end: yes\r\n\r\n", body.len()).into_bytes()
    });
    let server = server.await;
    let proxy = Proxy::before(server.address).await;
    // Prior knowledge: the client begins with the preface of HTTP/2.
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("1"))]);
    let frames =
        [Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(call(1, "echo")))), Ok(Frame::trailers(trailers))];
    let request = Request::post("http://mcp.example:81/mcp?a=%2F")
        .header("content-type", "application/json")
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .body(StreamBody::new(tokio_stream::iter(frames)))
        .unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
    assert!(response.headers().get("transfer-encoding").is_none());
    let body = within(response.into_body().collect()).await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-end"], "yes");
    assert_eq!(body.to_bytes(), result(1));
    let seen = server.last();
    assert_eq!((seen.first_line(), seen.field("host")), ("POST /mcp?a=%2F HTTP/1.1", Some("mcp.example:81")));
    assert_eq!((seen.text(), seen.trailers), (call(1, "echo"), vec![b"X-Sum: 1".to_vec()]));
    let records = proxy.records().await;
    assert_eq!(records.iter().map(ending).map(|ending| ending.2).collect::<Vec<_>>(), ["", "ok"]);
    assert_eq!(records[0].text(names::NETWORK_PROTOCOL_VERSION), Some("2"));
}

#[tokio::test]
async fn tls_is_spoken_with_clients_by_either_version() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let mut settings = reverse(server.address);
    settings.tls = Some(PemFiles { certificate: file("ours-server.pem"), key: file("ours-server.key") });
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    for (alpn, version) in
        [(Some("h2"), Version::HTTP_2), (Some("http/1.1"), Version::HTTP_11), (None, Version::HTTP_11)]
    {
        let stream = TokioIo::new(tls(proxy.address, alpn).await);
        let request = Request::post("https://localhost/mcp").header("content-type", "application/json");
        let response = if version == Version::HTTP_2 {
            let request = request.body(Full::new(Bytes::from(call(1, "echo")))).unwrap();
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            within(sender.send_request(request)).await.unwrap()
        } else {
            let request = request.header("host", "localhost").body(Full::new(Bytes::from(call(1, "echo")))).unwrap();
            let (mut sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            within(sender.send_request(request)).await.unwrap()
        };
        assert_eq!(response.version(), version);
        assert_eq!(within(response.into_body().collect()).await.unwrap().to_bytes(), result(1));
    }
    assert_eq!(proxy.records().await.len(), 6);
}

#[tokio::test]
async fn tls_is_spoken_with_servers_that_want_a_certificate() {
    let server = secure_server().await;
    let with = |identity: bool, ca: &str| {
        let mut upstream = Upstream::new(&format!("https://localhost:{}", server.port())).unwrap();
        upstream.ca = Some(file(ca));
        upstream.identity =
            identity.then(|| PemFiles { certificate: file("ours-client.pem"), key: file("ours-client.key") });
        HttpSettings::reverse(here(), upstream)
    };
    for (identity, ca, status) in
        [(true, "ours-ca.pem", 200), (false, "ours-ca.pem", 502), (true, "others-ca.pem", 502)]
    {
        let proxy = Proxy::with(Arc::new(Bench::new()), with(identity, ca)).await;
        let answer = proxy.client().await.post(&call(1, "echo")).await;
        assert_eq!(answer.status(), status, "{answer:?}");
        drop(proxy.records().await);
    }
}

pub(crate) async fn tls(address: SocketAddr, alpn: Option<&str>) -> TlsStream<TcpStream> {
    let mut config = client(None, rustls::DEFAULT_VERSIONS);
    config.alpn_protocols = alpn.into_iter().map(|name| name.as_bytes().to_vec()).collect();
    connect(address, &Arc::new(config)).await.unwrap()
}

/// A client that shows the certificate of that name, if there is one.
pub(crate) fn client(certificate: Option<&str>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots());
    let Some(name) = certificate else { return config.with_no_client_auth() };
    let chain = CertificateDer::pem_file_iter(file(&format!("{name}.pem"))).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
    config.with_client_auth_cert(chain, key).unwrap()
}

pub(crate) async fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    within(TlsConnector::from(config.clone()).connect(name, stream)).await
}

/// Answers one request a connection.
pub(crate) async fn secure_server() -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots()), provider.clone());
    let chain = CertificateDer::pem_file_iter(file("ours-server.pem")).unwrap().map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(file("ours-server.key")).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(here()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            if Messages::new(&mut stream).request().await.is_some() {
                stream.write_all(&ok("application/json", &result(1))).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        }
    });
    address
}

/// The same for clients without a certificate, however often they ask; it keeps what it got.
pub(crate) async fn secure_server_of_anybody() -> Server {
    let mut server = Server::answering(|_| ok("application/json", &result(1))).await;
    let chain = CertificateDer::pem_file_iter(file("ours-server.pem")).unwrap().map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(file("ours-server.key")).unwrap())
        .unwrap();
    let (acceptor, plain) = (TlsAcceptor::from(Arc::new(config)), server.address);
    let listener = TcpListener::bind(here()).await.unwrap();
    server.address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok(mut stream) = acceptor.accept(listener.accept().await.unwrap().0).await else { continue };
            tokio::spawn(async move {
                let mut behind = TcpStream::connect(plain).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut stream, &mut behind).await);
            });
        }
    });
    server
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    CertificateDer::pem_file_iter(file("ours-ca.pem")).unwrap().for_each(|one| roots.add(one.unwrap()).unwrap());
    roots
}

pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tls").join(name)
}
