//! Clients with certificates: who acts is the holder of the one that the connection has proved, and nobody else.

use std::net::SocketAddr;
use std::sync::Arc;

use auditrail::identity::{ActorType, IdentityFields};
use auditrail::record::{Record, Value, names};
use auditrail_server::proxy::http::{CertificateExtractor, CertificateName, ClientCertificates, PemFiles, TrustedHops};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::rig::{Proxy, Server, call, ok, post, result, reverse, until, within};
use crate::support::Bench;
use crate::versions::{client, connect, file};

const ANY: &[&rustls::SupportedProtocolVersion] = rustls::DEFAULT_VERSIONS;
/// As openssl prints it (`-nameopt RFC2253,utf8,-esc_msb`).
const ADA: &str = r#"CN=Ada #1 \"Countess\" Lövelace,OU=Engines,O=Example\, Inc.,C=GB"#;
const AUTHORITY: &str = "CN=auditrail test: clients,O=Example";

#[tokio::test]
async fn the_name_that_counts_is_the_actor() {
    use CertificateName::{CommonName, Dns, Email, Subject, Uri};
    let weather = "spiffe://example.org/ns/prod/sa/weather";
    for (certificate, name, id, kind, person) in [
        ("ada", Subject, ADA, "user", Some("Ada #1 \"Countess\" Lövelace")),
        ("ada", CommonName, "Ada #1 \"Countess\" Lövelace", "user", None),
        ("ada", Email, "ada@example.org", "user", Some("Ada #1 \"Countess\" Lövelace")),
        ("ada", Uri, "https://example.org/people/ada", "service", Some("Ada #1 \"Countess\" Lövelace")),
        ("weather", Subject, "CN=weather,O=Example", "user", Some("weather")),
        ("weather", Uri, weather, "service", Some("weather")),
        ("weather", Dns, "weather.example.org", "service", Some("weather")),
    ] {
        let records = recorded(asking(name), certificate).await;
        assert_eq!(records.len(), 2);
        for record in &records {
            let text = |key| record.text(key);
            assert_eq!((text(names::AUDIT_ACTOR_ID), text(names::AUDIT_ACTOR_TYPE)), (Some(id), Some(kind)));
            assert_eq!(text(names::USER_NAME), person);
            assert_eq!(record.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&Value::Bool(true)));
            let by = (text(names::AUDITRAIL_ACTOR_SOURCE), text(names::AUDITRAIL_ACTOR_AUTH_TYPE));
            assert_eq!(by, (Some("mtls"), Some("mtls")));
            assert_eq!(text(names::AUDITRAIL_TOKEN_ISSUER), Some(AUTHORITY));
            assert_eq!(text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), None);
        }
    }
}

#[tokio::test]
async fn the_operator_says_what_holders_are() {
    for (holder, kind) in [(ActorType::Service, "service"), (ActorType::User, "user")] {
        for (certificate, name) in [("ada", CertificateName::Email), ("weather", CertificateName::Uri)] {
            let mut clients = asking(name);
            clients.holder = Some(holder);
            let records = recorded(clients, certificate).await;
            assert_eq!(records[0].text(names::AUDIT_ACTOR_TYPE), Some(kind));
        }
    }
}

/// The certificate is valid, but does not say which of several it is, or has no such name at all.
#[tokio::test]
async fn a_certificate_without_the_name_that_counts_names_nobody_and_says_so() {
    for (certificate, name, reason, claimed) in [
        ("crowd", CertificateName::Dns, "several", "CN=another,CN=one,O=Example"),
        ("crowd", CertificateName::CommonName, "several", "CN=another,CN=one,O=Example"),
        ("crowd", CertificateName::Uri, "missing_claim", "CN=another,CN=one,O=Example"),
        ("weather", CertificateName::Email, "missing_claim", "CN=weather,O=Example"),
    ] {
        for record in recorded(asking(name), certificate).await {
            assert_eq!(record.text(names::AUDIT_ACTOR_ID), Some("anonymous"));
            assert_eq!(record.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&Value::Bool(false)));
            assert_eq!(record.text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), Some(reason));
            assert_eq!(record.text(names::AUDITRAIL_CLAIMED_ACTOR_ID), Some(claimed));
            assert_eq!(record.text(names::AUDITRAIL_ACTOR_SOURCE), Some("mtls"));
        }
    }
}

