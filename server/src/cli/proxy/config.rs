//! The effective configuration from the arguments, the environment and the configuration file.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auditrail::Trail;
use auditrail::config::{ConfigError, DIRECTORY, Environment, FILE, Overrides, Protocol, SINK, Settings};
use auditrail::internals::config::service_name_of;
use auditrail::internals::trail::CLASSES;
use auditrail::trail::TrailBuilder;

use crate::cli::args::{Host, HttpArguments, ProxyArguments};
use crate::cli::outcome::Failure;
use crate::cli::shown::plain;
use crate::cli::words::Words;
use crate::config::file::{ConfigFile, DisabledName, HostName, ListenerSettings, ProcessIdentity};
use crate::proxy::http::Upstream;

/// The effective configuration.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) file: ConfigFile,
    /// Where it was read from.
    path: Option<PathBuf>,
    environment: Environment,
    /// `None` if the environment sets it.
    service: Option<String>,
    /// The server's command, if there is one.
    pub(super) command: Vec<OsString>,
    /// The origins of settings.
    pub(super) words: Words,
}

impl Configuration {
    pub(super) fn find(arguments: &ProxyArguments) -> Result<Self, Failure> {
        let mut environment = Environment::of_process();
        let path = match &arguments.config {
            Some(path) => Some(path.clone()),
            None => environment.text(FILE).map_err(Failure::usage)?.map(PathBuf::from),
        };
        let mut file = path.as_deref().map(ConfigFile::read).transpose().map_err(Failure::usage)?.unwrap_or_default();
        let mut others = Vec::from_iter(&file.identity.token_variable);
        if let Some(ProcessIdentity { user, name, tenant }) = &file.identity.environment {
            others.extend([Some(user), name.as_ref(), tenant.as_ref()].into_iter().flatten());
        }
        if !others.is_empty() {
            environment = Environment::of_process_with(&others.into_iter().map(String::as_str).collect::<Vec<_>>());
        }
        let named = service_name_of(&environment).map_err(Failure::usage)?.is_some();
        let mut sources = file.complete(&mut environment);
        sources.push((CLASSES, "[class] acknowledge"));
        let names_log = |list: &str| list.split(',').any(|name| name.trim() == "log");
        if environment.text(SINK).map_err(Failure::usage)?.is_some_and(names_log) {
            return Err(Failure::usage(NO_LOG));
        }
        let command = arguments.command.clone();
        if let Some(address) = arguments.http.listen {
            file.listener = vec![listener(address, &arguments.http)?];
        }
        if command.is_empty() && file.listener.is_empty() {
            return Err(Failure::usage(NOTHING));
        }
        let default = || file.service_name.clone().unwrap_or_else(|| file_name(&command));
        let service = match &arguments.name {
            Some(name) => Some(name.clone()),
            None if named => None,
            None => Some(default()),
        };
        Ok(Self { file, path, environment, service, command, words: Words { sources, needs: NEEDS } })
    }

    pub(super) fn program(&self) -> Option<&OsString> {
        self.command.first()
    }

    /// A trail with these settings and this policy.
    pub(super) fn trail(&self) -> TrailBuilder {
        let builder = Trail::builder(self.service.clone().unwrap_or_default()).environment(self.environment.clone());
        let builder = builder.bounds((&self.file.bounds).into()).targets(self.file.targets());
        let builder = builder.denials(self.file.denials());
        let builder = builder.record_tool_definitions(self.file.record.tool_definitions);
        match &self.path {
            Some(path) => self.watching(builder, path.clone()),
            None => builder.policy(self.file.policy().clone()),
        }
    }

    /// The policy is read again when its file changes; other settings of the configuration file are those of the start.
    fn watching(&self, builder: TrailBuilder, path: PathBuf) -> TrailBuilder {
        let named = self.file.policy.as_ref().map(|named| named.get_ref().clone());
        let paths = [Some(path.clone()), named];
        builder.policy_source(paths.into_iter().flatten(), move || {
            ConfigFile::read(&path).map(|file| file.policy().clone()).map_err(|error| error.to_string())
        })
    }

    /// The variables of the process, with those that the file names.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The effective configuration as a file, without secrets.
    pub(super) fn shown(&self) -> Result<String, Failure> {
        let overrides = Overrides { service_name: self.service.clone(), ..Overrides::default() };
        let told = |error: &ConfigError| Failure::usage(self.words.config(error));
        let settings = Settings::read(&overrides, &self.environment).map_err(|error| told(&error))?;
        settings.warnings.iter().for_each(crate::cli::outcome::say);
        for upstream in self.file.listener.iter().filter_map(|listener| listener.upstream.as_deref()) {
            // It may contain a password, and would be refused.
            Upstream::new(upstream).map_err(Failure::usage)?;
        }
        let mut file = self.file.clone();
        file.service_name = Some(settings.resource.service_name().to_owned());
        file.journal.show(&settings);
        file.sink.show(&settings);
        file.disabled = Some(DisabledName(settings.auditing));
        let general = self.environment.text("OTEL_EXPORTER_OTLP_ENDPOINT").map_err(Failure::usage)?;
        file.otlp.endpoint = general.map(|endpoint| endpoint.split('?').next().unwrap_or_default().to_owned());
        file.otlp.protocol = Some(match settings.logs.protocol {
            Protocol::HttpProtobuf => "http/protobuf".into(),
            _ => "grpc".into(),
        });
        let mut text = String::new();
        if settings.sinks.otlp {
            text += &format!("# records go to {}\n", settings.logs.shown_endpoint());
            for (name, _) in &settings.logs.headers {
                text += &format!("# with the header {name}: (hidden)\n");
            }
        }
        file.trace.export = Some(settings.exports_traces);
        if settings.exports_traces && settings.has_collector {
            text += &format!("# traces go to {}\n", settings.traces.as_ref().map_err(told)?.shown_endpoint());
        }
        if let Some(program) = self.program() {
            text += &format!("# the server is {}, over stdio\n", plain(&program.to_string_lossy()));
        }
        Ok(text + "\n" + &file.shown())
    }
}

/// The listener of the arguments.
fn listener(address: SocketAddr, arguments: &HttpArguments) -> Result<ListenerSettings, Failure> {
    let upstream = arguments.upstream.clone();
    if upstream.is_none() && !arguments.forward {
        return Err(Failure::usage("--listen needs --upstream URL, or --forward"));
    }
    let mut listener = ListenerSettings::new(address, upstream, arguments.forward);
    listener.upstream_ca.clone_from(&arguments.upstream_ca);
    listener.host = match arguments.host {
        Some(Host::Upstream) => HostName::Upstream,
        Some(Host::Client) | None => HostName::Client,
    };
    listener.hosts.clone_from(&arguments.hosts);
    listener.forwarded = arguments.forwarded;
    Ok(listener)
}

/// The file name of the program; the proxy's own if there is none.
fn file_name(command: &[OsString]) -> String {
    let name = command.first().and_then(|program| Path::new(program).file_name());
    name.map_or_else(|| "auditrail-proxy".into(), |name| name.to_string_lossy().into_owned())
}

const NEEDS: &[(&str, &str)] = &[
    (
        DIRECTORY,
        "set it, or directory of [journal] in the configuration file, to a directory that outlives the process",
    ),
    ("OTEL_SERVICE_NAME", "give --name SERVICE, or write service_name into the configuration file"),
];
const NO_LOG: &str = "AUDITRAIL_SINK names log, and the proxy has no log of its own; name stderr or file";
const NOTHING: &str = "no server is named; give its command after --, or --listen with --upstream or \
                       --forward, or a configuration file with a [[listener]]";
