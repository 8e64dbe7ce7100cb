//! Reads and checks a configuration file.

use std::path::Path;

use auditrail::config::{DIRECTORY, Environment, FLUSH_TIMEOUT, JOURNAL_MAX_BYTES, JOURNAL_WITHOUT, RECORD_DIGESTS};
use auditrail::internals::EnvironmentInside as _;
use auditrail::internals::config::{quarantine, read_regular};
use auditrail::policy::file::{self, Mistake, Source, Tables};
use auditrail::policy::{DenialRules, Policy, TargetMap};

use super::denied;
use super::error::{FileError, KEYS};
use super::issuers;
use super::shape::ConfigFile;
use super::sink::DisabledName;
use super::target;

impl ConfigFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
        let text = String::from_utf8(read_regular(path).map_err(unreadable)?);
        let text = text.map_err(|_| unreadable(std::io::Error::other("it is not UTF-8")))?;
        Self::parse(path, &text)
    }

    /// Parses the text of a file; the path is for messages.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let source = Source::new(path, text, &[KEYS, file::KEYS]);
        let mut file: Self = source.parse()?;
        file.check(&source)?;
        file.decides = file.read_policy(&source)?;
        Ok(file)
    }

    /// Sets the variables of the trail that the environment does not set from the file. Returns these variables with
    /// their keys in the file.
    pub fn complete(&self, environment: &mut Environment) -> Vec<(&'static str, &'static str)> {
        let values = [
            (DIRECTORY, "[journal] directory", self.journal.directory.as_ref().map(|it| it.display().to_string())),
            (JOURNAL_MAX_BYTES, "[journal] max_bytes", self.journal.max_bytes.map(|bytes| bytes.to_string())),
            (
                FLUSH_TIMEOUT,
                "[journal] flush_timeout",
                self.journal.flush_timeout.map(|time| time.0.as_millis().to_string()),
            ),
            (JOURNAL_WITHOUT, "[journal] without", self.journal.without.as_ref().map(|names| names.join(","))),
            (
                quarantine::MAX_BYTES,
                "[journal] quarantine_max_bytes",
                self.journal.quarantine_max_bytes.map(|bytes| bytes.to_string()),
            ),
            (
                quarantine::WHEN_FULL,
                "[journal] quarantine_when_full",
                self.journal.quarantine_when_full.map(|way| way.text().to_owned()),
            ),
            (RECORD_DIGESTS, "[record] digests", self.record.digests.map(|record| record.to_string())),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "[otlp] endpoint", self.otlp.endpoint.clone()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "[otlp] protocol", self.otlp.protocol.clone()),
            (
                "OTEL_TRACES_EXPORTER",
                "[trace] export",
                self.trace.export.map(|exports| if exports { "otlp" } else { "none" }.into()),
            ),
        ];
        let disabled = self.disabled.map(DisabledName::variable);
        let set =
            values.into_iter().chain(self.sink.variables()).chain(disabled).filter_map(|(variable, key, value)| {
                environment.default_to(variable, &value?).then_some((variable, key))
            });
        set.collect()
    }

    /// What is kept of calls, and the classes that they have.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.decides
    }

    /// What tools, prompts, resources and routes act on.
    #[must_use]
    pub fn targets(&self) -> TargetMap {
        // It was checked when the file was read.
        target::map(&self.target).unwrap_or_default()
    }

    /// The rules that recognize denials. Those of a file that was read can all be used.
    #[must_use]
    pub fn denials(&self) -> DenialRules {
        denied::rules(&self.denied).unwrap_or_default()
    }

    /// The complete configuration, as a file.
    #[must_use]
    pub fn shown(&self) -> String {
        // What was parsed can be serialized.
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// The policy of the tables in the file, or of the file that it names.
    fn read_policy(&self, source: &Source<'_>) -> Result<Policy, FileError> {
        let tables = Tables { rules: &self.rule, classes: &self.class, redacts: &self.redact };
        match &self.policy {
            None => Ok(tables.policy(POLICY, source)?),
            Some(path) if tables.are_empty() => Ok(Policy::from_file(path.get_ref())?),
            Some(path) => {
                let problem = "the policy is in a file of its own, and in this one, too; move [[rule]], [class.NAME] and [[redact]] there, or \
                               remove `policy`";
                Err(source.mistake(Some(path.span()), problem).into())
            }
        }
    }

    fn check(&self, source: &Source<'_>) -> Result<(), Mistake> {
        if let Some(place) = self.sink.unused() {
            let problem = "no sink is a file; write `to = [\"file\"]` into [sink], or `to = [\"otlp\", \"file\"]`";
            return Err(source.mistake(Some(place), problem));
        }
        issuers::check(&self.identity.jwt, self.identity.kubernetes.as_ref(), source)?;
        target::map(&self.target).map_err(|(place, problem)| source.mistake(Some(place), problem))?;
        denied::rules(&self.denied)
            .map_err(|(rule, error)| source.mistake(Some(rule.name.span()), &error.problem.to_string()))?;
        for listener in &self.listener {
            let problem = match (&listener.upstream, listener.forward) {
                (Some(_), true) => "a listener has an upstream or is `forward = true`, not both",
                (None, false) => "a listener needs `upstream = \"http://HOST:PORT\"` or `forward = true`",
                _ if listener.tls_certificate.is_some() != listener.tls_key.is_some() => {
                    "tls_certificate and tls_key belong together: name both or none"
                }
                _ if listener.client_ca.is_some() && listener.tls_certificate.is_none() => {
                    "client_ca needs tls_certificate and tls_key: clients show certificates only to a listener with TLS"
                }
                _ if listener.client_ca.is_none() && listener.asks_clients() => {
                    "client_certificate, client_name and client_type need client_ca: the authorities that must have signed the \
                     certificates of clients"
                }
                _ if listener.upstream_certificate.is_some() != listener.upstream_key.is_some() => {
                    "upstream_certificate and upstream_key belong together: name both or none"
                }
                _ => continue,
            };
            return Err(source.mistake(Some(listener.listen.span()), problem));
        }
        Ok(())
    }
}

/// The name of a policy whose tables stand in the configuration file.
const POLICY: &str = "proxy";