/// What was refused by the handshake reaches no server, and leaves a record of who tried.
#[tokio::test]
async fn certificates_that_are_not_valid_are_refused_and_recorded() {
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13][..]] {
        for (certificate, required, reason, claimed) in [
            (None, true, None, None),
            (Some("bygone"), true, Some("expired"), Some("CN=bygone,O=Example")),
            (Some("others-client"), true, Some("issuer"), Some("CN=localhost")),
            // For servers only.
            (Some("ours-server"), true, Some("rejected"), Some("CN=localhost")),
            // A client that need not show one must not show a wrong one.
            (Some("bygone"), false, Some("expired"), Some("CN=bygone,O=Example")),
            (Some("others-client"), false, Some("issuer"), Some("CN=localhost")),
        ] {
            let mut clients = asking(CertificateName::Subject);
            clients.required = required;
            let (server, proxy) = start(clients, |fields| fields).await;
            let address = refused(proxy.address, certificate, versions).await;
            until("the refusal", || !proxy.bench.said().is_empty()).await;
            let said = proxy.bench.said().concat();
            assert!(said.contains("refused a client at 127.0.0.1: it"), "{said}");
            let records = proxy.records().await;
            assert_eq!((server.seen().len(), records.len()), (0, 1), "{certificate:?}");
            let (record, text) = (&records[0], |key| records[0].text(key));
            assert_eq!((&*record.event_name, text(names::AUDIT_ACTION)), ("auditrail.authn", Some("LOGIN")));
            let class = if certificate.is_some() { "invalid_credentials" } else { "missing_credentials" };
            let told = (text(names::AUDIT_OUTCOME), text(names::ERROR_TYPE), text(names::AUDITRAIL_DECISION));
            assert_eq!(told, (Some("failure"), Some(class), Some("deny")));
            assert_eq!(text(names::AUDIT_ACTOR_ID), Some("anonymous"));
            assert_eq!(
                (text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), text(names::AUDITRAIL_CLAIMED_ACTOR_ID)),
                (reason, claimed)
            );
            assert_eq!(text(names::AUDITRAIL_ACTOR_AUTH_TYPE), Some("mtls"));
            let from = (text(names::CLIENT_ADDRESS), record.get(names::CLIENT_PORT));
            assert_eq!(from, (Some("127.0.0.1"), Some(&Value::Int(address.port().into()))));
            assert_ne!(record.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&Value::Bool(true)));
        }
    }
}

#[tokio::test]
async fn a_flood_of_refused_clients_is_some_records_and_a_count() {
    let (_, proxy) = start(asking(CertificateName::Subject), |fields| fields).await;
    for _ in 0..25 {
        refused(proxy.address, Some("bygone"), ANY).await;
    }
    // Ten have a notice each.
    until("the refusals", || proxy.bench.said().len() >= 10).await;
    let records = proxy.records().await;
    let count = |record: &Record| record.get(names::AUDITRAIL_AUTHN_COUNT).cloned();
    assert!(records.iter().all(|record| record.event_name == "auditrail.authn"));
    assert_eq!(records.len(), 11);
    assert!(records[..10].iter().all(|record| count(record).is_none()));
    assert_eq!(count(&records[10]), Some(Value::Int(15)));
    assert_eq!(records[10].text(names::CLIENT_ADDRESS), None);
}

/// Whoever has no certificate may be known in another way; whoever has one is known by it.
#[tokio::test]
async fn without_a_certificate_the_next_extractor_counts() {
    let mut clients = asking(CertificateName::Email);
    clients.required = false;
    let (_, proxy) = start(clients, |mut fields| {
        fields.authenticated = true;
        fields
    })
    .await;
    for (certificate, header, id, source) in [
        (None, "", "anonymous", None),
        (None, "X-User: grace\r\n", "grace", None),
        (Some("ada"), "X-User: grace\r\n", "ada@example.org", Some("mtls")),
    ] {
        ask(proxy.address, certificate, header).await;
        let records = proxy.bench.records();
        let record = records.last().unwrap();
        assert_eq!(record.text(names::AUDIT_ACTOR_ID), Some(id));
        if source.is_some() {
            assert_eq!(record.text(names::AUDITRAIL_ACTOR_SOURCE), source);
        }
    }
}

/// Proxies that end TLS in front of others name certificates in headers, and so does anybody else.
#[tokio::test]
async fn a_header_that_names_a_certificate_is_none() {
    let forged = "X-Forwarded-Client-Cert: By=spiffe://a;Subject=\"CN=root\";URI=spiffe://example.org/root\r\n\
                  X-SSL-Client-S-DN: CN=root\r\nClient-Cert: :TUlJ:\r\nX-Client-Cert: root\r\n";
    let mut clients = asking(CertificateName::Uri);
    clients.required = false;
    let (server, proxy) = start(clients, |fields| fields).await;
    ask(proxy.address, None, forged).await;
    ask(proxy.address, Some("weather"), forged).await;
    assert!(server.last().field("x-forwarded-client-cert").is_some(), "it passes, as any header does");
    let records = proxy.records().await;
    let actors: Vec<_> = records.iter().map(|record| record.text(names::AUDIT_ACTOR_ID).unwrap()).collect();
    let weather = "spiffe://example.org/ns/prod/sa/weather";
    assert_eq!(actors, ["anonymous", "anonymous", weather, weather]);
    assert_eq!(
        records[0].get(names::AUDITRAIL_ACTOR_VERIFIED).cloned().unwrap_or(Value::Bool(false)),
        Value::Bool(false)
    );
}

