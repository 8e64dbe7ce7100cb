//! Servers over HTTP.

use std::future::Future;
use std::io;
use std::path::Path;

use auditrail::Trail;
use auditrail::capture::mcp::HttpRecording;
use auditrail::identity::ActorType;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::config::Configuration;
use super::failure::{failed, not_started};
use super::{identity, tracer};
use crate::cli::outcome::{Failure, say};
use crate::config::file::{
    AddressHeader, ClientCertificateUse, ClientHolder, ClientNameKind, HostName, HttpFileSettings, HttpRecordName,
    IdentitySettings, ListenerSettings,
};
use crate::proxy::http::{
    AddressField, CertificateName, ClientCertificates, Connections, HostField, HttpProxy, HttpProxyError, HttpSettings,
    PemFiles, TrustedHops, Upstream,
};

/// Serves until the process is told to end.
pub(super) fn run(configuration: &Configuration) -> Result<u8, Failure> {
    // Before anything reads it.
    raise_limit();
    let trail = identity::over_http(configuration, configuration.trail())?;
    let identity = &configuration.file.identity;
    let listeners = configuration.file.listener.iter().map(|listener| settings(listener, identity));
    let mut listeners = listeners.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    let recording = recording(&configuration.file.http);
    let connections = configuration.file.http.connections.map_or_else(Connections::default, Connections::new);
    for settings in &mut listeners {
        settings.inject_trace = configuration.file.trace.inject;
        settings.record.clone_from(&recording);
        settings.connections = connections.clone();
    }
    let trail = trail.start().map_err(|error| not_started(configuration, &error))?;
    let tracer = tracer::install(configuration, &trail)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(serve(listeners, &trail))?;
    drop(runtime);
    // Ships what is left, records first.
    drop(trail);
    drop(tracer);
    Ok(0)
}

/// Raises the descriptor limit to the maximum: half of the descriptors are for connections. A server that is started
/// as a command never inherits that, because there is none here; programs that use `select` would break.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised, the limit of connections is lower.
    let _unraised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

async fn serve(listeners: Vec<HttpSettings>, trail: &Trail) -> Result<(), Failure> {
    let told_to_end = told_to_end().map_err(failed)?;
    let (end, ended) = watch::channel(());
    let mut proxies = tokio::task::JoinSet::new();
    for settings in listeners {
        let proxy = HttpProxy::bind(settings, trail).await.map_err(not_served)?;
        say(&format!("listens on {}", proxy.address()));
        if let Some(address) = proxy.health_address() {
            say(&format!("answers /livez and /readyz on {address}"));
        }
        let mut ended = ended.clone();
        proxies.spawn(async move {
            // Nothing is ever sent: it ends with its sender.
            proxy.run(async move { drop(ended.changed().await) }).await;
        });
    }
    told_to_end.await;
    drop(end);
    while proxies.join_next().await.is_some() {}
    Ok(())
}

/// A setting that cannot be used, or an address that is in use.
fn not_served(error: HttpProxyError) -> Failure {
    match error {
        HttpProxyError::Listen { .. } => failed(error),
        error => Failure::usage(error),
    }
}

fn settings(listener: &ListenerSettings, identity: &IdentitySettings) -> Result<HttpSettings, HttpProxyError> {
    let address = listener.listen.get_ref().0;
    let mut settings = match &listener.upstream {
        Some(origin) => {
            let mut upstream = Upstream::new(origin)?;
            upstream.ca.clone_from(&listener.upstream_ca);
            upstream.identity = pem(&listener.upstream_certificate, &listener.upstream_key);
            HttpSettings::reverse(address, upstream)
        }
        None => HttpSettings::forward(address),
    };
    settings.tls = pem(&listener.tls_certificate, &listener.tls_key);
    settings.client_certificates = listener.client_ca.as_ref().map(|ca| certificates(ca, listener));
    settings.hops = TrustedHops {
        networks: identity.trusted.iter().map(|network| network.0).collect(),
        address: match identity.address {
            Some(AddressHeader::Forwarded) => AddressField::Forwarded,
            Some(AddressHeader::XForwardedFor) | None => AddressField::XForwardedFor,
        },
    };
    settings.host = match listener.host {
        HostName::Client => HostField::Client,
        HostName::Upstream => HostField::Upstream,
    };
    settings.hosts.clone_from(&listener.hosts);
    settings.forwarded = listener.forwarded;
    settings.health = listener.health.map(|address| address.0);
    settings.drain = listener.drain.map_or(settings.drain, |time| time.0);
    settings.connect_timeout = listener.connect_timeout.map_or(settings.connect_timeout, |time| time.0);
    settings.max_held = listener.held_bytes.unwrap_or(settings.max_held);
    Ok(settings)
}

fn certificates(ca: &Path, listener: &ListenerSettings) -> ClientCertificates {
    let mut clients = ClientCertificates::new(ca.to_owned());
    clients.required = listener.client_certificate != Some(ClientCertificateUse::Optional);
    clients.name = match listener.client_name {
        Some(ClientNameKind::Subject) | None => CertificateName::Subject,
        Some(ClientNameKind::Cn) => CertificateName::CommonName,
        Some(ClientNameKind::Uri) => CertificateName::Uri,
        Some(ClientNameKind::Email) => CertificateName::Email,
        Some(ClientNameKind::Dns) => CertificateName::Dns,
    };
    clients.holder = listener.client_type.map(|holder| match holder {
        ClientHolder::User => ActorType::User,
        ClientHolder::Service => ActorType::Service,
    });
    clients
}

fn recording(http: &HttpFileSettings) -> HttpRecording {
    let recording = match http.record {
        HttpRecordName::Failures => HttpRecording::failures(),
        HttpRecordName::All => HttpRecording::all(),
        HttpRecordName::None => HttpRecording::none(),
    };
    http.exclude.iter().fold(recording, |recording, route| recording.exclude(&route.0))
}

fn pem(certificate: &Option<std::path::PathBuf>, key: &Option<std::path::PathBuf>) -> Option<PemFiles> {
    let (certificate, key) = certificate.clone().zip(key.clone())?;
    Some(PemFiles { certificate, key })
}

fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
