//! Reads and checks a configuration file.

use std::path::Path;

use auditrail::config::{DIRECTORY, Environment, FLUSH_TIMEOUT, JOURNAL_MAX_BYTES, JOURNAL_WITHOUT, RECORD_DIGESTS};
use auditrail::internals::EnvironmentInside as _;
use auditrail::internals::config::{quarantine, read_regular};
use auditrail::policy::{DenialRules, TargetMap};

use super::denied;
use super::error::{FileError, SourceFile};
use super::issuers;
use super::shape::{ClassSettings, ConfigFile};
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
        let source = SourceFile { path, text };
        let file: Self = toml::from_str(text).map_err(|error| source.mistake(error.span(), error.message()))?;
        file.check(&source)?;
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

    /// The class of a call: that of the first rule that matches.
    #[must_use]
    pub fn class_of(&self, method: &str, tool: Option<&str>) -> Option<&ClassSettings> {
        let rule = self.rule.iter().find(|rule| rule.matches.is(method, tool))?;
        self.class.get(rule.class.get_ref())
    }

    /// The classes that a call can have.
    pub fn classes_in_use(&self) -> impl Iterator<Item = &ClassSettings> {
        self.rule.iter().filter_map(|rule| self.class.get(rule.class.get_ref()))
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

    fn check(&self, source: &SourceFile<'_>) -> Result<(), FileError> {
        for rule in &self.rule {
            if !self.class.contains_key(rule.class.get_ref()) {
                let known: Vec<_> = self.class.keys().map(|name| format!("[class.{name}]")).collect();
                let known = if known.is_empty() { "there is none".into() } else { known.join(", ") };
                let problem = format!("no class has that name; write a [class.NAME] for it, or use one of: {known}");
                return Err(source.mistake(Some(rule.class.span()), &problem));
            }
            rule.matches.check().map_err(|problem| source.mistake(Some(rule.class.span()), problem))?;
        }
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