/// Several clients at a time, each with several requests: none lends its name to another.
#[tokio::test]
async fn every_connection_has_its_own_holder() {
    let mut clients = asking(CertificateName::Subject);
    clients.required = false;
    let (_, proxy) = start(clients, |fields| fields).await;
    let mut streams = Vec::new();
    for certificate in [Some("ada"), None, Some("weather")] {
        streams.push(connect(proxy.address, &Arc::new(client(certificate, ANY))).await.unwrap());
    }
    for _ in 0..2 {
        for stream in &mut streams {
            stream.write_all(&post(&call(1, "echo"))).await.unwrap();
            answer(stream).await;
        }
    }
    let records = proxy.records().await;
    let actors: Vec<_> = records.iter().map(|record| record.text(names::AUDIT_ACTOR_ID).unwrap()).collect();
    let once = [ADA, ADA, "anonymous", "anonymous", "CN=weather,O=Example", "CN=weather,O=Example"];
    assert_eq!(actors, [once, once].concat());
}

/// A session that is resumed has the certificate of an earlier handshake, which may have expired since.
#[tokio::test]
async fn every_connection_is_verified_anew() {
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13][..]] {
        let (_, proxy) = start(asking(CertificateName::Subject), |fields| fields).await;
        let config = Arc::new(client(Some("ada"), versions));
        for _ in 0..3 {
            let mut stream = connect(proxy.address, &config).await.unwrap();
            stream.write_all(&post(&call(1, "echo"))).await.unwrap();
            answer(&mut stream).await;
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        }
        assert_eq!(proxy.records().await.len(), 6);
    }
}

fn asking(name: CertificateName) -> ClientCertificates {
    let mut clients = ClientCertificates::new(file("clients-ca.pem"));
    clients.name = name;
    clients
}

/// The header `x-user` counts, too.
async fn start(clients: ClientCertificates, fields: impl FnOnce(IdentityFields) -> IdentityFields) -> (Server, Proxy) {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let mut settings = reverse(server.address);
    settings.tls = Some(PemFiles { certificate: file("ours-server.pem"), key: file("ours-server.key") });
    settings.client_certificates = Some(clients);
    settings.hops = TrustedHops { networks: vec!["127.0.0.1/32".parse().unwrap()], ..TrustedHops::default() };
    let headers = fields(IdentityFields::new("x-user".parse().unwrap()));
    let bench = Bench::with(|builder| builder.identify(CertificateExtractor::new()).identify(headers));
    (server, Proxy::with(Arc::new(bench), settings).await)
}

/// What a call of a client with that certificate leaves.
async fn recorded(clients: ClientCertificates, certificate: &str) -> Vec<Record> {
    let (_, proxy) = start(clients, |fields| fields).await;
    ask(proxy.address, Some(certificate), "").await;
    proxy.records().await
}

async fn ask(address: SocketAddr, certificate: Option<&str>, headers: &str) {
    let mut stream = connect(address, &Arc::new(client(certificate, ANY))).await.unwrap();
    let request = String::from_utf8(post(&call(1, "echo"))).unwrap();
    let request = request.replacen("\r\n", &format!("\r\n{headers}"), 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await;
}

async fn answer(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let (mut read, wanted) = (Vec::new(), ok("application/json", &result(1)).len());
    while read.len() < wanted {
        within(stream.read_buf(&mut read)).await.unwrap();
    }
    assert!(read.ends_with(result(1).as_bytes()), "{}", String::from_utf8_lossy(&read));
}

/// In TLS 1.3 a client learns only from what comes after the handshake that its certificate was refused. Returns its address.
async fn refused(
    address: SocketAddr,
    certificate: Option<&str>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> SocketAddr {
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client(certificate, versions)));
    let Ok(mut stream) = within(connector.connect(name, stream)).await else { return own };
    drop(stream.write_all(&post(&call(1, "echo"))).await);
    let mut read = Vec::new();
    let failed = within(stream.read_to_end(&mut read)).await;
    assert!(failed.is_err() && read.is_empty(), "{failed:?} {}", String::from_utf8_lossy(&read));
    own
}
